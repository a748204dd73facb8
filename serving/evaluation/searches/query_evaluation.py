"""Searches with known relevant items: the engine and its parts, with and without typos."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.records import Judgment
from data.tables import Tables, event_micros
from serving.answering.rank_request_builders import search_rank_request
from serving.api.requests import SearchRequest
from serving.engine import Engine
from serving.evaluation.system_rankings import ENGINE, SystemRankings, classical_rankings
from towers.bootstrap import mean_interval
from towers.bundle.layout import Layout
from towers.datasets.examples import TEST_FOLD, good_items, query_fold
from towers.datasets.head_queries import with_slip
from towers.datasets.synthetic_queries import catalogue_query
from towers.ranking.feature_context import FeatureContext
from towers.sessions.session import Session
from towers.training.classical_baselines import load_classical
from towers.training.encoder.text_baselines import TextBaselines

TWO_TOWERS = "two_towers"
LEXICAL = "lexical"
FUSED = "fused"
RULE = "fixed_rule"
"""The candidates by ``FeatureContext.search_score``, which the reranker starts from."""

Query = tuple[str, list[str]]
"""A query text, and the ids of its relevant items."""

_DEEP_MEASURE = "r@100"
_LEAST_LETTERS = 4


def judged_queries(engine: Engine, tables: Tables, *, limit: int, seed: int) -> list[Query]:
    """Judged queries held out from training, with the items judged relevant."""
    judgments = [Judgment(*row.values()) for row in tables.judgments.to_pylist()]
    row_of = engine.bundle.catalog.row_of
    queries = [
        (query, [item_id for item_id in good if item_id in row_of])
        for query, good in good_items(judgments).items()
        if query_fold(query) == TEST_FOLD
    ]
    queries = [(query, good) for query, good in queries if good]
    random.Random(seed).shuffle(queries)
    return queries[:limit]


def synthetic_queries(engine: Engine, tables: Tables, *, limit: int, seed: int) -> list[Query]:
    """Synthetic queries for items of the test part, or for any items if there is no test part.

    Only the item that a query was generated from is relevant, even if others match its words as
    well. Queries have no typos.
    """
    catalog, rng = engine.bundle.catalog, random.Random(seed + 100)
    is_test = event_micros(tables.events) >= tables.split.test_from * 1e6
    rows = catalog.rows(tables.events["item_id"].filter(is_test).to_pylist())
    rows = rows[rows >= 0] if (rows >= 0).any() else np.arange(catalog.count)
    queries = []
    for _ in range(limit):
        row = int(rows[rng.randrange(len(rows))])
        text = catalogue_query(catalog, row, rng, has_errors=False)
        if text:
            queries.append((text, [catalog.item_ids[row]]))
    return queries


def ask_queries(
    engine: Engine,
    queries: Sequence[Query],
    *,
    depth: int,
    time: float,
    progress: Callable[..., object],
    baselines: TextBaselines | None = None,
) -> SystemRankings:
    """Runs queries as an anonymous visitor, through the engine, its parts and text baselines."""
    classical = load_classical(Layout(engine.bundle.path).training)
    rankings_by_system = SystemRankings()
    for number, (text, good) in enumerate(queries):
        progress(number)
        rankings = search_rankings(engine, text, depth=depth, time=time)
        request = SearchRequest(text, page_size=depth, record=False)
        rank_request = search_rank_request(request, Session.empty(""), time, engine.bundle.catalog)
        rankings |= classical_rankings(engine.bundle.ranker, rank_request, classical, depth)
        if baselines is not None:
            item_ids = engine.bundle.catalog.item_ids
            for name, rows in baselines.rankings(text, depth).items():
                rankings[name] = [item_ids[row] for row in rows.tolist()]
        rankings_by_system.add(good, rankings)
    return rankings_by_system


def search_rankings(engine: Engine, text: str, *, depth: int, time: float) -> dict[str, list[str]]:
    """Item ids that the engine and its parts find, best first."""
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    request = SearchRequest(text, page_size=depth, record=False)
    answer = engine.search(request)
    encoded = ranker.read(search_rank_request(request, Session.empty(""), time, catalog))
    candidates = ranker.candidates(encoded)
    order = np.lexsort((candidates.rows, -ranker.fused(encoded, candidates)))
    by_rule = FeatureContext(encoded, candidates, ranker.sources).search_score
    found = {
        RULE: candidates.rows[np.lexsort((candidates.rows, -by_rule))[:depth]],
        FUSED: candidates.rows[order[:depth]],
        TWO_TOWERS: ranker.sources.nearest(encoded, depth),
    }
    if ranker.sources.lexical is not None:
        found[LEXICAL] = ranker.sources.lexical.search(encoded.query, depth)[0]
    rankings = {ENGINE: [result.item_id for result in answer.results]}
    for name, rows in found.items():
        rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
    return rankings


def misspelt(queries: Sequence[Query], *, limit: int, seed: int) -> tuple[list[int], list[Query]]:
    """The first queries with a word of at least four ASCII letters, each with one typo.

    A letter at a random position of a random such word is deleted, inserted or replaced, or two
    are swapped. Typos in training data differ: they never change the first letter.

    Returns:
        Indices into ``queries``, and the queries with the typo.
    """
    rng = random.Random(seed)
    numbers: list[int] = []
    with_typos: list[Query] = []
    for number, (text, good) in enumerate(queries):
        words = text.split()
        positions = [
            position
            for position, word in enumerate(words)
            if len(word) >= _LEAST_LETTERS and word.isascii() and word.isalpha()
        ]
        if not positions or len(numbers) == limit:
            continue
        position = rng.choice(positions)
        typo = with_slip(words[position], rng)
        numbers.append(number)
        with_typos.append((" ".join([*words[:position], typo, *words[position + 1 :]]), good))
    return numbers, with_typos


def misspelling_report(
    as_typed: SystemRankings, with_typos: SystemRankings, *, seed: int
) -> dict[str, Any]:
    """By how much one typo per query lowers each system's recall@100, with intervals.

    Args:
        as_typed: Rankings of the original queries.
        with_typos: Rankings of the same queries in the same order, each with a typo.
    """
    before, after = as_typed.values(), with_typos.values()
    systems = {
        name: {
            "as_typed": mean_interval(values[_DEEP_MEASURE], seed=seed),
            "misspelt": mean_interval(after[name][_DEEP_MEASURE], seed=seed),
            "fall": mean_interval(values[_DEEP_MEASURE] - after[name][_DEEP_MEASURE], seed=seed),
        }
        for name, values in before.items()
    }
    return {"query_count": len(as_typed.relevant), "measure": _DEEP_MEASURE, "systems": systems}
