"""A shop's log as columns: visits, visitors, items and prices, in time order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from data.sessionize import text_codes
from data.tables import Tables, event_micros


@dataclass(frozen=True, eq=False)
class VisitLog:
    """Events in time order, one array a column.

    Args:
        times: ``[events] float64`` seconds since 1970.
        types: ``[events] int64`` numbers of ``EventType``.
        items: ``[events] int64`` item rows, −1 for none (a search).
        visitors: ``[events] int64`` from 0.
        visits: ``[events] int64`` from 0.
        prices: ``[events] float64`` as the event tells it, NaN where it does not.
        categories: ``[items] int64`` code of each item's full category path, −1 for none.
        brands: ``[items] int64`` code of each item's brand, −1 for none.
        test_from: Visits that begin from here on are the test part; seconds since 1970.
        is_basket_log: Whether most events of a visit have equal times. Their order says nothing
            (a source may sort by item id), so it has been shuffled.
    """

    times: np.ndarray
    types: np.ndarray
    items: np.ndarray
    visitors: np.ndarray
    visits: np.ndarray
    prices: np.ndarray
    categories: np.ndarray
    brands: np.ndarray
    test_from: float
    is_basket_log: bool

    @classmethod
    def of(cls, tables: Tables, *, seed: int) -> VisitLog:
        """From clean tables.

        Args:
            seed: Of the order of events of equal time in a log of baskets.

        Raises:
            InputError: The tables hold no events.
        """
        events = tables.events
        if not events.num_rows:
            raise InputError(f"{tables.path}: expected events, received none")
        row_of = {item_id: row for row, item_id in enumerate(tables.items["item_id"].to_pylist())}
        items = np.array([row_of.get(item_id, -1) for item_id in events["item_id"].to_pylist()])
        times = event_micros(events) / 1e6
        visitors, sessions = text_codes(events["visitor_id"]), text_codes(events["session_id"])
        pairs = visitors * (sessions.max() + 1) + sessions
        visits = np.unique(pairs, return_inverse=True)[1]
        order = np.argsort(visits, kind="stable")
        follows = np.diff(visits[order], prepend=-1) == 0
        at_once = follows & (np.diff(times[order], prepend=-1.0) == 0)
        is_basket_log = bool(at_once.sum() > 0.5 * follows.sum())
        order = np.arange(len(times))
        if is_basket_log:
            order = np.lexsort((np.random.default_rng(seed).random(len(times)), times))
        paths = [" > ".join(path) for path in tables.items["category"].to_pylist()]
        prices = events["price"].to_numpy(zero_copy_only=False).astype(np.float64)
        return cls(
            times[order],
            events["type"].to_numpy().astype(np.int64)[order],
            items[order],
            visitors[order],
            visits[order],
            prices[order],
            _codes(paths),
            _codes(tables.items["brand"].to_pylist()),
            tables.split.test_from,
            is_basket_log,
        )

    @property
    def count(self) -> int:
        """Events."""
        return len(self.times)

    def categories_of(self, items: np.ndarray) -> np.ndarray:
        """Category codes of item rows of any shape; −1 for no item."""
        return _looked_up(self.categories, items)

    def brands_of(self, items: np.ndarray) -> np.ndarray:
        """Brand codes of item rows of any shape; −1 for no item."""
        return _looked_up(self.brands, items)


def _codes(texts: list[str]) -> np.ndarray:
    names: dict[str, int] = {"": -1}
    return np.array([names.setdefault(text, len(names) - 1) for text in texts], np.int64)


def _looked_up(codes: np.ndarray, items: np.ndarray) -> np.ndarray:
    return np.where(items >= 0, codes[np.maximum(items, 0)], -1)
