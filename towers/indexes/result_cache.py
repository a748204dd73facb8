"""Answers kept to give them faster when they are asked for again, in bounded memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from cachetools import LRUCache

_ENTRY_BYTES = 1_000
"""What an answer takes besides its numbers and its key: the arrays' heads, a slot in a table."""
_LONGEST_SHARE = 8

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer", bound=np.ndarray | tuple[np.ndarray, ...])


class ResultCache(Generic[Key, Answer]):
    """Arrays by what was asked, from any thread; none of them may be written to.

    Where the next has no room, those leave that were not asked for longest. An answer that would
    take more than an eighth of the room is not kept at all.

    Args:
        byte_limit: The room for all of them, what was asked included.
    """

    def __init__(self, byte_limit: int) -> None:
        self._byte_limit = byte_limit
        self._entries: LRUCache[Key, _Entry[Answer]] = LRUCache(
            byte_limit, getsizeof=lambda entry: entry.byte_count
        )
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def byte_count(self) -> int:
        """The room that is taken."""
        return int(self._entries.currsize)

    def of(self, key: Key, work_out: Callable[[], Answer]) -> Answer:
        """The answer that was kept, or else the one that is worked out now."""
        with self._lock:
            entry = self._entries.get(key)
        if entry is not None:
            return entry.answer
        answer = work_out()
        arrays = answer if isinstance(answer, tuple) else (answer,)
        size = _ENTRY_BYTES + _byte_count(key) + sum(array.nbytes for array in arrays)
        if size * _LONGEST_SHARE <= self._byte_limit:
            with self._lock:
                self._entries[key] = _Entry(answer, size)
        return answer


class _Entry(NamedTuple, Generic[Answer]):
    answer: Answer
    byte_count: int


def _byte_count(key: Hashable) -> int:
    """The room of what was asked, all that it holds included; what it shares with others too."""
    parts = key if isinstance(key, tuple | frozenset) else ()
    return sys.getsizeof(key) + sum(map(_byte_count, parts))
