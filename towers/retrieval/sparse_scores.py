"""Sparse scores by item row, as candidate sources give them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class SparseScores:
    """Scores by row; all other rows score 0.

    Args:
        rows: ``[n] int64``, ascending, each once.
        values: ``[n] float32``.
    """

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def summed(cls, rows: np.ndarray, values: np.ndarray) -> SparseScores:
        """Sums the values of repeated rows."""
        if not len(rows):
            return cls(np.zeros(0, np.int64), np.zeros(0, np.float32))
        # Row and position packed into one integer: sorting integers is several times faster than an
        # argsort, and keeps the summation order of equal rows.
        bits = len(rows).bit_length()
        # 32-bit integers are sorted in half the time.
        kind: Any = np.uint32 if int(rows.max()).bit_length() + bits <= 32 else np.int64
        packed = np.sort((rows.astype(kind) << bits) | np.arange(len(rows), dtype=kind))
        ordered, positions = packed >> bits, packed & ((1 << bits) - 1)
        is_first = np.ones(len(rows), bool)
        np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
        sums = np.bincount(np.cumsum(is_first) - 1, weights=values[positions])
        return cls(ordered[is_first].astype(np.int64), sums.astype(np.float32))

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Scores of ``rows``, ``[m] float32``."""
        if not len(self.rows):
            return np.zeros(len(rows), np.float32)
        position = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return np.where(self.rows[position] == rows, self.values[position], np.float32(0))

    def top(self, count: int) -> np.ndarray:
        """Rows of the ``count`` largest scores, best first, ties to the lower row."""
        rows, values = self.rows, self.values
        if 0 < count < len(rows):
            # Only scores that reach the count-th largest have to be sorted.
            least = np.partition(values, len(values) - count)[len(values) - count]
            kept = values >= least
            rows, values = rows[kept], values[kept]
        return rows[np.lexsort((rows, -values))[:count]]


def shares(codes: np.ndarray, weights: np.ndarray) -> SparseScores:
    """Share of the total weight by code; sums to 1 unless empty."""
    total = float(weights.sum())
    return SparseScores.summed(codes, weights / total if total > 0 else weights)
