"""Answers kept to give them faster when they are asked for again, in a limited room."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from cachetools import LRUCache

_ENTRY_BYTES = 1_000
"""What an answer takes besides its numbers and the question: the arrays' heads, a place in a table."""
_LONGEST_SHARE = 8

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer", bound=np.ndarray | tuple[np.ndarray, ...])


class ResultCache(Generic[Key, Answer]):
    """Arrays by what was asked, from any thread; none of them may be written to.

    The one that was not asked for longest leaves first. An answer that would take more than an
    eighth of the room is not kept at all.

    Args:
        byte_limit: The room for all of them.
    """

    def __init__(self, byte_limit: int) -> None:
        self._byte_limit = byte_limit
        # Each with the room that it takes, its question included.
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
        """The room that is taken."""
        return int(self._answers.currsize)

    def of(self, key: Key, work_out: Callable[[], Answer]) -> Answer:
        """The answer that was kept, or else the one that is worked out now."""
        with self._lock:
            kept = self._answers.get(key)
        if kept is not None:
            return kept[0]
        answer = work_out()
        arrays = answer if isinstance(answer, tuple) else (answer,)
        size = _ENTRY_BYTES + _byte_count(key) + sum(array.nbytes for array in arrays)
        if size * _LONGEST_SHARE <= self._byte_limit:
            with self._lock:
                self._answers[key] = answer, size
        return answer


def _byte_count(key: Hashable) -> int:
    """The room of what was asked, all that it holds included; what it shares with others too."""
    parts = key if isinstance(key, tuple | frozenset) else ()
    return sys.getsizeof(key) + sum(map(_byte_count, parts))
