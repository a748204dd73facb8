"""Vectors of texts by their content, kept between trainings."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_TEXT_LIMIT = 400_000
"""Newest texts that are kept: 310 MB."""


class EncodingCache:
    """One file of vectors in half precision, by a hash of the text.

    A file that cannot be read is ignored and replaced: it only saves time.

    Args:
        path: The file; created at the first ``write``. None: nothing is kept.
        dim: Length of the vectors.
    """

    def __init__(self, path: Path | None, dim: int) -> None:
        self._path = path
        self._dim = dim
        self._keys = np.zeros(0, np.uint64)
        self._vectors = np.zeros((0, dim), np.float16)
        if path is not None and path.exists():
            self._load(path)

    def read(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """``[texts, dim] float32``, zeros where not kept, and ``[texts] bool`` whether kept."""
        position_of = {key: position for position, key in enumerate(self._keys.tolist())}
        positions = np.array([position_of.get(key, -1) for key in map(_key, texts)], np.int64)
        is_known = positions >= 0
        vectors = np.zeros((len(texts), self._dim), np.float32)
        vectors[is_known] = self._vectors[positions[is_known]]
        return vectors, is_known

    def write(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        """Adds texts; of more than the limit the newest are kept."""
        if self._path is None or not texts:
            return
        keys = np.array([_key(text) for text in texts], np.uint64)
        self._keys = np.concatenate([self._keys, keys])[-_TEXT_LIMIT:]
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float16)])[-_TEXT_LIMIT:]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # In one step, since two trainings may run at once; the later one's file stays.
        with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
            np.savez(file, keys=self._keys, vectors=self._vectors)
        os.replace(file.name, self._path)

    def _load(self, path: Path) -> None:
        try:
            # Opened here, since ``np.load`` leaves a damaged file open.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                keys, vectors = arrays["keys"], arrays["vectors"]
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
            return
        if vectors.shape == (len(keys), self._dim):
            self._keys, self._vectors = keys.astype(np.uint64), vectors.astype(np.float16)


def cache_folder() -> Path:
    """The user's folder for what can be computed again (XDG base directories)."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "nextclick"


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
