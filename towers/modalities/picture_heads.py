"""The classes that the image encoder was trained on, as parts of a picture's vector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_NAMES, _KEYS = "heads.json", "learnt_keys.npy"
_LEAST_ROOT = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class PictureHead:
    """Classes of one field.

    Args:
        classes: Values.
        first: Column of the vector that holds the square root of the first class's probability, up to a
            factor that all columns share; the other classes follow.
    """

    classes: tuple[str, ...]
    first: int

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """``[n, classes] float32`` log probabilities up to a constant, of ``vectors [n, dim]``."""
        roots = vectors[:, self.first : self.first + len(self.classes)]
        found: np.ndarray = 2.0 * np.log(np.maximum(roots, _LEAST_ROOT))
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
        heads = {field: [head.first, *head.classes] for field, head in self.heads.items()}
        (folder / _NAMES).write_text(json.dumps(heads, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> EncoderClasses:
        """What ``save`` wrote; nothing of a bundle without it."""
        if not (folder / _NAMES).is_file():
            return cls({}, np.zeros(0, np.uint64))
        saved = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        heads = {
            field: PictureHead(tuple(classes), first) for field, (first, *classes) in saved.items()
        }
        return cls(heads, np.load(folder / _KEYS, allow_pickle=False))
