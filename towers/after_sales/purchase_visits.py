"""The visits on which visitors bought, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data.records import Event, EventType
from towers.sessions.session import IDLE_GAP_SECONDS

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class PurchaseVisits:
    """What was bought on each visit; visits of a visitor stand together, in order of time.

    A visit ends where the visitor buys nothing for half an hour.

    Args:
        visitors: ``[visits] int64`` number of the visitor.
        times: ``[visits] float64`` of the first purchase, seconds since 1970.
        visits: ``[n] int64`` ascending: the visit of each bought item.
        rows: ``[n] int64`` item rows, each once in a visit.
    """

    visitors: np.ndarray
    times: np.ndarray
    visits: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, events: Iterable[Event], rows: Sequence[int]) -> PurchaseVisits:
        """From events in time order, and the item row of each, −1 for none."""
        numbers: dict[str, int] = {}
        bought = [
            (numbers.setdefault(event.visitor_id, len(numbers)), event.time, row)
            for event, row in zip(events, rows, strict=True)
            if row >= 0 and event.type is EventType.PURCHASE
        ]
        visitors = np.array([one[0] for one in bought], np.int64)
        times = np.array([one[1] for one in bought], np.float64)
        items = np.array([one[2] for one in bought], np.int64)
        order = np.lexsort((times, visitors))
        visitors, times, items = visitors[order], times[order], items[order]
        is_first = np.ones(len(visitors), bool)
        is_first[1:] = (visitors[1:] != visitors[:-1]) | (np.diff(times) > IDLE_GAP_SECONDS)
        visits = np.cumsum(is_first) - 1
        width = int(items.max(initial=0)) + 1
        pairs = np.unique(visits * width + items)
        return cls(visitors[is_first], times[is_first], pairs // width, pairs % width)

    @property
    def count(self) -> int:
        """Number of visits."""
        return len(self.visitors)

    def followers(self, visit_limit: int, day_limit: float) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of a visit and a later one of the same visitor, ``[pairs] int64`` each.

        Args:
            visit_limit: Most later visits of each.
            day_limit: Most days between the two.
        """
        firsts, laters = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        numbers = np.arange(self.count)
        for step in range(1, min(visit_limit, self.count - 1) + 1):
            days = (self.times[step:] - self.times[:-step]) / _DAY_SECONDS
            is_pair = (self.visitors[step:] == self.visitors[:-step]) & (days <= day_limit)
            firsts.append(numbers[:-step][is_pair])
            laters.append(numbers[step:][is_pair])
        return np.concatenate(firsts), np.concatenate(laters)
