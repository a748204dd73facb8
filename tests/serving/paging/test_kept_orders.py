"""Orders are kept within a stated time and memory."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from serving.api.requests import SortOrder
from serving.paging.kept_orders import KEPT_BYTES, KEPT_SECONDS, KeptOrder, KeptOrders
from tests.towers import shelf
from towers.catalog.items import Catalog


def order_of(count: int, item_ids: list[str] | None = None, dim: int = 0) -> KeptOrder:
    return KeptOrder(
        item_ids or [],
        np.arange(count),
        SortOrder.RELEVANCE,
        np.zeros(count, np.float32),
        np.ones(dim, np.float32),
    )


def test_the_bounds_are_those_that_the_protocol_states() -> None:
    assert (KEPT_SECONDS, KEPT_BYTES) == (10 * 60, 32_000_000)


def test_an_order_goes_once_its_time_is_over_and_every_use_prolongs_it() -> None:
    orders = KeptOrders(seconds=10.0)
    orders.put("a", order_of(3), 100.0)
    orders.put("b", order_of(3), 100.0)
    kept = orders.get("a", 109.0)
    assert kept is not None
    orders.put_after("a", kept, kept, 109.0)
    assert orders.get("b", 110.5) is None and orders.get("a", 118.0) is not None
    # A clock that is set back does not bring an order back.
    assert orders.get("a", 119.5) is None and orders.get("a", 101.0) is None


def test_memory_is_bounded_and_what_was_used_least_recently_goes_first() -> None:
    limit = 20 * order_of(200).byte_count
    orders = KeptOrders(byte_limit=limit)
    for number in range(100):
        orders.put(str(number), order_of(200), 1.0)
        orders.get("0", 1.0)
        assert orders.byte_count <= limit
    assert len(orders) == 20
    assert orders.get("0", 1.0) is not None and orders.get("99", 1.0) is not None
    assert orders.get("50", 1.0) is None
    # One that is larger than all memory together is not kept, and removes nothing.
    orders.put("large", order_of(100_000), 1.0)
    assert len(orders) == 20 and orders.get("large", 1.0) is None


def test_the_stated_size_is_not_below_the_real_one() -> None:
    limit = 4_000_000
    orders = KeptOrders(byte_limit=limit)
    tracemalloc.start()
    for number in range(5_000):
        orders.put(f"{number:032x}", order_of(240, dim=64), float(number) / 1e3)
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert 0.5 * limit < orders.byte_count <= limit
    assert used <= limit * 1.02


def test_an_order_grows_at_its_end_only() -> None:
    rows = np.array([5, 3])
    order = KeptOrder([], rows, SortOrder.RELEVANCE, np.array([2.0, 1.0]), relevant_end=2)
    more = order.extended(np.array([9, 7, 8]), np.array([0.5, 0.4, 0.3]), relevant_count=1)
    assert more.rows.tolist() == [5, 3, 9, 7, 8] and more.relevant_end == 3
    assert more.scores.tolist() == pytest.approx([2.0, 1.0, 0.5, 0.4, 0.3])
    only_related = more.extended(np.array([1]), np.array([0.1]), relevant_count=0)
    assert only_related.relevant_end == 3
    rows[0] = 77
    assert order.rows.tolist() == [5, 3]
    with pytest.raises(ValueError, match="read-only"):
        order.rows[0] = 1


def test_the_first_of_two_threads_that_extend_an_order_decides() -> None:
    orders = KeptOrders()
    order = order_of(10)
    orders.put("a", order, 1.0)

    def extend(row: int) -> list[int]:
        kept = orders.get("a", 1.0)
        assert kept is not None
        while len(kept.rows) < 40:
            rows = np.arange(3) + 1_000 * row + len(kept.rows)
            longer = kept.extended(rows, np.zeros(3, np.float32), relevant_count=0)
            kept = orders.put_after("a", kept, longer, 1.0)
        return kept.rows.tolist()

    with ThreadPoolExecutor(8) as threads:
        found = [*threads.map(extend, range(1, 9))]
    assert len(found[0]) == 40 and all(one == found[0] for one in found)


def test_an_order_is_of_another_catalogue_by_item_ids() -> None:
    items = shelf.items()
    old = Catalog.of(items, shelf.CONFIG.text)
    new = Catalog.of([item for item in reversed(items) if item.item_id != "p0007"], old.text)
    order = order_of(20, old.item_ids, dim=4)
    assert order.of_catalog(old) is order
    moved = order.of_catalog(new)
    found = [new.item_ids[row] if row >= 0 else "" for row in moved.rows.tolist()]
    expected = [item.item_id for item in items[:20]]
    expected[7] = ""
    assert found == expected and moved.known_rows.tolist() == [r for r in moved.rows if r >= 0]
    # Its query embedding is of the other bundle's space.
    assert not len(moved.query_embedding) and len(moved.scores) == 20
    back = moved.of_catalog(old)
    assert back.rows.tolist() == [row if row != 7 else -1 for row in range(20)]


def test_an_order_that_another_catalogue_renumbered_is_no_longer_order() -> None:
    orders = KeptOrders()
    order = order_of(10)
    orders.put("a", order, 1.0)
    renumbered = replace(order, rows=np.arange(10)[::-1])
    assert orders.put_after("a", order, renumbered, 1.0) is renumbered
    longer = order.extended(np.array([99]), np.zeros(1, np.float32), relevant_count=0)
    assert orders.put_after("a", order, longer, 1.0) is longer
