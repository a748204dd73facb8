"""Texts of live changes by prefixes of their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from towers.indexes.prefix_index import PrefixIndex

_GROWTH = 4
_LEAST_COUNT = 200


class _Level(NamedTuple):
    """Texts put together; one whose stamp is not the newest of its number has been replaced."""

    numbers: np.ndarray
    stamps: np.ndarray
    prefixes: PrefixIndex


class IncrementalPrefixIndex:
    """A ``PrefixIndex`` that takes texts in by number; of each number the newest text counts.

    Logarithmic method (Bentley and Saxe 1980): each level is at least four times as large as the next
    (small ones excepted), so that a text is indexed again only as often as the logarithm of their
    number. One writer at a time; readers need no lock.
    """

    def __init__(self) -> None:
        self._levels: tuple[_Level, ...] = ()
        # By number; 0: no text.
        self._stamps = np.zeros(0, np.int64)
        self._next_stamp = 1

    def put(self, texts: Mapping[int, str]) -> None:
        """Adds texts by number, or replaces them."""
        if not texts:
            return
        numbers = np.fromiter(texts, np.int64, len(texts))
        stamps = np.full(len(texts), self._next_stamp)
        self._next_stamp += 1
        room = int(numbers.max()) + 1 - len(self._stamps)
        if room > 0:
            extra = np.zeros(max(room, len(self._stamps) // 4), np.int64)
            self._stamps = np.concatenate([self._stamps, extra])
        self._stamps[numbers] = stamps
        levels = list(self._levels)
        parts = [(PrefixIndex.of(texts.values()), np.arange(len(texts)))]
        while levels and len(levels[-1].numbers) < max(_GROWTH * len(numbers), _LEAST_COUNT):
            last = levels.pop()
            kept = self._stamps[last.numbers] == last.stamps
            parts.append((last.prefixes, np.where(kept, len(numbers) + np.cumsum(kept) - 1, -1)))
            numbers = np.concatenate([numbers, last.numbers[kept]])
            stamps = np.concatenate([stamps, last.stamps[kept]])
        prefixes = PrefixIndex.joined(parts) if len(parts) > 1 else parts[0][0]
        self._levels = (*levels, _Level(numbers, stamps, prefixes))

    def has(self, numbers: np.ndarray) -> np.ndarray:
        """Which of ``numbers [n]`` have a text, ``[n] bool``."""
        stamps = self._stamps
        if not len(stamps):
            return np.zeros(len(numbers), bool)
        found: np.ndarray = (stamps.take(numbers, mode="clip") > 0) & (numbers < len(stamps))
        return found

    def knows(self, prefix: str) -> bool:
        """As in ``PrefixIndex``; texts that have been replaced may still count."""
        return any(level.prefixes.knows(prefix) for level in self._levels)

    def find(self, typed: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """As in ``PrefixIndex``; the numbers are those that texts were put by, ``[n] int64``."""
        found, is_first = [np.zeros(0, np.int64)], [np.zeros(0, bool)]
        for level in self._levels:
            places, of_level = level.prefixes.find(typed)
            numbers = level.numbers[places]
            kept = self._stamps[numbers] == level.stamps[places]
            found.append(numbers[kept])
            is_first.append(of_level[kept])
        return np.concatenate(found), np.concatenate(is_first)
