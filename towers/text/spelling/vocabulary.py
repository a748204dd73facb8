"""The vocabulary of the items, and candidates for the correction of a misspelt word."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import OSA

from towers.text.spelling.deletion_index import DeletionIndex
from towers.text.writing.folding import has_chinese

_SHORTEST = 3
_EDIT_LIMIT = 3
_SHORTEST_PREFIX = 4
_SHORTEST_PART = 3
_CANDIDATE_COUNT = 12
_COMPLETION_LIMIT = 400

_EDIT_COST = 1.5
_FREQUENCY_GAIN = 0.25
_SIMILARITY_GAIN = 2.0
_FIRST_LETTER_GAIN = 0.5


class Candidate(NamedTuple):
    """A known word that another may be a misspelling of.

    Args:
        word: The known word.
        item_count: Items that have it.
        edits: Deletions, insertions, substitutions and transpositions between the two.
        score: Log likelihood up to a constant, for comparison among candidates of one word.
    """

    word: str
    item_count: int
    edits: int
    score: float


class Vocabulary:
    """Words with their item counts, and look-ups by similarity, of any alphabet but Chinese.

    Words one edit away are found by common deletions; of farther ones, letter bigrams preselect those
    whose edit distance is computed.

    Args:
        counts: Items by word.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self._sorted = sorted(counts)
        # By length, so that the words of a range of lengths are one slice.
        self._words = sorted(filter(_has_letters_only, counts), key=lambda word: (len(word), word))
        self._lengths = [len(word) for word in self._words]
        self._deletions = DeletionIndex(self._words)
        pairs = [_pairs(word) for word in self._words]
        self._pair_counts = np.array([len(of_word) for of_word in pairs], np.float32)
        self._item_counts = np.array([counts[word] for word in self._words], np.float32)
        holders: dict[str, list[int]] = {}
        for number, of_word in enumerate(pairs):
            for pair in of_word:
                holders.setdefault(pair, []).append(number)
        self._holders = {pair: np.array(numbers, np.int32) for pair, numbers in holders.items()}

    def nearby(self, word: str) -> list[Candidate]:
        """All known words one edit away, in no order."""
        if not _has_letters_only(word):
            return []
        found = (self._words[number] for number in self._deletions.candidates(word))
        return [
            self._candidate(word, other, 1) for other in found if edit_distance(word, other, 1) == 1
        ]

    def distant(self, word: str) -> list[Candidate]:
        """The most similar of the known words that are farther away, in no order.

        Two edits from 7 letters on, three from 11 on.
        """
        edit_limit = _edit_limit(word)
        if edit_limit < 2 or not _has_letters_only(word):
            return []
        window = self._of_lengths(len(word) - edit_limit, len(word) + edit_limit)
        pairs = _pairs(word)
        shared = self._shared(pairs, window)
        if shared is None:
            return []
        similarity = 2.0 * shared / (self._pair_counts[window] + len(pairs))
        found = []
        for number in _largest(similarity):
            other = self._words[window.start + number]
            edits = edit_distance(word, other, edit_limit)
            if 1 < edits <= edit_limit:
                found.append(self._candidate(word, other, edits))
        return found

    def prefix_corrections(self, typed: str, limit: int = 3) -> list[str]:
        """Prefixes of known words that ``typed``, an incomplete word, may be a misspelling of.

        Best first: fewest edits, then the most frequent words.
        """
        if len(typed) < _SHORTEST_PREFIX or not _has_letters_only(typed):
            return []
        edit_limit = _edit_limit(typed)
        window = self._of_lengths(len(typed) - edit_limit, None)
        shared = self._shared(_pairs(typed) - {f"{typed[-1]}>"}, window)
        if shared is None:
            return []
        # Overlap relative to the typed bigrams, since the word is incomplete; ties go to the more
        # frequent word.
        frequency = np.log1p(self._item_counts[window]) / 100.0
        found: dict[str, tuple[int, float]] = {}
        for number in _largest(shared + frequency):
            word = self._words[window.start + number]
            edits, length = prefix_distance(typed, word, edit_limit)
            if edits <= edit_limit:
                rank = (edits, -float(self.counts[word]))
                found[word[:length]] = min(rank, found.get(word[:length], rank))
        return sorted(found, key=lambda prefix: (found[prefix], prefix))[:limit]

    def parts(self, word: str) -> tuple[str, str] | None:
        """The two known words that ``word`` is a compound of (``lightbulb``, ``18v``); None if none.

        Of several splits the one whose rarer part is the most frequent.
        """
        return compound_parts(word, self.counts)

    def completions(self, prefix: str, limit: int = 3) -> list[str]:
        """The most frequent known words with a prefix."""
        start = bisect_left(self._sorted, prefix)
        found = []
        for word in self._sorted[start : start + _COMPLETION_LIMIT]:
            if not word.startswith(prefix):
                break
            found.append(word)
        return sorted(found, key=lambda word: (-self.counts[word], word))[:limit]

    def _candidate(self, word: str, other: str, edits: int) -> Candidate:
        count = self.counts[other]
        score = (
            _FREQUENCY_GAIN * math.log(count)
            + _SIMILARITY_GAIN * _similarity(_pairs(word), _pairs(other))
            + _FIRST_LETTER_GAIN * (other[0] == word[0])
            - _EDIT_COST * edits
        )
        return Candidate(other, count, edits, score)

    def _of_lengths(self, shortest: int, longest: int | None) -> slice:
        """The words of a range of lengths, both ends included."""
        end = len(self._words) if longest is None else bisect_left(self._lengths, longest + 1)
        return slice(bisect_left(self._lengths, shortest), end)

    def _shared(self, pairs: set[str], window: slice) -> np.ndarray | None:
        """Number of ``pairs`` that each word of a slice has, ``[words]``; None if no word has any."""
        held = []
        for pair in pairs:
            holders = self._holders.get(pair)
            if holders is not None:
                start, end = holders.searchsorted((window.start, window.stop)).tolist()
                held.append(holders[start:end])
        numbers = np.concatenate(held) if held else np.zeros(0, np.int32)
        if not len(numbers):
            return None
        return np.bincount(numbers - window.start, minlength=window.stop - window.start)


def compound_parts(word: str, counts: Mapping[str, int]) -> tuple[str, str] | None:
    """As ``Vocabulary.parts``, by item counts of words."""
    best, best_count = None, 0
    for position in range(1, len(word)):
        left, right = word[:position], word[position:]
        changes_kind = left[-1].isdigit() != right[0].isdigit()
        if min(len(left), len(right)) < _SHORTEST_PART and not changes_kind:
            continue
        count = min(counts.get(left, 0), counts.get(right, 0))
        if count > best_count:
            best, best_count = (left, right), count
    return best


def edit_distance(left: str, right: str, limit: int) -> int:
    """Optimal string alignment distance (Damerau 1964); ``limit`` + 1 if it is greater than that."""
    return OSA.distance(left, right, score_cutoff=limit)


def prefix_distance(typed: str, word: str, limit: int) -> tuple[int, int]:
    """Smallest edit distance of ``typed`` to a prefix of ``word``, and that prefix's length.

    Distance as in ``edit_distance``; ``limit`` + 1 and 0 if it is greater than that. Of several
    prefixes the one whose length is nearest to that of ``typed``.
    """
    best, length = limit + 1, 0
    # From the typed length outwards; each edit shifts the end by one letter at most.
    for offset in range(limit + 1):
        for end in dict.fromkeys((len(typed) - offset, len(typed) + offset)):
            if 0 <= end <= len(word) and best > offset:
                edits = OSA.distance(typed, word[:end], score_cutoff=best - 1)
                if edits < best:
                    best, length = edits, end
    return best, length


def _edit_limit(word: str) -> int:
    return 1 if len(word) <= 6 else 2 if len(word) <= 10 else _EDIT_LIMIT


def _largest(values: np.ndarray) -> list[int]:
    """Positions of the ``_CANDIDATE_COUNT`` largest values, in any order."""
    if len(values) <= _CANDIDATE_COUNT:
        return list(range(len(values)))
    return np.argpartition(-values, _CANDIDATE_COUNT)[:_CANDIDATE_COUNT].tolist()


def _pairs(word: str) -> set[str]:
    edged = f"<{word}>"
    return {edged[position : position + 2] for position in range(len(edged) - 1)}


def _similarity(left: set[str], right: set[str]) -> float:
    """Dice coefficient of two sets of letter bigrams, 0 to 1 (Dice 1945)."""
    return 2.0 * len(left & right) / (len(left) + len(right))


def _has_letters_only(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha() and not has_chinese(word)
