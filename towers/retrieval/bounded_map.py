"""A bounded mapping of the newest entries, for counting distinct visitors."""

from __future__ import annotations

from hashlib import blake2b
from typing import Generic, TypeVar

Value = TypeVar("Value")
Generation = tuple[list[int], list[Value]]
"""Keys and their values."""


def visitor_hash(visitor_id: str, other: str, key: bytes) -> int:
    """64 bits of a visitor together with an item or a query.

    Not Python's ``hash``, which another process cannot compute again, as a snapshot needs.

    Args:
        key: A secret of at most 64 bytes.
    """
    # No id contains a NUL, so no two pairs give the same bytes.
    text = f"{visitor_id}\0{other}"
    return int.from_bytes(blake2b(text.encode(), key=key, digest_size=8).digest(), "little")


class BoundedMap(Generic[Value]):
    """A mapping that evicts the entries written longest ago, half of them at a time.

    Two generations: entries are written into the young one; when it is full it becomes the old one,
    and the former old one is dropped. Reads and writes take constant time, and eviction is
    deterministic.

    Keys are hashes of a visitor and something else by a secret key, see ``visitor_hash``: nobody can be
    identified from the entries without it.

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

    @property
    def generations(self) -> tuple[Generation[Value], Generation[Value]]:
        """The young entries and the old ones."""
        young, old = self._young, self._old
        return ([*young], [*young.values()]), ([*old], [*old.values()])

    def restore(self, young: Generation[Value], old: Generation[Value]) -> None:
        """Replaces all entries by those of ``generations``."""
        self._young, self._old = (dict(zip(*one, strict=True)) for one in (young, old))

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)
