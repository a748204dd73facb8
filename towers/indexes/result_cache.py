"""Answers kept to give them faster when they are asked for again, in a limited room."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

_ENTRY_BYTES = 1_000
"""What an answer takes besides its numbers and the question: the arrays' heads, a place in a table."""
_LONGEST_SHARE = 8

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer", bound=np.ndarray | tuple[np.ndarray, ...])


class ResultCache(Generic[Key, Answer]):
    """Arrays by what was asked, from any thread; none of them may be written to.

    All are forgotten where the next has no room: what is asked again and again is soon back. An
    answer that would take more than an eighth of the room is not kept at all.

    Args:
        byte_limit: The room for all of them.
    """

    def __init__(self, byte_limit: int) -> None:
        self._byte_limit = byte_limit
        self._byte_count = 0
        self._answers: dict[Key, Answer] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def byte_count(self) -> int:
        """The room that is taken."""
        return self._byte_count

    def of(self, key: Key, work_out: Callable[[], Answer]) -> Answer:
        """The answer that was kept, or else the one that is worked out now."""
        answer = self._answers.get(key)
        if answer is None:
            answer = work_out()
            self._keep(key, answer)
        return answer

    def _keep(self, key: Key, answer: Answer) -> None:
        arrays = answer if isinstance(answer, tuple) else (answer,)
        size = _ENTRY_BYTES + _byte_count(key) + sum(array.nbytes for array in arrays)
        if size * _LONGEST_SHARE > self._byte_limit:
            return
        with self._lock:
            # Two threads may have worked out the same one.
            if key in self._answers:
                return
            if self._byte_count + size > self._byte_limit:
                self._answers.clear()
                self._byte_count = 0
            self._answers[key] = answer
            self._byte_count += size


def _byte_count(key: Hashable) -> int:
    """The room of what was asked, all that it holds included; what it shares with others too."""
    parts = key if isinstance(key, tuple | frozenset) else ()
    return sys.getsizeof(key) + sum(map(_byte_count, parts))
