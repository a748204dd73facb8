"""Vectors changed since a vector index was built, scored exactly beside it."""

from __future__ import annotations

import numpy as np

from towers.indexes.inner_products import products_from

_ROOM = 1_024


class VectorOverlay:
    """Changed vectors in one contiguous block, and a flag for each indexed row that they replace.

    One writer at a time; readers need no lock. A change costs the same however many came before it.

    Args:
        dim: Length of a vector.
        indexed_count: Rows of the index.

    Attributes:
        is_outdated: ``[indexed_count] bool``, true where the indexed vector has been replaced.
        outdated_count: Number of those rows.
        count: Number of vectors.
    """

    def __init__(self, dim: int, indexed_count: int) -> None:
        self.is_outdated = np.zeros(indexed_count, bool)
        self.outdated_count = 0
        self.count = 0
        self._rows = np.zeros(_ROOM, np.int64)
        self._vectors = np.zeros((_ROOM, dim), np.float32)
        self._positions: dict[int, int] = {}

    @property
    def rows(self) -> np.ndarray:
        """``[count] int64`` rows, in the order of their first change."""
        # The count first: arrays that grow meanwhile still have all rows up to it.
        count = self.count
        return self._rows[:count]

    def put(self, row: int, vector: np.ndarray) -> None:
        """Adds a vector, or replaces the one that the row has here."""
        position = self._positions.get(row)
        if position is not None:
            self._vectors[position] = vector
            return
        position = self.count
        if position == len(self._rows):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[position] = row
        self._vectors[position] = vector
        self._positions[row] = position
        if row < len(self.is_outdated):
            self.is_outdated[row] = True
            self.outdated_count += 1
        self.count = position + 1

    def nearest(self, query: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
        """The vectors whose products with ``query [dim] float32`` are ``least`` or more.

        Returns:
            Their rows ``[n] int64``, in the order of their first change, and products ``[n] float32``.
        """
        count = self.count
        positions, scores = np.empty(count, np.int64), np.empty(count, np.float32)
        found = products_from(self._vectors, query, np.float32(least), positions, scores)
        return self._rows[positions[:found]], scores[:found]
