"""The benchmark's own idea of what meets a filter is that of the definition, item by item."""

from __future__ import annotations

import math

from tests.benchmarks.filters import SHARES, filters_of
from tests.towers import shelf


def test_what_meets_a_filter_is_told_item_by_item() -> None:
    catalog = shelf.catalog()
    kept_filters = filters_of(catalog)
    assert len(kept_filters) == 1 + len(SHARES) + 2
    for kept in kept_filters:
        for row in range(catalog.count):
            price = float(catalog.price[row])
            low, high = kept.filter.min_price, kept.filter.max_price
            meets = low is None or high is None or (not math.isnan(price) and low <= price <= high)
            if kept.filter.brands:
                meets = meets and catalog.brand_name(row) in kept.filter.brands
            assert kept.mask[row] == meets
    largest, smallest = (int(kept.mask.sum()) for kept in kept_filters[-2:])
    assert 0 < smallest <= largest
