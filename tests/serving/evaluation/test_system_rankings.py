"""The report of several systems' rankings, and the spread over the seeds of the reranker."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.split import Split
from data.synthetic import END_TIME
from data.tables import Tables, events_table
from serving.cli.tables.report_tables import evaluation_tables
from serving.evaluation.as_served import EvaluationSettings, asked_moments, evaluate_tables
from serving.evaluation.system_rankings import SystemRankings, rival_rankings
from tests.quick_training import Silence
from tests.towers import shelf
from towers.datasets.replayed_log import ReplayedLog
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

# One relevant item: NDCG is 1 / log2(1 + place), here 1, 1/log2 3 and 0.
SECOND = 1 / 1.584962500721156


def rankings(*, with_seeds: bool) -> SystemRankings:
    """At one moment: the engine right, one seed one place off, another one wrong."""
    found = SystemRankings()
    systems = {"engine": ["a", "b"], "logistic_regression": ["b", "a"]}
    seeds = {"reranker_seed_8": ["b", "a"], "reranker_seed_9": ["b", "c"]}
    found.add(["a"], {**systems, **(seeds if with_seeds else {})})
    return found


def test_the_spread_is_told_of_all_seeds_and_they_are_no_systems_of_their_own() -> None:
    report = rankings(with_seeds=True).report(seed=1)
    assert list(report["systems"]) == ["engine", "logistic_regression"]
    assert list(report["lead_at_ndcg@10"]) == ["logistic_regression"]
    spread = report["seeds_at_ndcg@10"]
    values = [1.0, SECOND, 0.0]
    assert spread["count"] == 3
    assert spread["engine"] == pytest.approx(
        {"mean": sum(values) / 3, "deviation": statistics.stdev(values), "low": 0.0, "high": 1.0}
    )
    leads = [value - SECOND for value in values]
    assert spread["leads"]["logistic_regression"] == pytest.approx(
        {
            "mean": statistics.fmean(leads),
            "deviation": statistics.stdev(leads),
            "low": min(leads),
            "high": max(leads),
        }
    )


def test_one_reranker_has_no_spread() -> None:
    report = rankings(with_seeds=False).report(seed=1)
    assert "seeds_at_ndcg@10" not in report
    assert len(evaluation_tables({"browse": report})) == 1


def test_the_spread_has_a_table() -> None:
    _, table = evaluation_tables({"browse": rankings(with_seeds=True).report(seed=1)})
    names, values = (list(column.cells) for column in table.columns)
    assert names == ["ndcg@10 over 3 seeds of the reranker", "lead over logistic regression"]
    assert values[0] == "0.5436 ± 0.5057 (0.0000 to 1.0000)"


def test_on_baskets_the_next_basket_methods_are_asked_as_well(
    shop_tables: Tables,
) -> None:
    """Every visitor buys the same three items each day, so that those methods are right."""
    days = range(1, 9)
    events = [
        Event(
            f"{day}-{number}-{row}",
            EventType.PURCHASE,
            f"b{number}",
            END_TIME + 86_400.0 * day + number,
            f"p{row:04}",
            session_id=f"{day}-{number}",
        )
        for day in days
        for number in range(4)
        for row in range(3 * number, 3 * number + 3)
    ]
    split = Split(END_TIME, END_TIME + 86_400.0 * 6)
    tables = replace(shop_tables, events=events_table(events), split=split)
    settings = EvaluationSettings(query_limit=5, misspelt_limit=0, turn_count=1, depth=20)
    report = evaluate_tables(shelf.bundle_folder(), tables, settings, stages=Silence())  # type: ignore[arg-type]
    systems = report["browse"]["systems"]
    for name in ("tifu_knn", "up_cf"):
        assert systems[name]["ndcg@10"]["mean"] == pytest.approx(1.0), name
        assert name in report["browse"]["lead_at_ndcg@10"]


def test_rivals_rank_the_candidates_of_the_engine_by_their_own_scores() -> None:
    ranker = shelf.ranker()
    request = RankRequest(Session.empty("v"), shelf.END_TIME)
    shortlist = ranker.rank(request)
    ids = [ranker.sources.catalog.item_ids[row] for row in shortlist.rows]
    by_row = dict(zip(map(bytes, shortlist.features), range(len(ids)), strict=True))
    backwards = rival_rankings(
        ranker,
        request,
        {"other": lambda rows: np.array([by_row[bytes(row)] for row in rows])},
        len(ids),
    )
    assert rival_rankings(ranker, request, {}, 5) == {}
    assert backwards == {"other": ids[::-1]}


def bought(*baskets: int) -> ReplayedLog:
    """Baskets of so many different items, an hour apart, in sessions of their own."""
    ids = [item.item_id for item in shelf.items()]
    events = [
        Event(
            f"{n}-{k}",
            EventType.PURCHASE,
            f"v{n}",
            END_TIME + 3_600 * n,
            ids[k],
            session_id=f"s{n}",
        )
        for n, count in enumerate(baskets)
        for k in range(count)
    ]
    return ReplayedLog.of(events, shelf.catalog().row_of)


def test_one_step_of_a_basket_stands_for_all_of_its_steps() -> None:
    log = bought(1, 4, 2, 9)
    seen: dict[int, set[float]] = {}
    for seed in range(60):
        moments = asked_moments(log, limit=10, seed=seed)
        assert sorted(moments.values()) == [1.0, 3.0, 8.0]
        for number, weight in moments.items():
            seen.setdefault(number, set()).add(weight)
    # Never the first of a basket, any other, and always as one of those of its basket.
    steps = {2: 3.0, 3: 3.0, 4: 3.0, 6: 1.0} | dict.fromkeys(range(8, 16), 8.0)
    assert seen == {number: {weight} for number, weight in steps.items()}
    few = asked_moments(log, limit=2, seed=1)
    assert len(few) == 2 and few.items() <= asked_moments(log, limit=10, seed=1).items()
