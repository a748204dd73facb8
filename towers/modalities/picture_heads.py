"""The classes that the image encoder was trained on, as linear functions of a picture's vector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_NAMES, _KEYS = "heads.json", "learnt_keys.npy"


@dataclass(frozen=True, eq=False)
class PictureHead:
    """Classes of one field.

    Args:
        classes: Values.
        weights: ``[dim + 1, classes] float32``, the last row being the offsets.
    """

    classes: tuple[str, ...]
    weights: np.ndarray

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """``[n, classes] float32`` scores of unit rows ``[n, dim]``, shares of 1 by softmax."""
        found: np.ndarray = vectors @ self.weights[:-1] + self.weights[-1]
        return found


@dataclass(frozen=True, eq=False)
class EncoderClasses:
    """What an encoder learnt when it was trained on the shop's pictures.

    Args:
        heads: By field: ``brand``, or the name of an attribute.
        learnt_keys: ``[n] uint64`` hashes of the pictures that it was trained on.
    """

    heads: Mapping[str, PictureHead]
    learnt_keys: np.ndarray

    def save(self, folder: Path) -> None:
        """Writes them into an existing folder."""
        np.save(folder / _KEYS, self.learnt_keys)
        for number, head in enumerate(self.heads.values()):
            np.save(folder / f"head_{number}.npy", head.weights)
        names = {field: head.classes for field, head in self.heads.items()}
        (folder / _NAMES).write_text(json.dumps(names, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> EncoderClasses:
        """What ``save`` wrote; nothing of a bundle without it."""
        if not (folder / _NAMES).is_file():
            return cls({}, np.zeros(0, np.uint64))
        names = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        heads = {
            field: PictureHead(
                tuple(classes), np.load(folder / f"head_{number}.npy", allow_pickle=False)
            )
            for number, (field, classes) in enumerate(names.items())
        }
        return cls(heads, np.load(folder / _KEYS, allow_pickle=False))
