"""Items whose price is below an earlier one."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from towers.catalog.items import Catalog
from towers.read_only import read_only

LIST_PRICE = "list_price"
"""The attribute that holds an item's price without any reduction."""

_kept: WeakKeyDictionary[Catalog, tuple[int, np.ndarray, np.ndarray]] = WeakKeyDictionary()
_LEAST_REDUCTION = 0.01
"""Share of the earlier price; less is rounding."""


def earlier_prices(catalog: Catalog, released: np.ndarray) -> np.ndarray:
    """The price that each item is reduced from, ``[count] float64``; NaN where it is not reduced.

    The attribute ``list_price`` counts before the price of the release. Read-only, since it is kept until
    the catalogue changes.

    Args:
        released: ``[n] float32`` prices when the catalogue was released; items from ``n`` on came later.
    """
    # First, so that nothing computed during a change is kept as current.
    change_count, kept = catalog.change_count, _kept.get(catalog)
    if kept is None or kept[0] != change_count or kept[1] is not released:
        found = read_only(_earlier_prices(catalog, released))
        kept = _kept[catalog] = change_count, released, found
    return kept[2]


def _earlier_prices(catalog: Catalog, released: np.ndarray) -> np.ndarray:
    count = catalog.count
    earlier = np.full(count, np.nan)
    end = min(count, len(released))
    # Prices are float32: round away digits beyond its precision.
    earlier[:end] = np.round(released[:end].astype(np.float64), 4)
    rows, codes = catalog.attributes.column(LIST_PRICE)
    if len(rows):
        values = catalog.attributes.numbers(LIST_PRICE)
        is_known = (rows < count) & np.isfinite(values[codes])
        earlier[rows[is_known]] = values[codes[is_known]]
    with np.errstate(invalid="ignore"):
        is_reduced = catalog.price[:count] < earlier * (1.0 - _LEAST_REDUCTION)
    earlier[~is_reduced] = np.nan
    return earlier
