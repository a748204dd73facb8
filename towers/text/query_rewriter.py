"""What the words of a query were meant to be, by the words that the items have."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import NamedTuple

from towers.text.incremental_vocabulary import IncrementalVocabulary
from towers.text.spelling import Vocabulary
from towers.text.words import has_chinese, stem, surface_words

Alternatives = tuple[tuple[str, ...], ...]
"""Ways to have one wanted thing: stems that an item must have, for each way."""

_GUESS_WEIGHT = 0.8
_TRANSLATION_WEIGHT = 0.9
_RARE_COUNT = 3
"""A word of fewer items may be a slip in a title: its corrections are looked for too."""
_RARE_WEIGHT = 0.4
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to be about all that a query says."""


class Guess(NamedTuple):
    """What a word may have been meant to be.

    Args:
        words: One word, or the two that it is made of, which are both meant.
        weight: Up to 1.
    """

    words: tuple[str, ...]
    weight: float


class Term(NamedTuple):
    """A word of a query, and the ways to have it.

    Args:
        word: As written.
        ways: Stems that an item must have, for each way.
    """

    word: str
    ways: Alternatives


class QueryRewriter:
    """Reads queries by the words of the items.

    A word that few items or none have in any form is also looked for as it may have been meant:
    mended, cut in two, joined with the next, translated, or, being the last, as the beginning of
    a word.

    Args:
        counts: Items by word as written.
        stem_count: How many items have a stem now, exact below a number that is given too; else no
            less than that.

    Attributes:
        translations: Words of the items, with weights up to 1, by stems of another language.
    """

    def __init__(self, counts: Mapping[str, int], stem_count: Callable[[str, int], int]) -> None:
        self.translations: Mapping[str, Mapping[str, float]] = {}
        self._stem_count = stem_count
        self._vocabulary = Vocabulary(counts)
        self._live_vocabulary = IncrementalVocabulary()

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as they were at first."""
        return self._vocabulary.counts

    def take_in(self, words: Collection[str]) -> None:
        """Knows these words too from here on."""
        self._live_vocabulary.take_in(word for word in words if word not in self.counts)

    def meant(self, text: str) -> tuple[dict[str, float], str]:
        """What a query asks for.

        Returns:
            The stems, with the weight of each: 1 as written, less where guessed; and the query
            with, behind it, what words that no item has in any form were most likely meant to be.
        """
        written = surface_words(text)
        meant = {stem(word): 1.0 for word in written}
        mended: list[str] = []
        for place, word in enumerate(written):
            guesses = self.alternatives(word, is_last=place + 1 == len(written))
            for guess in guesses:
                for of_guess in map(stem, guess.words):
                    meant[of_guess] = max(meant.get(of_guess, 0.0), guess.weight)
            if guesses and not self._count(word):
                mended += likeliest(guesses).split()
        for left, right, joined in _joined(written):
            if min(len(left), len(right)) > 1 and self._written_count(joined):
                meant.setdefault(stem(joined), _GUESS_WEIGHT)
        # Once each: a Chinese word stands beside its parts, which may mean the same.
        return meant, " ".join((text, *dict.fromkeys(mended)))

    def alternatives(self, word: str, *, is_last: bool) -> list[Guess]:
        """What else may stand for a word: the same in the other language, else guesses."""
        return self.translated(word) or self.guesses(word, is_last=is_last)

    def translated(self, word: str) -> list[Guess]:
        """A word in the other language; a Chinese one that the dictionary lacks by its two parts."""
        found = self._in_dictionary(word)
        for place in range(1, len(word)) if not found and has_chinese(word) else ():
            left, right = self._in_dictionary(word[:place]), self._in_dictionary(word[place:])
            found += [
                Guess(one.words + other.words, min(one.weight, other.weight))
                for one, other in product(left, right)
            ]
        return found

    def guesses(self, word: str, *, is_last: bool) -> list[Guess]:
        """What a word that few items or none have may have been meant to be."""
        count = self._count(word)
        if count >= _RARE_COUNT or (len(word) < 2 and not count):
            return []
        weight = _RARE_WEIGHT if count else _GUESS_WEIGHT
        guesses: list[Guess] = []
        for vocabulary in (self._vocabulary, self._live_vocabulary):
            parts = vocabulary.parts(word)
            if parts:
                guesses.append(Guess(parts, weight))
            likes = vocabulary.corrections(word)
            guesses += [Guess((other,), weight * share) for other, share in likes]
            if is_last and not count:
                guesses += [Guess((other,), weight) for other in vocabulary.completions(word)]
        # The vocabularies forget nothing, though an item may have lost a word since.
        return [guess for guess in guesses if all(map(self._count, guess.words))]

    def terms(self, text: str) -> list[Term]:
        """The words of a query, to be had as written, as one with the next, or translated."""
        written = surface_words(text)
        ways: dict[str, Alternatives] = {}
        for word in written:
            if not has_chinese(word):
                ways[word] = ((stem(word),),)
            # Of overlapping words of a Chinese run the longest, each asked for by its characters:
            # how a run is cut depends on what stands beside it.
            elif not any(word in other and word != other for other in written):
                ways[word] = (tuple(dict.fromkeys(word)),)
        for left, right, joined in _joined(written):
            if not has_chinese(joined):
                ways[left] += ((stem(joined),),)
                ways[right] += ((stem(joined),),)
        return [Term(word, ways[word] + tuple(map(_stems, self.translated(word)))) for word in ways]

    def ways(self, text: str) -> list[Alternatives]:
        """For each word that an item must have, function words aside, what will do for it."""
        terms = self.terms(text)
        found = []
        for place, term in enumerate(terms):
            if term.word not in _FUNCTION_WORDS or len(terms) == 1:
                others = self.alternatives(term.word, is_last=place + 1 == len(terms))
                found.append(tuple(dict.fromkeys((*term.ways, *map(_stems, others)))))
        return found

    def likely_beginnings(self, typed: str) -> list[str]:
        """Beginnings of items' words that a word half typed may be a slip for, best first."""
        found = self._vocabulary.likely_beginnings(typed)
        return found + self._live_vocabulary.likely_beginnings(typed)

    def _in_dictionary(self, word: str) -> list[Guess]:
        found = self.translations.get(stem(word), {})
        return [Guess((other,), _TRANSLATION_WEIGHT * share) for other, share in found.items()]

    def _count(self, word: str) -> int:
        """Items that have the word in some form now, counted exactly where they are few."""
        return self._stem_count(stem(word), _RARE_COUNT)

    def _written_count(self, word: str) -> int:
        return self.counts.get(word) or int(word in self._live_vocabulary)


def likeliest(guesses: Sequence[Guess]) -> str:
    """What a word was most likely meant to be, of ``QueryRewriter.guesses``, of which there are some."""
    return " ".join(max(guesses, key=lambda guess: guess.weight).words)


def _stems(guess: Guess) -> tuple[str, ...]:
    return tuple(map(stem, guess.words))


def _joined(written: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Neighbours, and the one word that they may be in the catalogue; digits make no other number."""
    for left, right in pairwise(written):
        if not (left + right).isdigit():
            yield left, right, left + right
