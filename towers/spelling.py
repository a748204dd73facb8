"""The words that items really have, and what a word that none of them has was meant to be."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

import numpy as np

_SHORTEST = 4
_SHORTEST_PART = 3
_CLOSE_COUNT = 12
_CANDIDATE_LENGTH = 3
_COMPLETION_LIMIT = 400

_EDIT_COST = 1.5
_FREQUENCY_GAIN = 0.25
_LIKENESS_GAIN = 2.0
_FIRST_LETTER_GAIN = 0.5


class Vocabulary:
    """Words with the number of items that have each, and look-ups by likeness.

    Pairs of letters find the few words that are worth a full comparison.

    Args:
        counts: Items by word.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self._sorted = sorted(counts)
        self._words = [w for w in self._sorted if len(w) >= _CANDIDATE_LENGTH and _is_english(w)]
        pairs = [_pairs(word) for word in self._words]
        self._pair_counts = np.array([len(of_word) for of_word in pairs], np.float32)
        holders: dict[str, list[int]] = {}
        for number, of_word in enumerate(pairs):
            for pair in of_word:
                holders.setdefault(pair, []).append(number)
        self._holders = {pair: np.array(numbers, np.int32) for pair, numbers in holders.items()}

    def corrections(self, word: str, limit: int = 3) -> list[tuple[str, float]]:
        """Known words that ``word`` may be a slip for, best first, with weights from 1 down.

        Up to 5 letters allow one edit, up to 8 two, more three; an edit leaves out, adds, changes
        or swaps letters.
        """
        if len(word) < _SHORTEST or not _is_english(word):
            return []
        pairs = _pairs(word)
        held = [self._holders[pair] for pair in pairs if pair in self._holders]
        if not held:
            return []
        shared = np.bincount(np.concatenate(held), minlength=len(self._words))
        likeness = 2.0 * shared / (self._pair_counts + len(pairs))
        if len(likeness) > _CLOSE_COUNT:
            close = np.argpartition(-likeness, _CLOSE_COUNT)[:_CLOSE_COUNT]
        else:
            close = np.arange(len(likeness))
        edit_limit = 1 if len(word) <= 5 else 2 if len(word) <= 8 else 3
        found = []
        for number in close.tolist():
            other = self._words[number]
            edits = edit_distance(word, other, edit_limit)
            if 0 < edits <= edit_limit:
                score = (
                    _FREQUENCY_GAIN * float(np.log(self.counts[other]))
                    + _LIKENESS_GAIN * float(likeness[number])
                    + _FIRST_LETTER_GAIN * (other[0] == word[0])
                    - _EDIT_COST * edits
                )
                found.append((score, other))
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        return [(other, float(np.exp(score - found[0][0]))) for score, other in found[:limit]]

    def parts(self, word: str) -> tuple[str, str] | None:
        """The two known words that ``word`` is made of, ``lightbulb`` or ``18v``; None if none.

        Of several cuts the one whose rarer part is the most frequent.
        """
        best, best_count = None, 0
        for place in range(1, len(word)):
            left, right = word[:place], word[place:]
            changes_kind = left[-1].isdigit() != right[0].isdigit()
            if min(len(left), len(right)) < _SHORTEST_PART and not changes_kind:
                continue
            count = min(self.counts.get(left, 0), self.counts.get(right, 0))
            if count > best_count:
                best, best_count = (left, right), count
        return best

    def completions(self, beginning: str, limit: int = 3) -> list[str]:
        """The most frequent known words that begin so."""
        start = bisect_left(self._sorted, beginning)
        found = []
        for word in self._sorted[start : start + _COMPLETION_LIMIT]:
            if not word.startswith(beginning):
                break
            found.append(word)
        return sorted(found, key=lambda word: (-self.counts[word], word))[:limit]


def edit_distance(left: str, right: str, limit: int) -> int:
    """Letters left out, added, changed or swapped with the next; ``limit`` + 1 if more than that.

    Optimal string alignment (Damerau 1964): no letter is edited twice.
    """
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for at, letter in enumerate(left, 1):
        new = [at]
        for place, other in enumerate(right, 1):
            edits = min(row[place] + 1, new[-1] + 1, row[place - 1] + (letter != other))
            swapped = at > 1 and place > 1 and letter == right[place - 2] and left[at - 2] == other
            new.append(min(edits, before[place - 2] + 1) if swapped else edits)
        if min(new) > limit:
            return limit + 1
        before, row = row, new
    return min(row[-1], limit + 1)


def _pairs(word: str) -> set[str]:
    edged = f"<{word}>"
    return {edged[place : place + 2] for place in range(len(edged) - 1)}


def _is_english(word: str) -> bool:
    return word.isascii() and word.isalpha()
