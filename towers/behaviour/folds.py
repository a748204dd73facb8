"""Facts as of a moment: how often a key occurred before an event of the log, and when last."""

from __future__ import annotations

import numpy as np


class Occurrences:
    """Where each key occurs in a log, for questions about the part before an event.

    Args:
        keys: ``[n] int64``, 0 or more.
        numbers: ``[n] int64`` event number of each, from 0 to less than ``event_count``.
        event_count: Events in the log.
    """

    def __init__(self, keys: np.ndarray, numbers: np.ndarray, event_count: int) -> None:
        # Key and number as one integer, so that one sorted array answers for all keys.
        self._span = event_count + 1
        self._sorted = np.sort(keys.astype(np.int64) * self._span + numbers)

    def count_before(self, keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Occurrences of ``keys [n]`` at events before ``numbers [n]``, ``[n] int64``.

        A negative key has none.
        """
        first = np.searchsorted(self._sorted, keys * self._span)
        counts = np.searchsorted(self._sorted, keys * self._span + numbers) - first
        return np.where(keys >= 0, counts, 0)

    def last_before(self, keys: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Number of the newest such event, ``[n] int64``; −1 if there is none."""
        if not len(self._sorted):
            return np.full(np.shape(keys), -1, np.int64)
        places = np.searchsorted(self._sorted, keys * self._span + numbers)
        found = self._sorted[np.maximum(places - 1, 0)]
        is_there = self.count_before(keys, numbers) > 0
        return np.where(is_there, found % self._span, -1)

    def newest(self, key: int, number: int, limit: int) -> np.ndarray:
        """Numbers of the newest ``limit`` such events of one key, ascending."""
        first, end = np.searchsorted(
            self._sorted, [key * self._span, key * self._span + number]
        ).tolist()
        return self._sorted[max(first, end - limit) : end] % self._span
