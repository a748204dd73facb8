"""Parses queries by the vocabulary of the items: correction, splitting, translation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, product
from types import MappingProxyType

from towers.text import tokens, words
from towers.text.incremental_vocabulary import IncrementalVocabulary
from towers.text.parsed_query import Alternatives, ParsedQuery, Replacement, Term, best_replacement
from towers.text.product_codes import numbers_in_query
from towers.text.spelling import Vocabulary
from towers.text.understood import NO_CONDITIONS, QueryConditions, Understood
from towers.text.words import cut_text, has_chinese, normalise, stem, subwords

_CORRECTION_WEIGHT = 0.8
_TRANSLATION_WEIGHT = 0.9
_RARE_COUNT = 3
"""A word of fewer items may be a typo in a title: its corrections are searched for too."""
_RARE_WEIGHT = 0.4
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to match a query."""


class QueryRewriter:
    """Parses queries by the words of the items.

    A word that few items or none have in any form is also searched for by replacements: corrected,
    split in two, joined with the next, translated, or, for the last word, completed.

    Args:
        counts: Items by surface word.
        stem_count: Current number of items with a stem, given a bound: exact below the bound, else
            at least the bound.
        rarity: Current inverse document frequency of a stem, 0 if no item has it.

    Attributes:
        translations: Words of the items, with weights up to 1, by stems of another language.
        conditions_in: The conditions in a text.
        names_in: The names of the catalogue in surface words.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        stem_count: Callable[[str, int], int],
        rarity: Callable[[str], float],
    ) -> None:
        self.translations: Mapping[str, Mapping[str, float]] = {}
        self.conditions_in: Callable[[str], QueryConditions] = lambda text: NO_CONDITIONS
        self.names_in: Callable[[Sequence[str]], tuple[Understood, ...]] = lambda words: ()
        self._stem_count = stem_count
        self._rarity = rarity
        self._vocabulary = Vocabulary(counts)
        self._live_vocabulary = IncrementalVocabulary()

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as of the build of the index."""
        return self._vocabulary.counts

    def take_in(self, surface_words: Collection[str]) -> None:
        """Adds words of live changes."""
        self._live_vocabulary.take_in(word for word in surface_words if word not in self.counts)

    def prefix_corrections(self, typed: str) -> list[str]:
        """Prefixes of items' words that an incomplete word may be a misspelling of, best first."""
        found = self._vocabulary.prefix_corrections(typed)
        return found + self._live_vocabulary.prefix_corrections(typed)

    def parse(self, text: str, *, is_literal: bool = False) -> ParsedQuery:
        """Parses a query; where it is literal, all of it is words to match."""
        conditions = NO_CONDITIONS if is_literal else self.conditions_in(text)
        has_conditions = bool(conditions.applied)
        searched = conditions.searched_text if has_conditions else text
        normalised, words, sizes = cut_text(searched)
        surface_words = words + sizes
        stems = tuple([stem(word) for word in surface_words])
        joined_words = list(_joined(surface_words))
        replacements = _Replacements(self)
        weights = dict.fromkeys(stems, 1.0)
        translations: dict[str, str] = {}
        corrections: dict[str, str] = {}
        added: list[str] = []
        for position, word in enumerate(surface_words, 1):
            translated = replacements.translations(word)
            is_last = position == len(surface_words)
            others = translated or replacements.corrections(word, is_last=is_last)
            if not others:
                continue
            for other in others:
                for of_other in other.stems:
                    weights[of_other] = max(weights.get(of_other, 0.0), other.weight)
            if not self._count(word):
                best = best_replacement(others)
                (translations if translated else corrections)[word] = best.text
                added += best.words
        for left, right, joined in joined_words:
            if min(len(left), len(right)) > 1 and self._is_surface_word(joined):
                weights.setdefault(stem(joined), _CORRECTION_WEIGHT)
        # Distinct: a Chinese word and its parts may have the same translation.
        of_added = [stem(word) for one in dict.fromkeys(added) for word in subwords(one)]
        return ParsedQuery(
            text=text,
            normalised=normalise(text) if has_conditions else normalised,
            surface_words=surface_words,
            stems=stems,
            sizes=sizes,
            product_codes=frozenset(numbers_in_query(searched)),
            has_chinese=has_chinese(searched),
            terms=_terms(surface_words, stems, joined_words, replacements),
            translations=MappingProxyType(translations),
            corrections=MappingProxyType(corrections),
            stem_weights=MappingProxyType(weights),
            rarities=tuple([self._rarity(of_word) for of_word in weights]),
            corrected_stems=(*stems[: len(words)], *of_added, *stems[len(words) :]),
            conditions=conditions,
            names=self.names_in(surface_words),
        )

    def translated(self, word: str) -> tuple[Replacement, ...]:
        """Translations of a word; of a Chinese compound that the dictionary lacks, by its two parts."""
        if not self.translations:
            return ()
        found = self._in_dictionary(word)
        for end in range(1, len(word)) if not found and has_chinese(word) else ():
            left, right = self._in_dictionary(word[:end]), self._in_dictionary(word[end:])
            found += [
                Replacement(
                    one.words + other.words,
                    one.stems + other.stems,
                    min(one.weight, other.weight),
                )
                for one, other in product(left, right)
            ]
        return tuple(found)

    def corrected(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        """Corrections of a word that few items or none have."""
        count = self._count(word)
        if count >= _RARE_COUNT or (len(word) < 2 and not count):
            return ()
        weight = _RARE_WEIGHT if count else _CORRECTION_WEIGHT
        found: list[Replacement] = []
        for vocabulary in (self._vocabulary, self._live_vocabulary):
            parts = vocabulary.parts(word)
            if parts:
                found.append(_replacement(parts, weight))
            close = vocabulary.corrections(word)
            found += [_replacement((other,), weight * share) for other, share in close]
            if is_last and not count:
                completed = vocabulary.completions(word)
                found += [_replacement((other,), weight) for other in completed]
        # Words are never removed from the vocabularies, but items may have lost them.
        return tuple([other for other in found if self.are_known(other.stems)])

    def are_known(self, stems: Sequence[str]) -> bool:
        """Whether each of the stems is in some item now."""
        return all(self._stem_count(of_word, _RARE_COUNT) for of_word in stems)

    def _count(self, word: str) -> int:
        """Current number of items with the word in any form, exact where it is low."""
        return self._stem_count(stem(word), _RARE_COUNT)

    def _in_dictionary(self, word: str) -> list[Replacement]:
        found = self.translations.get(stem(word), {})
        return [
            _replacement((other,), _TRANSLATION_WEIGHT * share) for other, share in found.items()
        ]

    def _is_surface_word(self, word: str) -> bool:
        return word in self.counts or word in self._live_vocabulary


class _Replacements:
    """Replacements of the words of one query, each computed once."""

    def __init__(self, rewriter: QueryRewriter) -> None:
        self._rewriter = rewriter
        self._translations: dict[str, tuple[Replacement, ...]] = {}
        self._corrections: dict[tuple[str, bool], tuple[Replacement, ...]] = {}

    def translations(self, word: str) -> tuple[Replacement, ...]:
        found = self._translations.get(word)
        if found is None:
            found = self._translations[word] = self._rewriter.translated(word)
        return found

    def corrections(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        found = self._corrections.get((word, is_last))
        if found is None:
            found = self._rewriter.corrected(word, is_last=is_last)
            self._corrections[word, is_last] = found
        return found

    def are_known(self, alternatives: Alternatives) -> bool:
        """Whether items have all stems of any of the alternatives."""
        return any(map(self._rewriter.are_known, alternatives))


_AS_TYPED = QueryRewriter({}, lambda stem, enough: enough, lambda stem: 1.0)
"""Without a vocabulary: every word is treated as frequent."""


@lru_cache(maxsize=4_000)
def parsed_as_typed(text: str) -> ParsedQuery:
    """Parses a query without a vocabulary: no corrections, and all stems have the same rarity."""
    return _AS_TYPED.parse(text)


def clear_caches() -> None:
    """Clears the caches of queries, words and token numbers."""
    parsed_as_typed.cache_clear()
    tokens.clear_caches()
    words.clear_caches()


def _terms(
    surface_words: Sequence[str],
    stems: Sequence[str],
    joined_words: Sequence[tuple[str, str, str]],
    replacements: _Replacements,
) -> tuple[Term, ...]:
    alternatives: dict[str, Alternatives] = {}
    chinese_words = [word for word in surface_words if has_chinese(word)]
    for word, of_word in zip(surface_words, stems, strict=True):
        if word not in chinese_words:
            alternatives[word] = ((of_word,),)
        # Of overlapping words of a Chinese run only the longest, matched by its characters, since
        # the segmentation of a run depends on its context.
        elif not any(word in other and word != other for other in chinese_words):
            alternatives[word] = (tuple(dict.fromkeys(word)),)
    for left, right, joined in joined_words:
        if left not in chinese_words and right not in chinese_words:
            alternatives[left] += ((stem(joined),),)
            alternatives[right] += ((stem(joined),),)
    terms = []
    for position, (word, to_have) in enumerate(alternatives.items(), 1):
        translations = replacements.translations(word)
        if translations:
            to_have += tuple(other.stems for other in translations)
        is_last = position == len(alternatives)
        corrections: tuple[Replacement, ...] = ()
        if not translations or not replacements.are_known(to_have):
            corrections = replacements.corrections(word, is_last=is_last)
        is_required = word not in _FUNCTION_WORDS or len(alternatives) == 1
        terms.append(Term(word, to_have, translations, corrections, is_required))
    return tuple(terms)


def _replacement(surface_words: tuple[str, ...], weight: float) -> Replacement:
    return Replacement(surface_words, tuple(map(stem, surface_words)), weight)


def _joined(surface_words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Adjacent words, and their concatenation; two numbers are not concatenated."""
    for left, right in pairwise(surface_words):
        if not (left + right).isdigit():
            yield left, right, left + right
