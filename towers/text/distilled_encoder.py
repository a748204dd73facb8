"""A large text encoder, distilled into one that is fast enough for every query.

The large one (a transformer) reads the items in training only. This one reads a query as a weighted bag
of stems; it is trained to give the large one's vector ("Distilling the knowledge in a neural network",
Hinton, Vinyals and Dean 2015).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

_WORDS_NAME = "words.json"
_ARRAYS = ("vectors", "weights", "hidden", "out")


class DistilledEncoder:
    """Stems of a short text to a unit vector in the space of the large encoder's vectors.

    Args:
        words: Row of each known stem.
        vectors: ``[words, dim] float32``.
        weights: ``[words] float32``, at least 0.
        hidden, out: ``[dim, units]`` and ``[units, dim] float32``, a residual layer on the mean.
    """

    def __init__(
        self,
        words: Mapping[str, int],
        vectors: np.ndarray,
        weights: np.ndarray,
        hidden: np.ndarray,
        out: np.ndarray,
    ) -> None:
        self.words = words
        self.vectors = vectors
        self.weights = weights
        self.hidden = hidden
        self.out = out

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.vectors.shape[1])

    def encode(self, stems: Sequence[str]) -> np.ndarray:
        """``[dim] float32`` unit vector; zeros where no stem is known."""
        rows = [row for stem in stems if (row := self.words.get(stem, -1)) >= 0]
        if not rows:
            return np.zeros(self.dim, np.float32)
        mean = _unit(self.weights.take(rows) @ self.vectors.take(rows, axis=0))
        return _unit(mean + np.tanh(mean @ self.hidden) @ self.out)

    def save(self, folder: Path) -> None:
        """Writes it into an existing folder."""
        stems = sorted(self.words, key=lambda stem: self.words[stem])
        (folder / _WORDS_NAME).write_text(json.dumps(stems, ensure_ascii=False), encoding="utf-8")
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path) -> DistilledEncoder:
        """What ``save`` wrote."""
        stems = json.loads((folder / _WORDS_NAME).read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS]
        return cls({stem: row for row, stem in enumerate(stems)}, *arrays)


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = math.sqrt(vector @ vector)
    return vector / np.float32(norm) if norm > 1e-6 else np.zeros_like(vector)
