"""What is kept of stems while items are added: only stems of new items are looked up anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_STEM_LIMIT = 500_000


class StemVersions:
    """By which change of an index the documents of each stem changed last.

    One writer at a time, which calls ``advance`` once its documents are visible; readers need no lock.

    Attributes:
        number: Of the last change. What is computed after it has been read is at least as new.
    """

    def __init__(self) -> None:
        self.number = 0
        self._least = 0
        self._newest: dict[str, int] = {}

    def advance(self, stems: Iterable[str] | None) -> None:
        """Counts a change of the documents of some stems; None: of any stem."""
        number = self.number + 1
        if stems is None or len(self._newest) >= _STEM_LIMIT:
            self._least = number
            self._newest = {}
        else:
            self._newest.update(dict.fromkeys(stems, number))
        self.number = number

    def is_current(self, stem: str, number: int) -> bool:
        """Whether what was computed of a stem as of a change still holds."""
        return number >= self._least and number >= self._newest.get(stem, 0)


class StemCache(Generic[K, V]):
    """Keeps values of stems for as long as the documents of the stem stay the same.

    Args:
        versions: Of the index that values are computed by.
        limit: Values at most; beyond, all are dropped.
    """

    def __init__(self, versions: StemVersions, limit: int) -> None:
        self._versions = versions
        self._limit = limit
        self._kept: dict[K, tuple[int, V]] = {}

    def of(self, key: K, stem: str, compute: Callable[[], V], number: int | None = None) -> V:
        """The value of ``key``, which depends on the documents of ``stem`` alone.

        Args:
            number: Of the change that ``compute`` sees; None: the newest one.
        """
        # The dict of now, so that nothing computed before ``clear`` is kept after it.
        every = self._kept
        kept = every.get(key)
        if kept is not None and self._versions.is_current(stem, kept[0]):
            return kept[1]
        # Before it is computed: of a change in between, the value may know nothing.
        number = self._versions.number if number is None else number
        value = compute()
        if len(every) >= self._limit:
            every.clear()
        every[key] = number, value
        return value

    def clear(self) -> None:
        """Drops all values, also those that other threads are about to keep."""
        self._kept = {}
