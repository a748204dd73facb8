"""The newest entries by key in bounded memory: what lets counts know a visitor again."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedMemory(Generic[Value]):
    """A mapping that forgets what was not written for longest, half of it at a time.

    Two generations: entries are written into the young one; once that is full it becomes the old
    one, and what was old is forgotten. So reading and writing take the same time always, which an
    eviction one by one does not, and the same writes leave the same entries.

    Keys are hashes, ``hash((visitor_id, row))`` for one: Python keys those of texts anew in every
    process, so no visitor can be told from what is held.

    Args:
        limit: Entries held at most, 2 or more.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[int, Value] = {}
        self._old: dict[int, Value] = {}

    def get(self, key: int) -> Value | None:
        """The newest value of a key; None if it is not held."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: int, value: Value) -> None:
        """Holds a value, in place of an older one."""
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)
