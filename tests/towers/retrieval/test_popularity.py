"""Decayed counts equal the closed form: every event halves with its age, summed up by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shelf
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records import Event, EventType
from towers.retrieval.popularity import Popularity

DAY = 86_400.0
T0 = 1_700_000_000.0

WORTH = {
    EventType.VIEW: 0.1,
    EventType.FAVORITE: 0.4,
    EventType.ADD_TO_CART: 0.5,
    EventType.PURCHASE: 1.0,
}


def event(time: float, type_: EventType = EventType.PURCHASE) -> Event:
    return Event("e", type_, "v", time, item_id="i")


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0.0, 0.9), st.sampled_from(sorted(WORTH, key=int))),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([0.25, 3.0, 30.0]),
)
def test_counts_equal_the_closed_form(
    steps: list[tuple[int, float, EventType]], half_life: float
) -> None:
    popularity, time, seen = Popularity(half_life), T0, []
    for row, days, type_ in steps:
        time += days * DAY
        popularity.record(row, event(time, type_))
        seen.append((row, time, WORTH[type_]))
    now = time + 0.5 * DAY
    for row in range(6):
        expected = math.fsum(
            worth * 0.5 ** ((now - at) / (half_life * DAY))
            for seen_row, at, worth in seen
            if seen_row == row
        )
        # Half-lives of a quarter of a day make terms of 1e-60: equal to the largest of them.
        assert popularity.at(rows(row), now)[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.floats(-0.5, 4.0), st.sampled_from(sorted(shelf.WORTH, key=int))
        ),
        max_size=40,
    ),
    st.sampled_from([0.25, 3.0, 30.0]),
    st.floats(0.0, 4.0),
)
def test_pauses_late_events_and_returns_count_as_decayed_step_by_step(
    steps: list[tuple[int, float, EventType]], half_life: float, later: float
) -> None:
    popularity, time, seen = Popularity(half_life), T0, []
    for row, days, type_ in steps:
        time += days * DAY
        seen.append((event(time, type_), row))
        popularity.record(row, seen[-1][0])
    now = max([T0, *(one.time for one, _ in seen)]) + later * DAY
    expected = shelf.counts_by_hand(seen, half_life, now, row_count=6)
    found = popularity.at(rows(*range(6)), now)
    assert found.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_count_halves_in_a_half_life() -> None:
    popularity = Popularity(0.5)
    popularity.record(3, event(T0))
    assert popularity.at(rows(3), T0)[0] == pytest.approx(1.0)
    assert popularity.at(rows(3), T0 + DAY / 2)[0] == pytest.approx(0.5)
    assert popularity.at(rows(3), T0 + DAY)[0] == pytest.approx(0.25)


def test_while_nothing_happens_counts_age_by_a_day_at_most() -> None:
    popularity = Popularity(1.0)
    popularity.record(0, event(T0))
    assert popularity.at(rows(0), T0 + 300 * DAY)[0] == pytest.approx(0.5)
    # The shop opens again: the first event finds the count as it was shown, one day old.
    popularity.record(1, event(T0 + 300 * DAY))
    assert popularity.at(rows(0, 1), T0 + 300 * DAY) == pytest.approx([0.5, 1.0])
    assert popularity.at(rows(0, 1), T0 + 301 * DAY) == pytest.approx([0.25, 0.5])


def test_years_of_events_do_not_overflow() -> None:
    popularity = Popularity(0.5)
    for day in range(3_000):
        popularity.record(day % 7, event(T0 + day * DAY))
    now = T0 + 2_999 * DAY
    expected = [
        math.fsum(0.25 ** (2_999 - day) for day in range(3_000) if day % 7 == row)
        for row in range(7)
    ]
    assert popularity.at(rows(*range(7)), now) == pytest.approx(expected)
    assert np.isfinite(popularity.counts).all()


def test_a_return_takes_a_purchase_back_and_no_more() -> None:
    popularity = Popularity(30.0)
    popularity.record(0, event(T0))
    popularity.record(0, event(T0, EventType.RETURN))
    popularity.record(1, event(T0, EventType.RETURN))
    assert popularity.at(rows(0, 1), T0).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("type_", [EventType.SEARCH, EventType.REVIEW, EventType.REMOVE_FROM_CART])
def test_other_types_say_nothing_of_popularity(type_: EventType) -> None:
    popularity = Popularity(30.0)
    popularity.record(0, event(T0, type_))
    assert len(popularity.counts) == 0


def test_the_top_is_what_was_counted_most_and_ties_go_to_the_lower_row() -> None:
    popularity = Popularity(30.0)
    for row in (7, 2, 2, 9, 4, 4, 4):
        popularity.record(row, event(T0))
    assert popularity.top(10).tolist() == [4, 2, 7, 9]
    assert popularity.top(2).tolist() == [4, 2]
    assert popularity.top(0).tolist() == []


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 12))
def test_the_top_is_the_front_of_a_full_sort(counts: list[int], count: int) -> None:
    popularity = Popularity(30.0, np.array(counts, np.float64), T0, T0)
    wanted = [row for row in range(len(counts)) if counts[row]]
    ordered = sorted(wanted, key=lambda row: (-counts[row], row))
    assert popularity.top(count).tolist() == ordered[:count]


def test_nothing_counted_is_nothing_popular() -> None:
    popularity = Popularity(30.0)
    assert popularity.top(5).tolist() == []
    assert popularity.at(rows(0, 3), T0).tolist() == [0.0, 0.0]


def test_rows_never_counted_are_at_zero_beyond_the_table_too() -> None:
    popularity = Popularity(30.0)
    popularity.record(2, event(T0))
    assert popularity.at(rows(0, 2, 1_000_000), T0) == pytest.approx([0.0, 1.0, 0.0])


def test_a_copy_counts_on_its_own() -> None:
    popularity = Popularity(30.0)
    popularity.record(0, event(T0))
    copy = popularity.copy()
    copy.record(0, event(T0 + DAY))
    copy.record(5, event(T0 + DAY))
    assert popularity.at(rows(0, 5), T0) == pytest.approx([1.0, 0.0])
    assert popularity.newest_time == T0
    assert copy.at(rows(5), T0 + DAY) == pytest.approx([1.0])
