"""Sorting of integer keys against Python's own sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from towers.compiled import I64, compiled, written
from towers.falling_order import falling_keys, falling_order, unpacked
from towers.radix_sort import smallest_keys, sorted_keys

_KEYS = some.lists(some.integers(0, 2**63 - 1) | some.integers(0, 300), max_size=60)


@compiled(written(I64), written(I64), I64)
def _sorted_from(keys: np.ndarray, first_bit: int) -> np.ndarray:
    return sorted_keys(keys, first_bit)


@compiled(written(I64), written(I64), I64)
def _smallest(keys: np.ndarray, count: int) -> np.ndarray:
    return smallest_keys(keys, count)


@given(_KEYS, some.sampled_from([0, 8, 32]))
def test_keys_that_agree_from_the_first_bit_on_keep_their_order(
    keys: list[int], first_bit: int
) -> None:
    found = _sorted_from(np.array(keys, np.int64), first_bit).tolist()
    assert found == sorted(keys, key=lambda key: key >> first_bit)


@given(_KEYS, some.integers(0, 70))
def test_the_smallest_keys_are_those_of_a_full_sort(keys: list[int], count: int) -> None:
    assert _smallest(np.array(keys, np.int64), count).tolist() == sorted(keys)[:count]


_SCORE = some.floats(-(2.0**80), 2.0**80, width=32).map(lambda score: score + 0.0)


@given(some.lists(_SCORE, min_size=1, max_size=40))
def test_keys_give_back_their_scores_and_rows_in_falling_order(listed: list[float]) -> None:
    scores, rows = np.array(listed, np.float32), np.arange(len(listed))[::-1] * 7
    keys = np.sort(falling_keys(scores, rows))
    order = falling_order(scores, rows)
    found_scores, found_rows = unpacked(keys)
    assert found_scores.tolist() == scores[order].tolist()
    assert found_rows.tolist() == rows[order].tolist()
