"""An LRU cache of result arrays, bounded in bytes."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

_ENTRY_BYTES = 1_000
"""Overhead of an entry besides key and array contents: array headers and the table slot."""
_LARGEST_SHARE = 8
_NESTED = (tuple, frozenset)

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
        self._byte_count = 0
        # Each with its size in bytes, the key included; the least recently used first. Not a class of
        # cachetools: a new text makes half a dozen entries, at five times the cost there.
        self._answers: OrderedDict[Key, tuple[Answer, int]] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: Key) -> bool:
        return key in self._answers

    @property
    def byte_count(self) -> int:
        """Size of all entries."""
        return self._byte_count

    def of(self, key: Key, compute: Callable[[], Answer]) -> Answer:
        """The cached result of the key, else the computed one."""
        kept = self.get(key)
        if kept is not None:
            return kept
        answer = compute()
        self.put(key, answer)
        return answer

    def get(self, key: Key) -> Answer | None:
        """The cached result of the key; None if there is none."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        # Without the lock: each of the two is one step for other threads. `suppress` costs as much.
        try:  # noqa: SIM105
            self._answers.move_to_end(key)
        except KeyError:
            pass  # Evicted meanwhile.
        return kept[0]

    def put(self, key: Key, answer: Answer) -> None:
        """Caches a result, and makes its arrays read-only, since all threads share what is kept."""
        arrays = answer if isinstance(answer, tuple) else (answer,)
        for array in arrays:
            array.flags.writeable = False
        size = _ENTRY_BYTES + _byte_count(key) + sum(array.nbytes for array in arrays)
        if size * _LARGEST_SHARE <= self._byte_limit:
            with self._lock:
                _, before = self._answers.pop(key, (answer, 0))
                self._answers[key] = answer, size
                self._byte_count += size - before
                while self._byte_count > self._byte_limit:
                    _, (_, freed) = self._answers.popitem(last=False)
                    self._byte_count -= freed


def _byte_count(key: Hashable) -> int:
    """Size of a key with all nested parts; shared objects count in full."""
    size = sys.getsizeof(key)
    if isinstance(key, _NESTED):
        for part in key:
            size += _byte_count(part)
    return size
