"""Decayed counts of items: how much each was in demand, the newest days most."""

from __future__ import annotations

import numpy as np

IDLE_LIMIT_SECONDS = 86_400.0
_LARGEST_EXPONENT = 40.0


class Popularity:
    """Counts that halve every ``half_life_days``, for every item row.

    Lazy exponential decay, rebased against overflow: counts are kept at the value they have at
    ``base_time`` and grow with the time of the event. They age by ``IDLE_LIMIT_SECONDS`` at most
    while no event comes: a shop that was closed, or a log from long ago, tells as much as it did on
    its last day.

    One thread may write while others read: what belongs together is exchanged as one.

    Args:
        half_life_days: Time after which an event counts half.
        counts: ``[rows] float64``.
        base_time: Seconds since 1970.
        newest_time: Of the newest event; 0 before the first.
    """

    def __init__(
        self,
        half_life_days: float,
        counts: np.ndarray | None = None,
        base_time: float = 0.0,
        newest_time: float = 0.0,
    ) -> None:
        self.half_life_days = half_life_days
        self._half_life_seconds = half_life_days * 86_400.0
        counts = np.zeros(0, np.float64) if counts is None else counts
        self._state = (counts, base_time, newest_time)

    @property
    def counts(self) -> np.ndarray:
        """``[rows] float64`` as of ``base_time``; for reading only."""
        return self._state[0]

    @property
    def base_time(self) -> float:
        """The time that ``counts`` are of, seconds since 1970."""
        return self._state[1]

    @property
    def newest_time(self) -> float:
        """Of the newest event, seconds since 1970; 0 before the first."""
        return self._state[2]

    def add(self, row: int, weight: float, time: float) -> None:
        """Counts ``weight`` for the item at ``row``, as of ``time``; no count falls below 0.

        A weight of 0 says only that an event came.
        """
        counts, base, newest = self._state
        if newest and time - newest > IDLE_LIMIT_SECONDS:
            base += time - newest - IDLE_LIMIT_SECONDS
        if time > newest:
            newest = time
        if weight:
            if row >= len(counts):
                room = np.zeros(max(1_024, row + 1 - len(counts)), np.float64)
                counts = np.concatenate([counts, room])
            exponent = (time - base) / self._half_life_seconds
            if exponent > _LARGEST_EXPONENT:
                counts = counts * 2.0**-exponent
                base = time
                exponent = 0.0
            # As plain floats: arithmetic with NumPy's own scalars takes several times as long.
            value = counts.item(row) + weight * 2.0**exponent
            counts[row] = value if value > 0.0 else 0.0
        self._state = (counts, base, newest)

    def at(self, rows: np.ndarray, time: float) -> np.ndarray:
        """Decayed counts of ``rows`` at ``time``, ``[n] float64``."""
        counts, base, newest = self._state
        if not len(counts):
            return np.zeros(len(rows), np.float64)
        values = counts.take(rows, mode="clip")
        values[rows >= len(counts)] = 0.0
        exponent = (min(time, newest + IDLE_LIMIT_SECONDS) - base) / self._half_life_seconds
        # A clock that was set back must not make numbers that no float holds.
        return values * 2.0 ** -max(exponent, -_LARGEST_EXPONENT)

    def top(self, count: int) -> np.ndarray:
        """Rows of the largest counts, largest first, ``[≤ count] int64``; only rows ever counted."""
        # A copy: sorted by numbers that another thread changes, rows come in no order at all.
        counts = self.counts.copy()
        rows = np.flatnonzero(counts > 0)
        if 0 < count < len(rows):
            rows = rows[counts[rows] >= np.partition(counts, -count)[-count]]
        # Ties go to the lower row, so that equal counts give equal answers everywhere.
        return rows[np.lexsort((rows, -counts[rows]))[:count]]

    def moved(self, moved: np.ndarray, item_count: int) -> Popularity:
        """The same counts by the rows of another catalogue.

        Args:
            moved: ``[old items] int64`` the new row of each old one, −1 where it is gone.
        """
        old, base, newest = self._state
        values = np.zeros(item_count)
        kept = np.flatnonzero(moved[: len(old)] >= 0)
        values[moved[kept]] = old[kept]
        return Popularity(self.half_life_days, values, base, newest)
