"""An LRU cache of result arrays, bounded in bytes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from cachetools import LRUCache

_ENTRY_BYTES = 1_000
"""Overhead of an entry besides key and array contents: array headers and the table slot."""
_LARGEST_SHARE = 8

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer", bound=np.ndarray | tuple[np.ndarray, ...])


class ResultCache(Generic[Key, Answer]):
    """Result arrays by key, thread-safe; callers must not write to them.

    The least recently used entry is evicted first. A result larger than an eighth of the limit is not
    cached.

    Args:
        byte_limit: Size limit of all entries.
    """

    def __init__(self, byte_limit: int) -> None:
        self._byte_limit = byte_limit
        # Each with its size in bytes, the key included.
        self._answers: LRUCache[Key, tuple[Answer, int]] = LRUCache(
            byte_limit, getsizeof=lambda kept: kept[1]
        )
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: Key) -> bool:
        return key in self._answers

    @property
    def byte_count(self) -> int:
        """Size of all entries."""
        return int(self._answers.currsize)

    def of(self, key: Key, compute: Callable[[], Answer]) -> Answer:
        """The cached result of the key, else the computed one."""
        with self._lock:
            kept = self._answers.get(key)
        if kept is not None:
            return kept[0]
        answer = compute()
        arrays = answer if isinstance(answer, tuple) else (answer,)
        for array in arrays:
            # All threads share what is kept.
            array.flags.writeable = False
        size = _ENTRY_BYTES + _byte_count(key) + sum(array.nbytes for array in arrays)
        if size * _LARGEST_SHARE <= self._byte_limit:
            with self._lock:
                self._answers[key] = answer, size
        return answer


def _byte_count(key: Hashable) -> int:
    """Size of a key with all nested parts; shared objects count in full."""
    parts = key if isinstance(key, tuple | frozenset) else ()
    return sys.getsizeof(key) + sum(map(_byte_count, parts))
