"""Segments of visitors, by rule from what a session knows of them."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from towers.catalog.items import Catalog
from towers.sessions.session import IDLE_GAP_SECONDS, Session
from towers.sessions.session_summary import SessionSummary

HEAVY_VISIT_COUNT = 8
HEAVY_DAYS = 28.0
"""So many visits with a purchase within so many days make a heavy buyer: two a week."""
BARGAIN_ITEM_COUNT = 5
"""Different items bought, of which a comparison with their categories tells anything."""
BARGAIN_SHARE = 0.6
"""Share of what was bought that is cheaper than the middle of its category, of a bargain hunter."""

_GAP_DAYS = IDLE_GAP_SECONDS / 86_400.0


class Segment(IntEnum):
    """The segment of a visitor; the numbers are those of the protobuf enum."""

    UNSPECIFIED = 0
    NEW_VISITOR = 1
    RETURNING = 2
    HEAVY_BUYER = 3
    BARGAIN_HUNTER = 4

    @property
    def label(self) -> str:
        """The name used in files and reports: ``heavy_buyer``."""
        return self.name.lower()


class Segments:
    """Tells the segment of a visitor.

    The first that applies: a bargain hunter bought ``BARGAIN_ITEM_COUNT`` different items or more, of
    which ``BARGAIN_SHARE`` are priced below the median of their narrowest category; a heavy buyer bought
    on ``HEAVY_VISIT_COUNT`` visits of the last ``HEAVY_DAYS`` days or more, by the last purchase of
    each item tells: a session knows of no earlier ones; a returning visitor bought anything; all others
    are new, visitors without an id among them: a visit without a purchase leaves too little in a session
    to tell it from none.

    Args:
        median_price: ``[categories] float64`` by the catalogue's code of the category; NaN where fewer
            than two items have a price.
    """

    def __init__(self, median_price: np.ndarray) -> None:
        self._median_price = median_price

    @classmethod
    def of(cls, catalog: Catalog) -> Segments:
        """By the prices that a catalogue has now; live changes of prices do not move the medians."""
        return cls(median_prices(catalog))

    def segment(self, session: Session, summary: SessionSummary, catalog: Catalog) -> Segment:
        """The segment of a visitor.

        Args:
            summary: Of the session; its ``bought_rows`` are those of ``catalog``.
        """
        if not session.visit_count:
            return Segment.NEW_VISITOR
        if self._is_bargain_hunter(summary.bought_rows, catalog):
            return Segment.BARGAIN_HUNTER
        if _recent_visit_count(summary.bought_days) >= HEAVY_VISIT_COUNT:
            return Segment.HEAVY_BUYER
        return Segment.RETURNING

    def _is_bargain_hunter(self, rows: np.ndarray, catalog: Catalog) -> bool:
        if len(rows) < BARGAIN_ITEM_COUNT:
            return False
        leaf = catalog.leaf[rows]
        # A category that came live after the medians were taken has none.
        known = leaf < len(self._median_price)
        price, median = catalog.price[rows][known], self._median_price[leaf[known]]
        is_comparable = np.isfinite(price) & np.isfinite(median)
        count = int(np.count_nonzero(is_comparable))
        cheap_count = int(np.count_nonzero(price[is_comparable] < median[is_comparable]))
        return count >= BARGAIN_ITEM_COUNT and cheap_count >= BARGAIN_SHARE * count


def _recent_visit_count(bought_days: np.ndarray) -> int:
    """Visits of the last days on which an item was bought for the last time.

    Args:
        bought_days: ``[m] float32`` days since the last purchase of each item.
    """
    days = np.sort(bought_days[bought_days <= HEAVY_DAYS])
    return int(len(days) > 0) + int(np.count_nonzero(np.diff(days) > _GAP_DAYS))


def median_prices(catalog: Catalog) -> np.ndarray:
    """The median price of each category's listed items, ``[categories] float64``.

    NaN where fewer than two of them have a price.
    """
    count = catalog.count
    leaf, price = catalog.leaf[:count], catalog.price[:count]
    priced = np.flatnonzero(np.isfinite(price) & catalog.listed[:count])
    ordered = priced[np.lexsort((price[priced], leaf[priced]))]
    medians = np.full(len(catalog.category_codes.names), np.nan)
    codes, starts, counts = np.unique(leaf[ordered], return_index=True, return_counts=True)
    low, high = starts + (counts - 1) // 2, starts + counts // 2
    middle = (price[ordered[low]].astype(np.float64) + price[ordered[high]]) / 2
    medians[codes[counts > 1]] = middle[counts > 1]
    return medians
