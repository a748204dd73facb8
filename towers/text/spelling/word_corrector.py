"""Decides what a word of a query may be a misspelling of.

One edit to a known word comes first, before any split into two words and any more distant word. Short
words and words of ordinary English are taken as typed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from towers.text.parsed_query import Replacement
from towers.text.spelling.english_words import FUNCTION_WORDS
from towers.text.spelling.incremental_vocabulary import IncrementalVocabulary
from towers.text.spelling.vocabulary import Candidate, Vocabulary
from towers.text.words import stem

CORRECTION_WEIGHT = 0.9
RARE_WEIGHT = 0.6
_RARE_COUNT = 10
"""A word of fewer items may be a misspelling in a title."""
_RATIO = 20
"""By how much the right word is more frequent than one that is misspelt in titles."""
_SHORTEST = 3
"""Shorter words are abbreviations, sizes and models as often as words."""
_SHORTEST_SWAPPED = 4
_SHORTEST_FREE = 5
"""A shorter word may only lack a letter of a frequent word, have two of it swapped, or be one edit away
from a very frequent one."""
_FREQUENT_SHARE, _VERY_FREQUENT_SHARE = 0.0005, 0.002
"""Least share of the items that have a frequent and a very frequent word."""
_SHORTEST_COMMON = 8
"""A common word of this length may be taken for a similar one: "stationary"."""
_CANDIDATE_COUNT = 3
_SPLIT_RATIO = 10
"""By how much a split must be more likely than a word one edit away to come first."""
_LEAST_PAIR_COUNT = 0.02
"""Least number of items that have both words of a split, if words were independent."""
_COMPLETED_SHARE = 0.5
"""Weight of a completion where there are corrections, relative to these."""


class WordCorrector:
    """Corrections by the words of the items, live changes included.

    Args:
        counts: Items by surface word.
        stem_count: Current number of items with a stem.
        common_words: Words that are not misspellings.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        stem_count: Callable[[str], int],
        common_words: Collection[str],
    ) -> None:
        self._stem_count = stem_count
        self._common_words = common_words
        self._vocabulary = Vocabulary(counts)
        self._live_vocabulary = IncrementalVocabulary()
        # The most frequent word stands in most items.
        self._item_count = max(counts.values(), default=1)

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as of the build of the index."""
        return self._vocabulary.counts

    def __contains__(self, word: str) -> bool:
        return word in self.counts or word in self._live_vocabulary.counts

    def take_in(self, surface_words: Iterable[str]) -> None:
        """Adds words of live changes."""
        self._live_vocabulary.take_in(word for word in surface_words if word not in self.counts)

    def count(self, word: str) -> int:
        """Current number of items with the word in any form."""
        return self._stem_count(stem(word))

    def has_items(self, word: str) -> bool:
        """Whether some item has the word in any form now."""
        return self.count(word) > 0

    def are_known(self, stems: Sequence[str]) -> bool:
        """Whether each of the stems is in some item now."""
        return all(self._stem_count(of_word) for of_word in stems)

    def is_rare(self, word: str) -> bool:
        """Whether so few items have a word that it may be misspelt."""
        return len(word) > 1 and self.count(word) < _RARE_COUNT

    def is_very_frequent(self, word: str) -> bool:
        """Whether so many items had a word in this form, as of the build, that it is hardly a slip."""
        return self.counts.get(word, 0) >= _VERY_FREQUENT_SHARE * self._item_count

    def corrected(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        """Corrections of a word for which ``is_rare`` holds, the best of each kind first.

        Args:
            is_last: Whether the word may be incomplete.
        """
        count = self.count(word)
        return self._known(
            self._of_rare(word, count) if count else self._of_unknown(word, is_last=is_last)
        )

    def distant(self, word: str) -> tuple[Replacement, ...]:
        """Corrections at more than one edit of a word that no item has, best first."""
        if self._is_common(word):
            return ()
        close = [*self._vocabulary.distant(word), *self._live_vocabulary.distant(word)]
        return self._known(weighted(close, CORRECTION_WEIGHT))

    def meant(self, word: str) -> str:
        """What a word that items have is probably a misspelling of in their titles, else the word."""
        others = self.corrected(word, is_last=False) if 0 < self.count(word) < _RARE_COUNT else ()
        return others[0].text if others else word

    def prefix_corrections(self, typed: str) -> list[str]:
        """Prefixes of items' words that an incomplete word may be a misspelling of, best first.

        First the words that ``corrected`` finds, so that completion and search agree.
        """
        if self._is_common(typed):
            return []
        corrected = self.corrected(typed, is_last=False) if self.is_rare(typed) else ()
        whole = [one.words[0] for one in corrected if len(one.words) == 1]
        found = self._vocabulary.prefix_corrections(typed)
        found += self._live_vocabulary.prefix_corrections(typed)
        return list(dict.fromkeys((*whole, *found)))

    def _is_common(self, word: str) -> bool:
        return word in self._common_words

    def _known(self, replacements: Sequence[Replacement]) -> tuple[Replacement, ...]:
        # Words are never removed from the vocabularies, but items may have lost them.
        known = {one.stems: one for one in reversed(replacements) if self.are_known(one.stems)}
        return tuple(known.values())[::-1]

    def _of_rare(self, word: str, count: int) -> list[Replacement]:
        """Words that are so much more frequent that titles with this one may be misspelt."""
        if len(word) < _SHORTEST_FREE or self._is_common(word):
            return []
        of_word = stem(word)
        close = [
            found
            for found in self._nearby(word)
            if found.item_count >= _RATIO * count and stem(found.word) != of_word
        ]
        return weighted(close, RARE_WEIGHT)

    def _of_unknown(self, word: str, *, is_last: bool) -> list[Replacement]:
        if self._is_common(word) and len(word) < _SHORTEST_COMMON:
            return []
        close = self._nearby(word)
        split = self._split(word, max((found.item_count for found in close), default=0))
        completed: list[Replacement] = []
        if is_last and not self._is_common(word):
            weight = CORRECTION_WEIGHT * (_COMPLETED_SHARE if close or split else 1.0)
            completed = [
                replacement((other,), weight)
                for vocabulary in (self._vocabulary, self._live_vocabulary)
                for other in vocabulary.completions(word)
            ]
        return [*split, *weighted(close, CORRECTION_WEIGHT), *completed]

    def close(self, word: str) -> list[Candidate]:
        """All words of the items one edit away, function words excepted, in no order."""
        close = [*self._vocabulary.nearby(word), *self._live_vocabulary.nearby(word)]
        return [found for found in close if found.word not in FUNCTION_WORDS]

    def _nearby(self, word: str) -> list[Candidate]:
        """Words one edit away that a word of its length may be a misspelling of."""
        if len(word) < _SHORTEST:
            return []
        close = self.close(word)
        if len(word) >= _SHORTEST_FREE:
            return close
        return [found for found in close if self._is_likely(word, found)]

    def _is_likely(self, word: str, found: Candidate) -> bool:
        """Whether a short word may be a misspelling of one that is one edit away."""
        lacks_letter = len(found.word) > len(word)
        if len(word) < _SHORTEST_SWAPPED:
            return lacks_letter and found.item_count >= _VERY_FREQUENT_SHARE * self._item_count
        is_shuffled = lacks_letter or sorted(found.word) == sorted(word)
        least = _FREQUENT_SHARE if is_shuffled else _VERY_FREQUENT_SHARE
        return found.item_count >= least * self._item_count

    def _split(self, word: str, close_count: int) -> list[Replacement]:
        """The word as two, unless a word one edit away, which so many items have, is more likely."""
        least = max(_SPLIT_RATIO * close_count, _LEAST_PAIR_COUNT) if word.isalpha() else 0.0
        for vocabulary in (self._vocabulary, self._live_vocabulary):
            parts = vocabulary.parts(word)
            if parts is None:
                continue
            left_count, right_count = (vocabulary.counts[part] for part in parts)
            if left_count * right_count / self._item_count >= least:
                return [replacement(parts, CORRECTION_WEIGHT)]
        return []


def weighted(candidates: Iterable[Candidate], weight: float) -> list[Replacement]:
    """The candidates of the best scores, best first; the best one has the full weight."""
    best = sorted(candidates, key=lambda found: (-found.score, found.word))[:_CANDIDATE_COUNT]
    return [
        replacement((found.word,), weight * math.exp(found.score - best[0].score)) for found in best
    ]


def replacement(surface_words: tuple[str, ...], weight: float) -> Replacement:
    """A replacement by surface words."""
    return Replacement(surface_words, tuple(map(stem, surface_words)), weight)
