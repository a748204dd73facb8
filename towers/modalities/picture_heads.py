"""The classes that the image encoder was trained on, as parts of a picture's vector."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_NAMES, _KEYS = "heads.json", "learnt_keys.npy"
_OWN_KEYS, _OWN_SHARES = "own_keys.npy", "own_shares.npy"
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
        learnt_keys: ``[n] uint64`` hashes of the pictures that it was trained on, or some of its
            networks.
        own_keys: ``[m] uint64`` hashes of pictures that one of its networks was not trained on, nor on
            near-copies of them; 0 stands for none.
        own_shares: By field of ``heads``, ``[m, classes] float32`` probabilities by that network: what
            the encoder would have told of these without having seen them, or a little less.
    """

    heads: Mapping[str, PictureHead]
    learnt_keys: np.ndarray
    own_keys: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    own_shares: Mapping[str, np.ndarray] = field(default_factory=dict)

    def unseen_scores(self, name: str, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What a network that has not seen them tells of pictures.

        Args:
            name: The field.
            keys: ``[n] uint64`` hashes of pictures.

        Returns:
            ``[n] bool``, whether there is such a network, and for those ``[k, classes] float32`` log
            probabilities.
        """
        place_of = {key: place for place, key in enumerate(self.own_keys.tolist()) if key}
        places = np.array([place_of.get(key, -1) for key in keys.tolist()], np.int64)
        if name not in self.own_shares:
            places[:] = -1
            return places >= 0, np.zeros((0, len(self.heads[name].classes)), np.float32)
        shares = self.own_shares[name][places[places >= 0]]
        return places >= 0, 2.0 * np.log(np.maximum(np.sqrt(shares), _LEAST_ROOT))

    def save(self, folder: Path) -> None:
        """Writes them into an existing folder."""
        np.save(folder / _KEYS, self.learnt_keys)
        if self.own_shares:
            np.save(folder / _OWN_KEYS, self.own_keys)
            np.save(folder / _OWN_SHARES, np.hstack([self.own_shares[name] for name in self.heads]))
        heads = {name: [head.first, *head.classes] for name, head in self.heads.items()}
        (folder / _NAMES).write_text(json.dumps(heads, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> EncoderClasses:
        """What ``save`` wrote; nothing of a bundle without it."""
        if not (folder / _NAMES).is_file():
            return cls({}, np.zeros(0, np.uint64))
        saved = json.loads((folder / _NAMES).read_text(encoding="utf-8"))
        heads = {
            name: PictureHead(tuple(classes), first) for name, (first, *classes) in saved.items()
        }
        learnt = np.load(folder / _KEYS, allow_pickle=False)
        if not (folder / _OWN_KEYS).is_file():
            return cls(heads, learnt)
        ends = np.cumsum([len(head.classes) for head in heads.values()])
        parts = np.split(np.load(folder / _OWN_SHARES, allow_pickle=False), ends[:-1], axis=1)
        own_keys = np.load(folder / _OWN_KEYS, allow_pickle=False)
        return cls(heads, learnt, own_keys, dict(zip(heads, parts, strict=True)))
