"""Sums by key against dictionaries."""

from __future__ import annotations

import random
from collections import defaultdict

import numpy as np
import pytest

from towers.retrieval.hashed_sums import ascending_sums, position_of, sum_at, sums_by_key
from towers.retrieval.union import union


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_those_of_a_dictionary(seed: int) -> None:
    rng = random.Random(seed)
    # Keys far apart, and keys that share their lowest bits.
    step = rng.choice([1, 64, 1 << 20])
    found = [step * rng.randrange(50) for _ in range(rng.choice([0, 1, 7, 400]))]
    values = [rng.uniform(-1, 1) for _ in found]
    expected: dict[int, float] = defaultdict(float)
    for key, value in zip(found, values, strict=True):
        expected[key] += value
    keys, sums = ascending_sums(np.array(found, np.int64), np.array(values, np.float32))
    assert keys.tolist() == sorted(expected) and sums.dtype == np.float32
    assert sums == pytest.approx([expected[key] for key in sorted(expected)], rel=1e-6)
    table = sums_by_key(np.array(found, np.int64), np.array(values))
    for key in (*expected, step * 77):
        assert sum_at(*table, key) == pytest.approx(expected.get(key, 0.0), rel=1e-12)


def test_a_key_has_its_place_among_ascending_ones() -> None:
    ascending = np.array([2, 5, 5, 9])
    assert [position_of(ascending, key) for key in (0, 2, 3, 5, 9, 10)] == [0, 0, 1, 1, 3, 4]
    assert position_of(ascending[:0], 3) == 0


def test_the_union_has_each_item_once_and_its_rank_in_every_list() -> None:
    nothing = np.zeros(0, np.int64)
    rows, ranks = union([nothing, np.array([7, 3]), np.array([9, 7, 1])])
    assert rows.tolist() == [1, 3, 7, 9]
    assert ranks.tolist() == [[-1, -1, 2], [-1, 1, -1], [-1, 0, 1], [-1, -1, 0]]
    rows, ranks = union([nothing, nothing])
    assert rows.shape == (0,) and ranks.shape == (0, 2)
