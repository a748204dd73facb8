"""A bounded mapping of the newest entries, for counting distinct visitors."""

from __future__ import annotations

from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedMap(Generic[Value]):
    """A mapping that evicts the entries written longest ago, half of them at a time.

    Two generations: entries are written into the young one; when it is full it becomes the old one,
    and the former old one is dropped. Reads and writes take constant time, and eviction is
    deterministic.

    Keys are hashes, such as ``hash((visitor_id, row))``: Python salts hashes of strings in every
    process, so that visitors cannot be identified from the entries.

    Args:
        limit: Most entries, at least 2.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._young: dict[int, Value] = {}
        self._old: dict[int, Value] = {}

    def get(self, key: int) -> Value | None:
        """The newest value of a key; None if it is not stored."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: int, value: Value) -> None:
        """Stores a value, in place of an older one."""
        if len(self._young) >= self._half and key not in self._young:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)
