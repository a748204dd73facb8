"""Decayed counts equal the closed form, summed up by hand."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from towers.retrieval.popularity import Popularity

DAY = 86_400.0
T0 = 1_700_000_000.0


def rows(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0.0, 0.9), st.floats(0.01, 1.0)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([0.25, 3.0, 30.0]),
)
def test_counts_equal_the_closed_form(
    steps: list[tuple[int, float, float]], half_life: float
) -> None:
    popularity, time, seen = Popularity(half_life), T0, []
    for row, days, weight in steps:
        time += days * DAY
        popularity.add(row, weight, time)
        seen.append((row, time, weight))
    now = time + 0.5 * DAY
    for row in range(6):
        expected = math.fsum(
            worth * 0.5 ** ((now - at) / (half_life * DAY))
            for seen_row, at, worth in seen
            if seen_row == row
        )
        # Half-lives of a quarter of a day make terms of 1e-60: equal to the largest of them.
        assert popularity.at(rows(row), now)[0] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def decayed_step_by_step(
    seen: list[tuple[int, float, float]], half_life_days: float, now: float
) -> list[float]:
    """Counts at ``now``, every one decayed at every addition of (row, time, weight).

    Nothing ages by more than a day while nothing happens.
    """
    counts, newest = [0.0] * 6, None

    def age(seconds: float) -> None:
        for row in range(6):
            counts[row] *= 0.5 ** (min(seconds, DAY) / (half_life_days * DAY))

    for row, time, weight in seen:
        if newest is not None and time < newest:
            weight *= 0.5 ** ((newest - time) / (half_life_days * DAY))
        else:
            age(0.0 if newest is None else time - newest)
            newest = time
        counts[row] = max(0.0, counts[row] + weight)
    if newest is not None:
        age(now - newest)
    return counts


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.floats(-0.5, 4.0), st.sampled_from([0.1, 0.4, 0.5, 1.0, -1.0])
        ),
        max_size=40,
    ),
    st.sampled_from([0.25, 3.0, 30.0]),
    st.floats(0.0, 4.0),
)
def test_pauses_late_events_and_returns_count_as_decayed_step_by_step(
    steps: list[tuple[int, float, float]], half_life: float, later: float
) -> None:
    popularity, time, seen = Popularity(half_life), T0, []
    for row, days, weight in steps:
        time += days * DAY
        seen.append((row, time, weight))
        popularity.add(row, weight, time)
    now = max([T0, *(at for _, at, _ in seen)]) + later * DAY
    expected = decayed_step_by_step(seen, half_life, now)
    found = popularity.at(rows(*range(6)), now)
    assert found.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_count_halves_in_a_half_life() -> None:
    popularity = Popularity(0.5)
    popularity.add(3, 1.0, T0)
    assert popularity.at(rows(3), T0)[0] == pytest.approx(1.0)
    assert popularity.at(rows(3), T0 + DAY / 2)[0] == pytest.approx(0.5)
    assert popularity.at(rows(3), T0 + DAY)[0] == pytest.approx(0.25)


def test_while_nothing_happens_counts_age_by_a_day_at_most() -> None:
    popularity = Popularity(1.0)
    popularity.add(0, 1.0, T0)
    assert popularity.at(rows(0), T0 + 300 * DAY)[0] == pytest.approx(0.5)
    # The shop opens again: the first event finds the count as it was shown, one day old.
    popularity.add(1, 1.0, T0 + 300 * DAY)
    assert popularity.at(rows(0, 1), T0 + 300 * DAY) == pytest.approx([0.5, 1.0])
    assert popularity.at(rows(0, 1), T0 + 301 * DAY) == pytest.approx([0.25, 0.5])


def test_years_of_events_do_not_overflow() -> None:
    popularity = Popularity(0.5)
    for day in range(3_000):
        popularity.add(day % 7, 1.0, T0 + day * DAY)
    now = T0 + 2_999 * DAY
    expected = [
        math.fsum(0.25 ** (2_999 - day) for day in range(3_000) if day % 7 == row)
        for row in range(7)
    ]
    assert popularity.at(rows(*range(7)), now) == pytest.approx(expected)
    assert np.isfinite(popularity.counts).all()


def test_no_count_falls_below_nothing() -> None:
    popularity = Popularity(30.0)
    for row, weight in ((0, 1.0), (0, -2.0), (1, -1.0), (1, 0.5)):
        popularity.add(row, weight, T0)
    assert popularity.at(rows(0, 1), T0).tolist() == [0.0, 0.5]


def test_a_weight_of_nothing_says_only_that_the_shop_is_open() -> None:
    popularity = Popularity(1.0)
    popularity.add(0, 1.0, T0)
    popularity.add(5, 0.0, T0 + DAY)
    assert popularity.newest_time == T0 + DAY and popularity.top(9).tolist() == [0]
    # Without that event the count would stay at a day old.
    assert popularity.at(rows(0), T0 + 2 * DAY)[0] == pytest.approx(0.25)


def test_the_top_is_what_was_counted_most_and_ties_go_to_the_lower_row() -> None:
    popularity = Popularity(30.0)
    for row in (7, 2, 2, 9, 4, 4, 4):
        popularity.add(row, 1.0, T0)
    assert popularity.top(10).tolist() == [4, 2, 7, 9]
    assert popularity.top(2).tolist() == [4, 2]
    assert popularity.top(0).tolist() == []


@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 12))
def test_the_top_is_the_front_of_a_full_sort(counts: list[int], count: int) -> None:
    popularity = Popularity(30.0, np.array(counts, np.float64), T0, T0)
    relevant = [row for row in range(len(counts)) if counts[row]]
    ordered = sorted(relevant, key=lambda row: (-counts[row], row))
    assert popularity.top(count).tolist() == ordered[:count]


def test_nothing_counted_is_nothing_popular() -> None:
    popularity = Popularity(30.0)
    assert popularity.top(5).tolist() == []
    assert popularity.at(rows(0, 3), T0).tolist() == [0.0, 0.0]


def test_rows_never_counted_are_at_zero_beyond_the_table_too() -> None:
    popularity = Popularity(30.0)
    popularity.add(2, 1.0, T0)
    assert popularity.at(rows(0, 2, 1_000_000), T0) == pytest.approx([0.0, 1.0, 0.0])


def test_counts_go_where_their_items_went() -> None:
    popularity = Popularity(30.0)
    for row in (0, 1, 1, 3, 4):
        popularity.add(row, 1.0, T0)
    # Of five items the second and the last are gone, and a new one stands in front.
    moved = popularity.moved(np.array([2, -1, 3, 1, -1]), 4)
    assert moved.at(rows(0, 1, 2, 3), T0).tolist() == pytest.approx([0, 1, 1, 0])
    popularity.add(0, 1.0, T0)
    assert moved.counts[2] == pytest.approx(1.0) and moved.newest_time == T0


@pytest.mark.parametrize("half_life", [1.0 / 24.0, 30.0])
def test_who_reads_while_others_write_never_sees_numbers_that_never_were(half_life: float) -> None:
    """Growing, idle shifts and rebases: each must be seen whole or not at all."""
    popularity, stop = Popularity(half_life), threading.Event()
    wrong: list[float] = []

    def read() -> None:
        while not stop.is_set():
            popularity.top(5)
            # At the time of the newest event no count of one addition an item is above it.
            value = float(popularity.at(rows(0), popularity.newest_time + 1e9)[0])
            if not 0.0 <= value <= 1.0:
                wrong.append(value)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for step in range(4_000):
        # A pause of forty days each time, over which nothing ages by more than one.
        popularity.add(step, 1.0, T0 + step * 40 * DAY)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
