"""Boosted regression trees as arrays, evaluated in compiled loops.

Trained elsewhere (``towers.training.offers``), so that a server needs no library of trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from towers.compiled import F32, F64, I32, NONE, compiled, read, written
from towers.read_only import freeze


@dataclass(frozen=True, slots=True, eq=False)
class BoostedTrees:
    """An ensemble: a constant, a weighted sum of the columns, and one leaf of each tree.

    Its arrays are read-only.

    Args:
        roots: ``[trees] int32`` first node of each tree.
        features: ``[nodes] int32`` column that a node asks for; −1 for a leaf.
        thresholds: ``[nodes] float64``: values up to it go left.
        lefts, rights: ``[nodes] int32`` the next node.
        values: ``[nodes] float64`` of the leaves.
        constant: ``[1] float64``.
        weights: ``[columns] float64`` of the sum; empty for none.
    """

    roots: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    lefts: np.ndarray
    rights: np.ndarray
    values: np.ndarray
    constant: np.ndarray
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        freeze(*(getattr(self, one.name) for one in fields(self)))

    def scores(self, matrix: np.ndarray) -> np.ndarray:
        """``[n] float64`` of ``matrix [n, columns] float32``."""
        sums = np.full(len(matrix), self.constant[0])
        if len(self.weights):
            sums += matrix @ self.weights
        _add_leaves(
            np.ascontiguousarray(matrix, np.float32),
            self.roots,
            self.features,
            self.thresholds,
            self.lefts,
            self.rights,
            self.values,
            sums,
        )
        return sums

    def averaged(self, weights: np.ndarray, constant: float) -> BoostedTrees:
        """The mean of this ensemble and of a linear model, ``weights [columns] float64``."""
        halves = self.weights / 2.0 if len(self.weights) else np.zeros(len(weights))
        return replace(
            self,
            values=self.values / 2.0,
            constant=(self.constant + constant) / 2.0,
            weights=halves + weights / 2.0,
        )

    def save(self, folder: Path, name: str) -> None:
        """Writes the arrays as ``.npy`` into an existing folder."""
        for one in fields(self):
            np.save(folder / f"{name}_{one.name}.npy", getattr(self, one.name))

    @classmethod
    def load(cls, folder: Path, name: str, column_count: int) -> BoostedTrees:
        """The trees that ``save`` wrote.

        Raises:
            ValueError: A node points out of the arrays, or back: evaluation would not end.
        """
        trees = cls(
            *(np.load(folder / f"{name}_{one.name}.npy", allow_pickle=False) for one in fields(cls))
        )
        _check(trees, column_count)
        return trees


def _check(trees: BoostedTrees, column_count: int) -> None:
    node_count = len(trees.features)
    numbers = np.arange(node_count)
    is_inner = trees.features >= 0
    nexts = np.stack([trees.lefts, trees.rights])[:, is_inner]
    is_sound = (
        all(len(one) == node_count for one in (trees.thresholds, trees.lefts, trees.rights))
        and len(trees.values) == node_count
        and np.all(trees.features < column_count)
        and np.all((trees.roots >= 0) & (trees.roots < node_count))
        and np.all((nexts > numbers[is_inner]) & (nexts < node_count))
        and np.isfinite(trees.values).all()
        and len(trees.weights) in (0, column_count)
        and np.isfinite(trees.weights).all()
    )
    if not is_sound:
        raise ValueError("trees: expected nodes that point to later ones, received others")


@compiled(
    NONE,
    read(F32, 2),
    read(I32),
    read(I32),
    read(F64),
    read(I32),
    read(I32),
    read(F64),
    written(F64),
)
def _add_leaves(
    matrix: np.ndarray,
    roots: np.ndarray,
    features: np.ndarray,
    thresholds: np.ndarray,
    lefts: np.ndarray,
    rights: np.ndarray,
    values: np.ndarray,
    sums: np.ndarray,
) -> None:
    for row in range(len(matrix)):
        for root in roots:
            node = root
            while features[node] >= 0:
                is_left = matrix[row, features[node]] <= thresholds[node]
                node = lefts[node] if is_left else rights[node]
            sums[row] += values[node]
