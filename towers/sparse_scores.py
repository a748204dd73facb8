"""Scores of a few rows among millions: what a candidate source says of the items it found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class SparseScores:
    """Scores by row; rows not named score 0.

    Args:
        rows: ``[n] int64``, ascending, each once.
        values: ``[n] float32``.
    """

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def summed(cls, rows: np.ndarray, values: np.ndarray) -> SparseScores:
        """Adds up the values of rows named more than once."""
        if not len(rows):
            return cls(np.zeros(0, np.int64), np.zeros(0, np.float32))
        unique, place = np.unique(rows, return_inverse=True)
        sums = np.bincount(place, weights=values, minlength=len(unique))
        return cls(unique.astype(np.int64), sums.astype(np.float32))

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Scores of ``rows``, ``[m] float32``."""
        if not len(self.rows):
            return np.zeros(len(rows), np.float32)
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[place] == rows, self.values[place], np.float32(0))

    def top(self, count: int) -> np.ndarray:
        """Rows of the ``count`` largest scores, best first, ties to the lower row."""
        order = np.lexsort((self.rows, -self.values))[:count]
        return self.rows[order]

    def without(self, rows: np.ndarray) -> SparseScores:
        """The same scores but for ``rows``."""
        kept = ~np.isin(self.rows, rows)
        return SparseScores(self.rows[kept], self.values[kept])
