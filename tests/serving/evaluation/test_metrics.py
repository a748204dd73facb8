"""Metrics of lists, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Item
from serving.evaluation.metrics import ListMetrics
from tests.towers import shelf
from towers.catalog.items import Catalog

ITEMS = [Item("a", brand="X"), Item("b", brand="X"), Item("c", brand="Y"), Item("d"), Item("e")]
ROWS = np.array([[1, 0], [1, 0], [0, 1], [-1, 0], [0.6, 0.8]], np.float32)


@pytest.fixture(scope="module")
def lists() -> ListMetrics:
    return ListMetrics(Catalog.of(ITEMS, shelf.CONFIG.text), ROWS)


def test_intra_list_distance_is_the_mean_over_pairs(lists: ListMetrics) -> None:
    found = lists.values([["a", "b"], ["a", "c"], ["a", "d"], ["a", "b", "e"], ["a"], []])["ild@10"]
    # Of a, b and e: cosines 1, .6 and .6.
    assert found.tolist() == pytest.approx([0.0, 1.0, 2.0, (0 + 0.4 + 0.4) / 3, 0.0, 0.0], abs=1e-6)


def test_brands_concentrate_by_their_squared_shares_and_no_brand_is_one_of_its_own(
    lists: ListMetrics,
) -> None:
    rankings = [["a", "b"], ["a", "c"], ["a", "b", "c"], ["d", "e"], []]
    found = lists.values(rankings)["brand_hhi@10"].tolist()
    assert found == pytest.approx([1.0, 0.5, (2 / 3) ** 2 + (1 / 3) ** 2, 0.5, 0.0])


def test_coverage_counts_each_item_of_any_first_ten_once(lists: ListMetrics) -> None:
    assert lists.coverage([["a", "b"], ["b", "c"]]) == pytest.approx(3 / 5)
    # Only the first ten count, and items that are gone do not.
    assert lists.coverage([["a"] * 10 + ["b"], ["gone"]]) == pytest.approx(1 / 5)


def test_a_first_ten_repeats_variants_where_two_are_of_one_group() -> None:
    # Of one group a and c; b and e stand alone, d is the only one of its group.
    groups = np.array([0, -1, 0, 1, -1], np.int32)
    lists = ListMetrics(Catalog.of(ITEMS, shelf.CONFIG.text), ROWS, groups)
    rankings = [["a", "b", "c"], ["b", "e"], ["a", "d"], [], ["a"] + ["b"] * 9 + ["c"]]
    assert lists.values(rankings)["variants@10"].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
