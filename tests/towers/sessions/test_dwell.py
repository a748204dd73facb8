"""Dwell time of views, and its use in the models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.records import Event, EventType
from tests.towers import shelf
from towers.retrieval.rank_request import RankRequest
from towers.sessions.dwell import dwells
from towers.sessions.query_input import query_input
from towers.sessions.session import Session


def view(item_id: str, time: float, dwell: float | None = None) -> Event:
    return Event(f"e{time}", EventType.VIEW, "v", time, item_id, dwell_seconds=dwell)


def scaled(seconds: float) -> float:
    return math.log(1 + seconds) / math.log(601)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([view("a", 0.0, 30.0)], [scaled(30)]),
        ([view("a", 0.0)], [0.0]),
        ([view("a", 0.0), view("b", 45.0)], [scaled(45), 0.0]),
        ([view("a", 0.0, 5.0), view("b", 45.0)], [scaled(5), 0.0]),
        ([view("a", 0.0), view("b", 1_700.0)], [1.0, 0.0]),
        ([view("a", 0.0, 80_000.0)], [1.0]),
        ([Event("f", EventType.FAVORITE, "v", 0.0, "a"), view("a", 9.0)], [0.0, 0.0]),
        ([], []),
    ],
)
def test_a_view_lasts_as_said_or_until_the_next_event(
    events: list[Event], expected: list[float]
) -> None:
    assert dwells(events) == pytest.approx(expected)


def test_the_tower_reads_the_length_of_each_view_newest_first() -> None:
    session = Session.empty("v")
    for event in (view("a", 0.0), view("b", 20.0, 7.0), view("c", 60.0)):
        session = session.after(event)
    inputs = query_input(session, 70.0, row_of={}, known_types=frozenset({2}), config=shelf.CONFIG)
    expected = [0.0, scaled(7), scaled(20)]
    assert inputs.event_dwells[:3].tolist() == pytest.approx(expected, rel=1e-6)
    assert not inputs.event_dwells[3:].any()


def test_the_longest_dwell_on_a_candidate_is_a_feature() -> None:
    ranker = shelf.ranker()
    session = Session.empty("v")
    for event in (view("p0000", 0.0, 3.0), view("p0001", 9.0, 200.0), view("p0000", 300.0, 50.0)):
        session = session.after(event)
    shortlist = ranker.rank(RankRequest(session, 400.0))
    from towers.ranking.features import FEATURE_NAMES

    views = shortlist.features[:, FEATURE_NAMES.index("longest_look")]
    rows = {row: position for position, row in enumerate(shortlist.rows.tolist())}
    catalog = ranker.sources.catalog
    expected = {"p0000": scaled(50), "p0001": scaled(200)}
    for item_id, look in expected.items():
        assert views[rows[catalog.row_of[item_id]]] == pytest.approx(look, rel=1e-6)
    others = [position for row, position in rows.items() if catalog.item_ids[row] not in expected]
    assert not np.any(views[others])
