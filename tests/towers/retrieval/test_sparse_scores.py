"""Scores by row: the same as a dictionary of sums."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from towers.retrieval.sparse_scores import SparseScores

# Multiples of 1/8 add up without rounding, so that a dictionary gives the very same sums.
named = st.lists(
    st.tuples(st.integers(0, 40), st.integers(-80, 80).map(lambda eighths: eighths / 8)),
    max_size=60,
)


def summed(pairs: list[tuple[int, float]]) -> SparseScores:
    rows, values = zip(*pairs, strict=True) if pairs else ((), ())
    return SparseScores.summed(np.array(rows, np.int64), np.array(values, np.float32))


def by_hand(pairs: list[tuple[int, float]]) -> dict[int, float]:
    sums: dict[int, float] = {}
    for row, value in pairs:
        sums[row] = sums.get(row, 0.0) + value
    return sums


@given(named)
def test_values_of_a_row_are_added_up(pairs: list[tuple[int, float]]) -> None:
    scores, expected = summed(pairs), by_hand(pairs)
    assert scores.rows.tolist() == sorted(expected)
    assert scores.values.tolist() == [expected[row] for row in sorted(expected)]
    assert scores.rows.dtype == np.int64 and scores.values.dtype == np.float32


@given(named, st.lists(st.integers(0, 60), max_size=20))
def test_rows_not_named_score_nothing(pairs: list[tuple[int, float]], asked: list[int]) -> None:
    expected = by_hand(pairs)
    values = summed(pairs).at(np.array(asked, np.int64))
    assert values.tolist() == [expected.get(row, 0.0) for row in asked]


@given(named, st.integers(0, 50))
def test_the_top_is_the_front_of_a_full_sort(pairs: list[tuple[int, float]], count: int) -> None:
    expected = by_hand(pairs)
    ordered = sorted(expected, key=lambda row: (-expected[row], row))
    assert summed(pairs).top(count).tolist() == ordered[:count]


@given(named, st.sampled_from([2**25, 2**26 - 41, 2**31, 2**40]))
def test_sums_are_the_same_however_large_the_rows(
    pairs: list[tuple[int, float]], least: int
) -> None:
    far = [(row + least, value) for row, value in pairs]
    scores = summed(far)
    assert dict(zip(scores.rows.tolist(), scores.values.tolist(), strict=True)) == by_hand(far)
    assert scores.rows.dtype == np.int64


def test_large_rows_are_not_confused() -> None:
    rows = np.array([2**31 - 1, 0, 2**31 - 1, 5_000_000_000], np.int64)
    scores = SparseScores.summed(rows, np.array([1, 2, 3, 4], np.float32))
    assert scores.rows.tolist() == [0, 2**31 - 1, 5_000_000_000]
    assert scores.values.tolist() == [2, 4, 4]
