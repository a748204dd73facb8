"""Companions equal a double loop over all pairs of items of all sessions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.retrieval.sources.cooccurrence import Cooccurrence
from towers.sessions.session_log import SessionLog

session_lists = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), max_size=30)


def log_of(lists: list[list[int]]) -> SessionLog:
    numbers = [number for number, rows in enumerate(lists) for _ in rows]
    rows = [row for of_session in lists for row in of_session]
    return SessionLog.of(np.array(numbers, np.int64), np.array(rows, np.int64))


def as_lists(log: SessionLog) -> list[list[int]]:
    return [
        log.rows[log.offsets[at] : log.offsets[at + 1]].tolist() for at in range(log.session_count)
    ]


def cosines_by_hand(lists: list[list[int]], item_count: int) -> dict[tuple[int, int], float]:
    sets = [set(rows) for rows in lists]
    weights = [1.0 / math.log2(1 + len(rows)) for rows in sets]
    total = [
        sum(weight for rows, weight in zip(sets, weights, strict=True) if item in rows)
        for item in range(item_count)
    ]
    found = {}
    for one in range(item_count):
        for other in range(item_count):
            together = sum(
                weight
                for rows, weight in zip(sets, weights, strict=True)
                if one in rows and other in rows
            )
            if one != other and together:
                found[one, other] = together / math.sqrt((total[one] + 5) * (total[other] + 5))
    return found


@given(session_lists)
def test_a_session_log_holds_each_item_once_in_order_of_first_sight(
    lists: list[list[int]],
) -> None:
    assert as_lists(log_of(lists)) == [list(dict.fromkeys(rows)) for rows in lists]


def test_interleaved_sessions_are_told_apart_and_unknown_items_left_out() -> None:
    sessions = np.array([0, 1, 0, 2, 1, 0, 1], np.int64)
    rows = np.array([5, 7, 5, -1, 8, 6, -1], np.int64)
    assert as_lists(SessionLog.of(sessions, rows)) == [[5, 6], [7, 8]]


def test_a_session_of_unknown_items_between_others_is_empty() -> None:
    log = SessionLog.of(np.array([0, 1, 2]), np.array([3, -1, 4]))
    assert as_lists(log) == [[3], [], [4]]


@settings(max_examples=60, deadline=None)
@given(session_lists)
def test_scores_equal_a_double_loop_over_pairs(lists: list[list[int]]) -> None:
    cooccurrence = Cooccurrence.of(log_of(lists), 12, companion_count=12)
    expected = cosines_by_hand(lists, 12)
    found = {
        (one, int(other)): float(score)
        for one in range(12)
        for other, score in zip(cooccurrence.companions[one], cooccurrence.scores[one], strict=True)
        if other >= 0
    }
    assert found == pytest.approx(expected, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(session_lists)
def test_the_best_companions_stand_first_and_fill_the_table(lists: list[list[int]]) -> None:
    cooccurrence = Cooccurrence.of(log_of(lists), 10, companion_count=3)
    expected = cosines_by_hand(lists, 10)
    for one in range(10):
        best = sorted((score for (a, _), score in expected.items() if a == one), reverse=True)[:3]
        assert cooccurrence.scores[one].tolist() == pytest.approx(best + [0.0] * (3 - len(best)))
        assert (cooccurrence.companions[one] >= 0).tolist() == [True] * len(best) + [False] * (
            3 - len(best)
        )


def test_two_items_met_once_together_are_no_twins() -> None:
    once = Cooccurrence.of(log_of([[0, 1]]), 2, companion_count=1).scores[0, 0]
    often = Cooccurrence.of(log_of([[0, 1]] * 50), 2, companion_count=1).scores[0, 0]
    assert once < 0.15 < 0.8 < often < 1.0


def test_found_companions_are_weighted_and_added_up() -> None:
    lists = [[0, 1, 2], [1, 2], [2, 3], [0, 3]]
    cooccurrence = Cooccurrence.of(log_of(lists), 5, companion_count=5)
    cosines = cosines_by_hand(lists, 5)
    found = cooccurrence.together(np.array([0, 3, 99]), np.array([1.0, 0.5, 7.0], np.float32))
    for item in range(5):
        expected = cosines.get((0, item), 0.0) + 0.5 * cosines.get((3, item), 0.0)
        assert found.at(np.array([item]))[0] == pytest.approx(expected, rel=1e-5)


def test_an_empty_log_has_no_companions() -> None:
    cooccurrence = Cooccurrence.of(log_of([]), 3)
    assert (cooccurrence.companions == -1).all()
    assert len(cooccurrence.together(np.array([0]), np.ones(1, np.float32)).rows) == 0


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    cooccurrence = Cooccurrence.of(log_of([[0, 1, 2], [1, 2]]), 4)
    cooccurrence.save(tmp_path)
    read = Cooccurrence.load(tmp_path, Catalog.of([], TextConfig()))
    assert np.array_equal(read.companions, cooccurrence.companions)
    assert np.array_equal(read.scores, cooccurrence.scores)
    assert np.array_equal(read.follow_shares, cooccurrence.follow_shares)


def log_of_visitors(of_visitors: list[list[list[int]]]) -> SessionLog:
    lists = [rows for of_visitor in of_visitors for rows in of_visitor]
    visitors = np.repeat(np.arange(len(of_visitors)), [len(one) for one in of_visitors])
    plain = log_of(lists)
    return SessionLog(plain.offsets, plain.rows, visitors[: plain.session_count])


def follow_shares_by_hand(of_visitors: list[list[list[int]]], one: int, other: int) -> float:
    total = 0.0
    for of_visitor in of_visitors:
        held = [list(dict.fromkeys(rows)) for rows in of_visitor if one in rows]
        steps = [rows.index(other) - rows.index(one) if other in rows else 0 for rows in held]
        # Of one visitor all sessions that hold the item count, and together no more than five.
        found = sum(1 / step for step in steps if 0 < step <= 4)
        total += found * min(5, len(held)) / len(held) if held else 0.0
    holders = sum(min(5, sum(one in rows for rows in of_visitor)) for of_visitor in of_visitors)
    return total / (holders + 5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=9),
        min_size=1,
        max_size=6,
    )
)
def test_a_visitor_counts_for_a_pair_by_how_often_its_items_go_together(
    of_visitors: list[list[list[int]]],
) -> None:
    """Each session by how many its visitor has with either item: more than five count as five."""
    found = Cooccurrence.of(log_of_visitors(of_visitors), 8, companion_count=8)
    norms, pairs = np.zeros(8), np.zeros((8, 8))
    for of_visitor in of_visitors:
        sets = [set(rows) for rows in of_visitor]
        worth = [1 / math.log2(1 + len(rows)) for rows in sets]
        times = [max(1.0, sum(item in rows for rows in sets) / 5) for item in range(8)]
        for rows, weight in zip(sets, worth, strict=True):
            for one in rows:
                norms[one] += weight / times[one]
                for other in rows:
                    pairs[one, other] += weight / math.sqrt(times[one] * times[other])
    for one in range(8):
        for position, other in enumerate(found.companions[one].tolist()):
            if other >= 0:
                cosine = pairs[one, other] / math.sqrt((norms[one] + 5) * (norms[other] + 5))
                assert found.scores[one, position] == pytest.approx(cosine, rel=1e-5)
                share = follow_shares_by_hand(of_visitors, one, other)
                assert found.follow_shares[one, position] == pytest.approx(
                    share, rel=1e-5, abs=1e-7
                )
        companions = set(found.companions[one].tolist()) - {-1}
        assert companions == {other for other in range(8) if other != one and pairs[one, other]}


def test_one_visitors_many_sessions_count_as_five_of_others() -> None:
    five = Cooccurrence.of(log_of_visitors([[[0, 1]]] * 5), 2, companion_count=1)
    often = Cooccurrence.of(log_of_visitors([[[0, 1]] * 500]), 2, companion_count=1)
    people = Cooccurrence.of(log_of_visitors([[[0, 1]]] * 500), 2, companion_count=1)
    for table in ("scores", "follow_shares"):
        few, many, crowd = (getattr(found, table)[0, 0] for found in (five, often, people))
        assert many == pytest.approx(few, rel=1e-5) and crowd > 1.5 * few
