"""Exponentially decayed counts of items."""

from __future__ import annotations

import numpy as np

from towers.compiled import F64, I64, compiled, read

IDLE_LIMIT_SECONDS = 86_400.0
_LARGEST_EXPONENT = 40.0


class Popularity:
    """Counts with half-life ``half_life_days``, for every item row.

    Lazy exponential decay, rebased against overflow: counts are stored as of ``base_time``, and events
    are added with exponentially growing weights. A gap without events counts as
    ``IDLE_LIMIT_SECONDS`` at most, so that popularity survives a closed shop or an old log.

    One writer and concurrent readers: the state is replaced as one tuple.

    Args:
        half_life_days: Half-life of an event's weight.
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
        """``[rows] float64`` as of ``base_time``; read-only."""
        return self._state[0]

    @property
    def base_time(self) -> float:
        """Reference time of ``counts``, seconds since 1970."""
        return self._state[1]

    @property
    def newest_time(self) -> float:
        """Of the newest event, seconds since 1970; 0 before the first."""
        return self._state[2]

    def add(self, row: int, weight: float, time: float) -> None:
        """Counts ``weight`` for the item at ``row``, as of ``time``; no count falls below 0.

        A weight of 0 only advances the time of the newest event.
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
            # Plain floats: arithmetic on NumPy scalars is several times slower.
            value = counts.item(row) + weight * 2.0**exponent
            counts[row] = value if value > 0.0 else 0.0
        self._state = (counts, base, newest)

    def restore(self, counts: np.ndarray, base_time: float, newest_time: float) -> None:
        """Replaces the counts, as ``__init__`` sets them."""
        self._state = (counts, base_time, newest_time)

    def at(self, rows: np.ndarray, time: float) -> np.ndarray:
        """Decayed counts of ``rows`` at ``time``, ``[n] float64``."""
        counts, decay = self.decayed(time)
        if not len(counts):
            return np.zeros(len(rows), np.float64)
        values = counts.take(rows, mode="clip")
        values[rows >= len(counts)] = 0.0
        return values * decay

    def decayed(self, time: float) -> tuple[np.ndarray, float]:
        """``counts``, and the factor by which they have decayed at ``time``."""
        counts, base, newest = self._state
        exponent = (min(time, newest + IDLE_LIMIT_SECONDS) - base) / self._half_life_seconds
        # Clamped, so that a clock set back does not overflow.
        return counts, 2.0 ** -max(exponent, -_LARGEST_EXPONENT)

    def top(self, count: int) -> np.ndarray:
        """Rows of the largest positive counts, largest first, ``[≤ count] int64``."""
        # A copy, since another thread may change the counts while they are sorted.
        counts = self.counts.copy()
        bound = _largest_bound(counts, count) if count else 0.0
        rows = np.flatnonzero(counts >= bound) if bound > 0 else np.flatnonzero(counts > 0)
        # Ties go to the lower row, so that results are deterministic.
        return rows[np.lexsort((rows, -counts[rows]))[:count]]

    def moved(self, moved: np.ndarray, item_count: int) -> Popularity:
        """The counts by the rows of another catalogue.

        Args:
            moved: ``[old items] int64`` new row of each old one, −1 where the item was removed.
        """
        old, base, newest = self._state
        values = np.zeros(item_count)
        kept = np.flatnonzero(moved[: len(old)] >= 0)
        values[moved[kept]] = old[kept]
        return Popularity(self.half_life_days, values, base, newest)


@compiled(F64, read(F64), I64)
def _largest_bound(counts: np.ndarray, count: int) -> float:
    """The ``count``-th largest of ``counts``, 0 where fewer are positive.

    A heap with its smallest at the top: few of many counts get in, which makes it several times as
    fast as a partition of all.
    """
    heap = np.zeros(count, np.float64)
    for value in counts:
        if value > heap[0]:
            place, child = 0, 1
            while child < count:
                if child + 1 < count and heap[child + 1] < heap[child]:
                    child += 1
                if heap[child] >= value:
                    break
                heap[place] = heap[child]
                place, child = child, 2 * child + 1
            heap[place] = value
    return float(heap[0])
