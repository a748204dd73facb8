"""After how many days people buy an item again."""

from __future__ import annotations

import numpy as np

from towers.after_sales.purchase_visits import PurchaseVisits

_LEAST_GAPS = 5
"""Gaps from which on an item has a median of its own; with fewer its category's holds."""


def repurchase_days(
    visits: PurchaseVisits, categories: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Median days until the same visitor bought the same item again.

    Args:
        categories: ``[items] int32`` category code of each item.

    Returns:
        ``[items] float32`` and ``[categories] float32``, where fewer than five gaps are known of a
        category the shop's; and the shop's median, infinite where nobody bought anything again.
    """
    visitors, times = visits.visitors[visits.visits], visits.times[visits.visits]
    order = np.lexsort((times, visits.rows, visitors))
    visitors, times, rows = visitors[order], times[order], visits.rows[order]
    is_again = (visitors[1:] == visitors[:-1]) & (rows[1:] == rows[:-1])
    days, rows = np.diff(times)[is_again] / 86_400.0, rows[1:][is_again]
    shop = float(np.median(days)) if len(days) else float("inf")
    of_categories = np.full(int(categories.max(initial=-1)) + 1, shop, np.float32)
    _put_medians(of_categories, categories[rows], days)
    of_items = of_categories[categories].astype(np.float32)
    _put_medians(of_items, rows, days)
    return of_items, of_categories, shop


def _put_medians(table: np.ndarray, keys: np.ndarray, days: np.ndarray) -> None:
    """Writes the median of each key that has enough gaps."""
    order = np.lexsort((days, keys))
    keys, days = keys[order], days[order]
    found, starts, counts = np.unique(keys, return_index=True, return_counts=True)
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    medians = (days[low] + days[high]) / 2.0 if len(days) else days
    has_enough = counts >= _LEAST_GAPS
    table[found[has_enough]] = medians[has_enough]
