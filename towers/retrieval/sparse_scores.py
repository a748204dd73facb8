"""Sparse scores by item row, as candidate sources give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from towers.falling_order import falling_order
from towers.retrieval.hashed_sums import ascending_sums


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
        rows, values = rows.astype(np.int64, copy=False), values.astype(np.float32, copy=False)
        return cls(*ascending_sums(rows, values))

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
        return rows[falling_order(values, rows)[:count]]


def shares(codes: np.ndarray, weights: np.ndarray) -> SparseScores:
    """Share of the total weight by code; sums to 1 unless empty."""
    total = float(weights.sum())
    return SparseScores.summed(codes, weights / total if total > 0 else weights)
