"""Scores of a few rows among millions: what a candidate source says of the items it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
        # Row and place packed into one number: sorting numbers is several times faster than sorting
        # places by their row, and values of a row are still added up in the order they came in.
        bits = len(rows).bit_length()
        # Short numbers are sorted in half the time.
        kind: Any = np.uint32 if int(rows.max()).bit_length() + bits <= 32 else np.int64
        packed = np.sort((rows.astype(kind) << bits) | np.arange(len(rows), dtype=kind))
        ordered, places = packed >> bits, packed & ((1 << bits) - 1)
        is_first = np.ones(len(rows), bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
        sums = np.bincount(np.cumsum(is_first) - 1, weights=values[places])
        return cls(ordered[is_first].astype(np.int64), sums.astype(np.float32))

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Scores of ``rows``, ``[m] float32``."""
        if not len(self.rows):
            return np.zeros(len(rows), np.float32)
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[place] == rows, self.values[place], np.float32(0))

    def top(self, count: int) -> np.ndarray:
        """Rows of the ``count`` largest scores, best first, ties to the lower row."""
        rows, values = self.rows, self.values
        if 0 < count < len(rows):
            # Only what reaches the last score that counts has to be sorted.
            bar = np.partition(values, len(values) - count)[len(values) - count]
            kept = values >= bar
            rows, values = rows[kept], values[kept]
        return rows[np.lexsort((rows, -values))[:count]]

    def without(self, rows: np.ndarray) -> SparseScores:
        """The same scores but for ``rows``."""
        kept = ~np.isin(self.rows, rows)
        return SparseScores(self.rows[kept], self.values[kept])


def shares(codes: np.ndarray, weights: np.ndarray) -> SparseScores:
    """Share of the weights that each code has; adds up to 1 unless there is none."""
    total = float(weights.sum())
    return SparseScores.summed(codes, weights / total if total > 0 else weights)
