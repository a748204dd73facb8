"""Which words follow each other in a shop's texts: a bigram model of what shoppers ask for there."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from towers.text.spelling.english_words import FUNCTION_WORDS, common_english_words
from towers.text.words import surface_words

TEXT_LIMIT = 20_000
"""Texts that a model is counted from; more change it little."""

_BIGRAM_SHARE, _UNIGRAM_SHARE = 0.5, 0.5
"""Interpolation of Jelinek and Mercer. What is said has another order than titles have."""
_UNKNOWN_SHARE = 0.0025
"""Probability of an ordinary word that the shop has nowhere, as shoppers say some."""
_NO_WORD_GAIN = -2.5
"""Of a word that neither the shop nor English has: probably one misheard."""


class TitleBigrams:
    """Word counts and bigram counts of texts, function words left out.

    Args:
        texts: Titles, names of categories and brands, values of attributes.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._followed: Counter[str] = Counter()
        for text in texts:
            words = content_words(text)
            self.counts.update(words)
            for pair in pairwise(words):
                self._pairs[pair] += 1
                self._followed[pair[0]] += 1
        self._total = max(1, self.counts.total())

    def gain(self, word: str, previous: str) -> float:
        """Log probability of ``word`` behind ``previous``, beyond that of an ordinary unknown word.

        Args:
            previous: Empty at the beginning, where every word is as probable as anywhere.
        """
        if word not in self.counts and word.isalpha() and word not in common_english_words():
            return _NO_WORD_GAIN
        alone = self.counts[word] / self._total
        followed = self._followed[previous]
        behind = self._pairs[previous, word] / followed if followed else alone
        known = _BIGRAM_SHARE * behind + _UNIGRAM_SHARE * alone
        return math.log1p((1 - _UNKNOWN_SHARE) * known / _UNKNOWN_SHARE)


def content_words(text: str) -> list[str]:
    """The surface words of a text, without function words."""
    return [word for word in surface_words(text) if word not in FUNCTION_WORDS]
