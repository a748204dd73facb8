"""Places of texts by 64-bit hashes, for tables that are too large for a dictionary of strings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class HashLookup:
    """Places by hash, mapped from files that processes share.

    Args:
        hashes: ``[n] uint64``, ascending.
        places: ``[n] int64`` of each hash.
        part_rows: Places of a part of the earlier folder.
    """

    hashes: np.ndarray
    places: np.ndarray
    part_rows: int

    @classmethod
    def write(cls, folder: Path, name: str, hashes: np.ndarray, part_rows: int = 1) -> None:
        """Writes the lookup of hashes in the order of their places."""
        order = np.argsort(hashes, kind="stable")
        np.save(folder / f"{name}_hashes.npy", hashes[order])
        np.save(folder / f"{name}_places.npy", order)
        np.save(folder / f"{name}_part_rows.npy", np.int64(part_rows))

    @classmethod
    def load(cls, folder: Path, name: str) -> HashLookup:
        """What ``write`` wrote, mapped into memory."""
        hashes, places = (
            np.load(folder / f"{name}_{part}.npy", mmap_mode="r") for part in ("hashes", "places")
        )
        return cls(hashes, places, int(np.load(folder / f"{name}_part_rows.npy")))

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """The place of each hash, ``[n] int64``; −1 where it is unknown."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, np.int64)
        # The last of equal ones.
        at = np.maximum(np.searchsorted(self.hashes, hashes, side="right") - 1, 0)
        return np.where(self.hashes[at] == hashes, self.places[at], -1)


def text_hashes(texts: Sequence[str]) -> np.ndarray:
    """A 64-bit hash of each text, ``[n] uint64``."""
    blake2b = hashlib.blake2b
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in texts])
    return np.frombuffer(digests, "<u8")
