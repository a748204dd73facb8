"""Cross-sell beside libraries: the engine, ALS, BPR and item-item BM25 of ``implicit`` on one split.

    python -m tests.benchmarks.cross_sell BUNDLE TABLES

The libraries learn from the purchases and carts before the test part, as the engine does. At each moment
they are given the visitor's past purchases and the basket, and all systems leave out what could take the
place of something in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, bm25_weight
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from data.records import EventType
from data.tables import Tables, iter_events, read_tables
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.evaluation.cross_sell import CrossSellEvaluation
from tests.benchmarks.machine import machine
from towers.catalog.items import Catalog
from towers.datasets.replayed_log import ReplayedLog
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.training.baselines import BASELINES, Baseline

_FETCHED = 1_000
_TAKEN = (EventType.PURCHASE, EventType.ADD_TO_CART)
_FACTORS = 64


def purchases(tables: Tables, catalog: Catalog) -> csr_matrix:
    """``[visitors, items] float32``: how often a visitor took an item before the test part."""
    visitors: dict[str, int] = {}
    rows, columns = [], []
    for event in iter_events(tables.events):
        row = catalog.row_of.get(event.item_id, -1)
        if row >= 0 and event.type in _TAKEN and event.time < tables.split.test_from:
            rows.append(visitors.setdefault(event.visitor_id, len(visitors)))
            columns.append(row)
    ones = np.ones(len(rows), np.float32)
    return csr_matrix((ones, (rows, columns)), (len(visitors), catalog.count))


def baseline(model: Any, *, is_by_items: bool, item_count: int) -> Baseline:
    """A model as a baseline.

    Args:
        is_by_items: Whether it scores by the visitor's items alone and has no vectors of visitors.
    """

    def rank(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
        summary = encoded.summary
        taken = np.concatenate([summary.rows, summary.bought_rows])
        weights = np.concatenate([np.ones(len(summary.rows)), summary.bought_counts])
        zeros = np.zeros(len(taken), np.int64)
        history = csr_matrix((weights.astype(np.float32), (zeros, taken)), (1, item_count))
        if is_by_items:
            found, _ = model.recommend(0, history, N=_FETCHED, filter_already_liked_items=False)
        else:
            found, _ = model.recommend(
                0, history, N=_FETCHED, filter_already_liked_items=False, recalculate_user=True
            )
        rows = found[found >= 0].astype(np.int64)
        return sources.only_allowed(encoded.rank_request, rows)[:count]

    return rank


def mean_of_items(model: Any, item_count: int) -> Baseline:
    """A model without fold-in: the mean vector of the visitor's items stands for the visitor."""

    def rank(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
        summary = encoded.summary
        taken = np.concatenate([summary.rows, summary.bought_rows])
        vector = model.item_factors[taken[taken < item_count]].mean(axis=0)
        found = np.argsort(-(model.item_factors @ vector), kind="stable")[: 2 * _FETCHED]
        return sources.only_allowed(encoded.rank_request, found.astype(np.int64))[:count]

    return rank


def library_baselines(taken: csr_matrix, seed: int) -> dict[str, Baseline]:
    """The libraries' models, fitted."""
    count = taken.shape[1]
    als = AlternatingLeastSquares(factors=_FACTORS, iterations=20, random_state=seed)
    bpr = BayesianPersonalizedRanking(factors=_FACTORS, iterations=100, random_state=seed)
    by_items = BM25Recommender(K=100)
    # Popular items would swamp the loss: weighted as the library's own examples do.
    als.fit(bm25_weight(taken).tocsr(), show_progress=False)
    for model in (bpr, by_items):
        model.fit(taken, show_progress=False)
    return {
        "implicit ALS": baseline(als, is_by_items=False, item_count=count),
        "implicit BPR": mean_of_items(bpr, count),
        "implicit item-item BM25": baseline(by_items, is_by_items=True, item_count=count),
        "co-visited": BASELINES["covisited"],
    }


def measured(bundle: Path, tables: Tables, *, request_limit: int, seed: int) -> Mapping[str, Any]:
    """Replays the test part, and asks at one moment of each basket."""
    clock = Clock()
    engine = Engine.open(bundle, clock=clock, seed=seed)
    try:
        catalog = engine.bundle.catalog
        evaluation = CrossSellEvaluation(
            engine, None, 100, library_baselines(purchases(tables, catalog), seed)
        )
        log = ReplayedLog.of(
            list(iter_events(tables.events)), catalog.row_of, learn_from_time=tables.split.test_from
        )
        rng = np.random.default_rng(seed)
        by_session: dict[int, list[int]] = {}
        for number in range(log.learn_from, len(log.events)):
            if log.targets.is_target[number]:
                by_session.setdefault(int(log.sessions[number]), []).append(number)
        moments = [
            numbers[int(rng.integers(1, len(numbers)))]
            for numbers in by_session.values()
            if len(numbers) > 1
        ]
        chosen = set(rng.permutation(moments)[:request_limit].tolist())
        for number, event in enumerate(log.events):
            if number in chosen:
                clock.now = event.time
                session = engine.sessions.get(event.visitor_id).at(event.time)
                wanted = log.targets.after(number, 10_000)
                evaluation.ask(event.visitor_id, session, event.time, wanted)
            if number < log.learn_from:
                engine.sessions.apply(event)
            else:
                engine.apply(event)
        return evaluation.report(seed)
    finally:
        engine.close()


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.argument("tables", type=click.Path(path_type=Path, exists=True))
@click.option("--requests", "request_limit", default=1_000, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(bundle: Path, tables: Path, request_limit: int, seed: int, as_json: bool) -> None:
    """Compares cross-sell with libraries."""
    report = measured(bundle, read_tables(tables), request_limit=request_limit, seed=seed)
    if as_json:
        click.echo(json.dumps(report))
        return
    share = report["substitute_share@10"]
    table = Table("system", "NDCG@10", "R@10", "lead of the engine", title=machine())
    for name, values in report["systems"].items():
        lead = report["lead_at_ndcg@10"].get(name)
        cells = [_interval(values["ndcg@10"]), _interval(values["r@10"])]
        table.add_row(name, *cells, "" if lead is None else _interval(lead))
    console = Console()
    console.print(table)
    console.print(f"{report['request_count']:,} baskets; substitutes {_interval(share)}")


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


if __name__ == "__main__":
    main()
