"""Words by their one-letter deletions: finds all words one edit away at the cost of a few look-ups.

Two words one edit apart have a deletion in common, or one is a deletion of the other (Garbe 2012,
"SymSpell"). Deletions are kept as 32-bit hashes in a sorted array, so a word of ten letters takes 88
bytes; a polynomial hash gives those of all words without building the strings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_LENGTH_LIMIT = 64
"""No slips are looked up in longer words."""
_POWERS = np.array([pow(_BASE, k, 1 << 64) for k in range(1, _LENGTH_LIMIT + 1)], np.uint64)


class DeletionIndex:
    """Finds words that share a one-letter deletion, or the whole word, with a given one.

    Args:
        words: Distinct; found by their positions.
    """

    def __init__(self, words: Sequence[str]) -> None:
        by_length: dict[int, list[int]] = {}
        for number, word in enumerate(words):
            if len(word) <= _LENGTH_LIMIT:
                by_length.setdefault(len(word), []).append(number)
        # Hash and position in one number, so that a plain sort orders both.
        packed = [np.zeros(0, np.uint64)]
        for length, numbers in by_length.items():
            keys = _keys([words[number] for number in numbers], length).astype(np.uint64)
            of_words = np.array(numbers, np.uint64)[:, None]
            packed.append(((keys << np.uint64(32)) | of_words).ravel())
        ordered = np.concatenate(packed)
        ordered.sort()
        self._keys = (ordered >> np.uint64(32)).astype(np.uint32)
        self._numbers = ordered.astype(np.uint32)

    def candidates(self, word: str) -> list[int]:
        """Positions of all words one edit away, and of some more: two edits, or the same hash."""
        if not 0 < len(word) <= _LENGTH_LIMIT or not len(self._keys):
            return []
        keys = _keys([word], len(word))[0]
        starts = self._keys.searchsorted(keys, "left").tolist()
        ends = self._keys.searchsorted(keys, "right").tolist()
        found: set[int] = set()
        for start, end in zip(starts, ends, strict=True):
            if start < end:
                found.update(self._numbers[start:end].tolist())
        return sorted(found)


def _keys(words: Sequence[str], length: int) -> np.ndarray:
    """Hashes of words of one length and of their deletions, ``[words, length + 1] uint32``."""
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), "<u4")
    terms = codes.reshape(len(words), length).astype(np.uint64) * _POWERS[:length]
    sums = np.cumsum(terms, axis=1, dtype=np.uint64)
    whole = sums[:, -1:]
    # Without a letter, those behind it move up by one power.
    without = (sums - terms) + (whole - sums) * np.uint64(_BASE_INVERSE)
    return (np.concatenate([whole, without], axis=1) >> np.uint64(32)).astype(np.uint32)
