"""How much each item is wanted now: decayed counts, a fold over everybody's events."""

from __future__ import annotations

import numpy as np

from data.records import Event, EventType

WEIGHTS = {
    EventType.VIEW: 0.1,
    EventType.FAVORITE: 0.4,
    EventType.ADD_TO_CART: 0.5,
    EventType.PURCHASE: 1.0,
    EventType.RETURN: -1.0,
}
"""What one event of a type is worth; other types say nothing of popularity."""

IDLE_LIMIT_SECONDS = 86_400.0
_LARGEST_EXPONENT = 40.0


class Popularity:
    """Counts that halve every ``half_life_days``, for every item row.

    Counts are kept at the value they have at ``base_time`` and grow with the time of the event, so
    nothing has to be decayed when nothing happens; the base moves when numbers get large. Counts age
    by ``IDLE_LIMIT_SECONDS`` at most while no event comes: a shop that was closed, or a log from
    long ago, tells as much as it did on its last day.

    Args:
        half_life_days: Time after which an event counts half.
        counts: ``[rows] float64``.
        base_time: Seconds since 1970.
        newest_time: Of the newest event counted; 0 before the first.
    """

    def __init__(
        self,
        half_life_days: float,
        counts: np.ndarray | None = None,
        base_time: float = 0.0,
        newest_time: float = 0.0,
    ) -> None:
        self.half_life_days = half_life_days
        self.counts = np.zeros(0, np.float64) if counts is None else counts
        self.base_time = base_time
        self.newest_time = newest_time

    def record(self, row: int, event: Event) -> None:
        """Counts one event of the item at ``row``."""
        weight = WEIGHTS.get(event.type)
        if weight is None:
            return
        if row >= len(self.counts):
            room = np.zeros(max(1_024, row + 1 - len(self.counts)), np.float64)
            self.counts = np.concatenate([self.counts, room])
        idle = event.time - self.newest_time - IDLE_LIMIT_SECONDS
        if self.newest_time and idle > 0:
            self.base_time += idle
        self.newest_time = max(self.newest_time, event.time)
        exponent = self._exponent(event.time)
        if exponent > _LARGEST_EXPONENT:
            self.counts *= 2.0**-exponent
            self.base_time = event.time
            exponent = 0.0
        self.counts[row] = max(0.0, self.counts[row] + weight * 2.0**exponent)

    def at(self, rows: np.ndarray, time: float) -> np.ndarray:
        """Decayed counts of ``rows`` at ``time``, ``[n] float64``."""
        if not len(self.counts):
            return np.zeros(len(rows), np.float64)
        values = self.counts.take(rows, mode="clip")
        values[rows >= len(self.counts)] = 0.0
        # A clock that was set back must not make numbers that no float holds.
        return values * 2.0 ** -max(self._exponent(time), -_LARGEST_EXPONENT)

    def top(self, count: int) -> np.ndarray:
        """Rows of the largest counts, largest first, ``[≤ count] int64``; only rows ever counted."""
        rows = np.flatnonzero(self.counts > 0)
        if 0 < count < len(rows):
            rows = rows[self.counts[rows] >= np.partition(self.counts, -count)[-count]]
        # Ties go to the lower row, so that equal counts give equal answers everywhere.
        return rows[np.lexsort((rows, -self.counts[rows]))[:count]]

    def copy(self) -> Popularity:
        """One that can be counted on without changing this one."""
        counts = self.counts.copy()
        return Popularity(self.half_life_days, counts, self.base_time, self.newest_time)

    def _exponent(self, time: float) -> float:
        awake = min(time, self.newest_time + IDLE_LIMIT_SECONDS)
        return (awake - self.base_time) / (self.half_life_days * 86_400.0)
