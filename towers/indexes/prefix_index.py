"""Texts by prefixes of their words, for completion while typing."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from towers.text.words import is_chinese_run, runs
from towers.text.writing.folding import fold, normalise

_CHINESE_PREFIX_LENGTH = 8
_LARGEST_CHARACTER = "\U0010ffff"


class PrefixIndex:
    """Finds texts that have, for each typed word, a word with that prefix.

    Text numbers are grouped by word and words are sorted, so that all words of a prefix are one
    slice. A Chinese run is indexed from each of its characters on.

    Args:
        words: Sorted and distinct.
        offsets: ``[words + 1] int64`` where each word's texts begin.
        numbers: ``[n] int32`` texts by word.
        is_first: ``[n] bool`` whether the text begins with the word.
    """

    def __init__(
        self, words: list[str], offsets: np.ndarray, numbers: np.ndarray, is_first: np.ndarray
    ) -> None:
        self._words = words
        self._offsets = offsets
        self._numbers = numbers
        self._is_first = is_first

    @classmethod
    def of(cls, texts: Iterable[str]) -> PrefixIndex:
        """Texts, numbered in their order."""
        holders: dict[str, list[int]] = {}
        for number, text in enumerate(texts):
            first_positions: dict[str, int] = {}
            for position, word in enumerate(_starts(text)):
                first_positions.setdefault(word, position)
            for word, position in first_positions.items():
                # The lowest bit: whether the text begins with the word.
                holders.setdefault(word, []).append(2 * number + (position == 0))
        words = sorted(holders)
        lengths = np.fromiter((len(holders[word]) for word in words), np.int64, len(words))
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        packed = np.fromiter(
            chain.from_iterable(holders[word] for word in words), np.int64, int(offsets[-1])
        )
        return cls(words, offsets, (packed >> 1).astype(np.int32), (packed & 1).astype(bool))

    @classmethod
    def joined(cls, parts: Sequence[tuple[PrefixIndex, np.ndarray]]) -> PrefixIndex:
        """The texts of several indexes in one, whose words are not read again.

        Args:
            parts: Each index, and ``[texts] int64`` the new number of each of its texts, −1 where it is
                left out; the numbers kept ascend over all parts.
        """
        names = {word for index, _ in parts for word in index._words}
        position_of = {word: position for position, word in enumerate(sorted(names))}
        positions, numbers, is_first = [], [], []
        for index, moved in parts:
            of_words = np.fromiter(map(position_of.__getitem__, index._words), np.int64)
            new_numbers = moved[index._numbers]
            kept = new_numbers >= 0
            positions.append(np.repeat(of_words, np.diff(index._offsets))[kept])
            numbers.append(new_numbers[kept])
            is_first.append(index._is_first[kept])
        all_positions = np.concatenate(positions)
        counts = np.bincount(all_positions, minlength=len(names))
        # Words of no text that is left are not known any more.
        words = [word for word, count in zip(position_of, counts.tolist(), strict=True) if count]
        order = np.argsort(all_positions, kind="stable")
        return cls(
            words,
            np.concatenate([[0], np.cumsum(counts[counts > 0])]).astype(np.int64),
            np.concatenate(numbers)[order].astype(np.int32),
            np.concatenate(is_first)[order],
        )

    def save(self, folder: Path) -> None:
        """Writes it into an existing folder."""
        text = json.dumps(self._words, ensure_ascii=False)
        (folder / "words.json").write_text(text, encoding="utf-8")
        for name in ("offsets", "numbers", "is_first"):
            np.save(folder / f"{name}.npy", getattr(self, f"_{name}"))

    @classmethod
    def load(cls, folder: Path) -> PrefixIndex:
        """What ``save`` wrote."""
        words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
        arrays = (
            np.load(folder / f"{name}.npy", allow_pickle=False)
            for name in ("offsets", "numbers", "is_first")
        )
        return cls(words, *arrays)

    def knows(self, prefix: str) -> bool:
        """Whether any word has the prefix."""
        part = self._slice(prefix)
        return part.start < part.stop

    def find(self, typed: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Texts that have a word for each typed prefix.

        Returns:
            Their numbers, ``[n] int32``, possibly repeated, and whether each begins with the first
            typed word, ``[n] bool``.
        """
        slices = [self._slice(word) for word in typed]
        if not slices or any(part.start == part.stop for part in slices):
            return np.zeros(0, np.int32), np.zeros(0, bool)
        numbers, is_first = self._numbers[slices[0]], self._is_first[slices[0]]
        for part in slices[1:]:
            kept = _is_among(numbers, self._numbers[part])
            numbers, is_first = numbers[kept], is_first[kept]
        return numbers, is_first

    def _slice(self, prefix: str) -> slice:
        if is_chinese_run(prefix):
            prefix = prefix[:_CHINESE_PREFIX_LENGTH]
        start = bisect_left(self._words, prefix)
        end = bisect_left(self._words, prefix + _LARGEST_CHARACTER, start)
        return slice(int(self._offsets[start]), int(self._offsets[end]))


def typed_words(text: str) -> list[str]:
    """The words of a text without further parsing of numbers and units, which may be incomplete."""
    return [run[0] for run in runs(fold(normalise(text)))]


def highlights(text: str, typed: Sequence[str]) -> list[tuple[int, int]]:
    """Where the typed words are in a text: start and end offsets, the end exclusive."""
    found = []
    for run in runs(text):
        word = fold(normalise(run[0]))
        # Where folding changes the length, offsets do not map back to the text.
        if len(word) != len(run[0]):
            continue
        for prefix in sorted(typed, key=len, reverse=True):
            position = word.find(prefix)
            if position == 0 or (position > 0 and is_chinese_run(word)):
                found.append((run.start() + position, run.start() + position + len(prefix)))
                break
    return found


def _starts(text: str) -> Iterable[str]:
    for run in typed_words(text):
        if is_chinese_run(run):
            yield from (
                run[position : position + _CHINESE_PREFIX_LENGTH] for position in range(len(run))
            )
        else:
            yield run


def _is_among(numbers: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``[n] bool``: which of ``numbers`` are among ``others``."""
    flags = np.zeros(max(numbers.max(initial=0), others.max(initial=0)) + 1, bool)
    flags[others] = True
    return flags[numbers]
