"""The vocabulary of the items, and spelling correction by it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np
from rapidfuzz.distance import OSA

_SHORTEST = 3
_EDIT_LIMIT = 3
_SHORTEST_PREFIX = 4
_SHORTEST_PART = 3
_CANDIDATE_COUNT = 12
_CANDIDATE_LENGTH = 3
_COMPLETION_LIMIT = 400

_EDIT_COST = 1.5
_FREQUENCY_GAIN = 0.25
_SIMILARITY_GAIN = 2.0
_FIRST_LETTER_GAIN = 0.5


class Vocabulary:
    """Words with their item counts, and look-ups by similarity.

    Letter bigrams preselect the candidates whose edit distance is computed.

    Args:
        counts: Items by word.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self._sorted = sorted(counts)
        self._words = [w for w in self._sorted if len(w) >= _CANDIDATE_LENGTH and _is_english(w)]
        # Longer words exceed the edit limit for every known word.
        self._longest = max(map(len, self._words), default=0) + _EDIT_LIMIT
        pairs = [_pairs(word) for word in self._words]
        self._pair_counts = np.array([len(of_word) for of_word in pairs], np.float32)
        self._item_counts = np.array([counts[word] for word in self._words], np.float32)
        holders: dict[str, list[int]] = {}
        for number, of_word in enumerate(pairs):
            for pair in of_word:
                holders.setdefault(pair, []).append(number)
        self._holders = {pair: np.array(numbers, np.int32) for pair, numbers in holders.items()}

    def corrections(self, word: str, limit: int = 3) -> list[tuple[str, float]]:
        """Known words that ``word`` may be a misspelling of, best first, with weights of at most 1.

        At most one edit up to 5 letters, two up to 8, else three; an edit is a deletion, insertion,
        substitution or transposition.
        """
        return weighted(self.scored(word), limit)

    def scored(self, word: str) -> list[tuple[str, float]]:
        """The candidates of ``corrections`` with their scores, in no order."""
        if not _SHORTEST <= len(word) <= self._longest or not _is_english(word):
            return []
        edits = {other: 1 for other in one_edit_away(word) if self._is_candidate(other)}
        pairs = _pairs(word)
        shared = self._shared(pairs)
        if shared is not None:
            edit_limit = _edit_limit(word)
            for number in _largest(2.0 * shared / (self._pair_counts + len(pairs))):
                other = self._words[number]
                count = edit_distance(word, other, edit_limit)
                if 0 < count <= edit_limit:
                    edits[other] = count
        return [
            (
                other,
                _FREQUENCY_GAIN * math.log(self.counts[other])
                + _SIMILARITY_GAIN * _similarity(pairs, _pairs(other))
                + _FIRST_LETTER_GAIN * (other[0] == word[0])
                - _EDIT_COST * count,
            )
            for other, count in edits.items()
        ]

    def prefix_corrections(self, typed: str, limit: int = 3) -> list[str]:
        """Prefixes of known words that ``typed``, an incomplete word, may be a misspelling of.

        Best first: fewest edits, then the most frequent words; edits as in ``corrections``.
        """
        if len(typed) < _SHORTEST_PREFIX or not _is_english(typed):
            return []
        pairs = _pairs(typed) - {f"{typed[-1]}>"}
        shared = self._shared(pairs)
        if shared is None:
            return []
        # Overlap relative to the typed bigrams, since the word is incomplete; ties go to the more
        # frequent word.
        frequency = np.log1p(self._item_counts) / 100.0
        found: dict[str, tuple[int, float]] = {}
        for number in _largest(shared + frequency):
            word = self._words[number]
            edits, length = prefix_distance(typed, word, _edit_limit(typed))
            if edits <= _edit_limit(typed):
                rank = (edits, -float(self._item_counts[number]))
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

    def _is_candidate(self, word: str) -> bool:
        return len(word) >= _CANDIDATE_LENGTH and word in self.counts

    def _shared(self, pairs: set[str]) -> np.ndarray | None:
        """Number of ``pairs`` that each word has, ``[words]``; None if no word has any."""
        held = [self._holders[pair] for pair in pairs if pair in self._holders]
        if not held:
            return None
        return np.bincount(np.concatenate(held), minlength=len(self._words))


def weighted(scored: list[tuple[str, float]], limit: int) -> list[tuple[str, float]]:
    """The words of the best scores, best first, with weights of at most 1."""
    best = sorted(scored, key=lambda entry: (-entry[1], entry[0]))[:limit]
    return [(word, math.exp(score - best[0][1])) for word, score in best]


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


def one_edit_away(word: str) -> set[str]:
    """All strings at one deletion, insertion, substitution or transposition (Norvig 2007)."""
    splits = [(word[:position], word[position:]) for position in range(len(word) + 1)]
    deleted = {left + right[1:] for left, right in splits if right}
    transposed = {
        left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1
    }
    substituted = {
        left + one + right[1:] for left, right in splits if right for one in ascii_lowercase
    }
    inserted = {left + one + right for left, right in splits for one in ascii_lowercase}
    return (deleted | transposed | substituted | inserted) - {word}


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
    return 1 if len(word) <= 5 else 2 if len(word) <= 8 else _EDIT_LIMIT


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


def _is_english(word: str) -> bool:
    return word.isascii() and word.isalpha()
