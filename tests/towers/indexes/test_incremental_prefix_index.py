"""Prefix index of live changes: finds what an index of the newest texts finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from towers.indexes import incremental_prefix_index
from towers.indexes.incremental_prefix_index import IncrementalPrefixIndex
from towers.indexes.prefix_index import PrefixIndex

TEXTS = some.sampled_from(("oat milk", "milk", "Milk oat", "oats", "全脂牛奶", "", "mint"))
CHANGES = some.lists(some.dictionaries(some.integers(0, 30), TEXTS, max_size=8), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def small_levels() -> Iterator[None]:
    """Levels of a few texts, so that there are several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incremental_prefix_index, "_LEAST_COUNT", 3)
        yield


@given(CHANGES, some.sampled_from((("m",), ("oat",), ("mi", "o"), ("牛",), ("zz",))))
def test_it_finds_what_an_index_of_the_newest_texts_finds(
    changes: list[dict[int, str]], typed: tuple[str, ...]
) -> None:
    index, newest = IncrementalPrefixIndex(), dict[int, str]()
    for texts in changes:
        index.put(texts)
        newest.update(texts)
    numbers = list(newest)
    whole, is_first = PrefixIndex.of(newest.values()).find(typed)
    expected = sorted((numbers[at], first) for at, first in zip(whole, is_first, strict=True))
    assert sorted(zip(*map(list, index.find(typed)), strict=True)) == expected
    assert index.has(np.arange(40)).tolist() == [number in newest for number in range(40)]
    if expected:
        assert all(index.knows(prefix) for prefix in typed)


def test_an_index_of_nothing_finds_nothing() -> None:
    index = IncrementalPrefixIndex()
    index.put({})
    assert [len(found) for found in index.find(["m"])] == [0, 0] and not index.knows("m")
