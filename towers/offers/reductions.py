"""Items whose price is below an earlier one."""

from __future__ import annotations

import numpy as np

from towers.catalog.items import Catalog

LIST_PRICE = "list_price"
"""The attribute that holds an item's price without any reduction."""

_LEAST_REDUCTION = 0.01
"""Share of the earlier price; less is rounding."""


def earlier_prices(catalog: Catalog, released: np.ndarray) -> np.ndarray:
    """The price that each item is reduced from, ``[count] float64``; NaN where it is not reduced.

    The attribute ``list_price`` counts before the price of the release.

    Args:
        released: ``[n] float32`` prices when the catalogue was released; items from ``n`` on came later.
    """
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
