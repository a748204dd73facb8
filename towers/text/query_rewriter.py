"""Parses queries by the vocabulary of the items: correction, splitting, translation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise, product
from types import MappingProxyType

from towers.text import tokens, words
from towers.text.head_noun import WordShares, unknown_shares, with_roles
from towers.text.parsed_query import (
    ParsedQuery,
    Replacement,
    Role,
    best_replacement,
)
from towers.text.product_codes import numbers_in_query
from towers.text.spelling.context_corrector import ContextCorrector
from towers.text.spelling.english_words import FUNCTION_WORDS, ordinary_english_words
from towers.text.spelling.replacements import Reading, Replacements, terms_of
from towers.text.spelling.word_corrector import CORRECTION_WEIGHT, WordCorrector, replacement
from towers.text.understood import NO_CONDITIONS, QueryConditions, Understood
from towers.text.word_forms import Compounds, Form, forms, joined_parts
from towers.text.words import CutText, cut_text, stem, subwords
from towers.text.writing.folding import has_chinese, normalise

_TRANSLATION_WEIGHT = 0.9
_KEPT_LIMIT = 20_000
"""Words of the items whose readings are kept; some 500 bytes each."""
_FREQUENT_COUNT = 4_000
"""Of the words of a grocer's titles 99 in 100 are among so many."""


class QueryRewriter:
    """Parses queries by the words of the items.

    A word that few items or none have in any form is also searched for by replacements: corrected,
    split in two, joined with the next, translated, or, for the last word, completed.

    Args:
        counts: Items by surface word.
        stem_count: Current number of items with a stem.
        rarity: Current inverse document frequency of a stem, 0 if no item has it.
        common_words: Words of ordinary English, which are not misspellings.
        shares_of: How often a stem names a thing or a brand.
        has_all: Whether some item has all of some stems.

    Attributes:
        corrector: Decides the corrections of single words.
        context_corrector: Chooses among them by the other words.
        translations: Words of the items, with weights up to 1, by one or two stems of another
            language; of two words, blanks between.
        conditions_in: The conditions in a text.
        names_in: The names of the catalogue in surface words.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        stem_count: Callable[[str], int],
        rarity: Callable[[str], float],
        common_words: Collection[str] = (),
        shares_of: Callable[[str], WordShares] = unknown_shares,
        *,
        has_all: Callable[[tuple[str, ...]], bool] = lambda stems: True,
    ) -> None:
        self.translations: Mapping[str, Mapping[str, float]] = {}
        self.conditions_in: Callable[[str], QueryConditions] = lambda text: NO_CONDITIONS
        self.names_in: Callable[[Sequence[str]], tuple[Understood, ...]] = lambda words: ()
        self._rarity = rarity
        self._shares_of = shares_of
        self._has_all = has_all
        self._common_words = common_words
        self.corrector = WordCorrector(counts, stem_count, common_words)
        self.context_corrector = ContextCorrector(
            self.corrector, has_all, ordinary_english_words() & frozenset(common_words)
        )
        self._compounds = Compounds(counts)
        self.forget()

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as of the build of the index."""
        return self.corrector.counts

    def take_in(self, surface_words: Collection[str]) -> None:
        """Adds words of live changes."""
        self.corrector.take_in(surface_words)
        self._compounds.take_in(surface_words)

    def warm_up(self) -> None:
        """Reads the words that most items have, so that early queries do not wait for it."""
        counts = self.counts
        for word in nlargest(_FREQUENT_COUNT, counts, key=lambda word: counts[word]):
            self.parse(word)

    def forget(self) -> None:
        """Drops what is kept of single words: to be called whenever items or translations change."""
        # A new dict, since a thread still on the old items may be filling the old one.
        self._readings: dict[str, Reading] = {}

    def parse(self, text: str, *, is_literal: bool = False) -> ParsedQuery:
        """Parses a query; where it is literal, all of it is words to match."""
        conditions = NO_CONDITIONS if is_literal else self.conditions_in(text)
        has_conditions = bool(conditions.applied)
        searched = conditions.searched_text if has_conditions else text
        cut = cut_text(searched)
        words, sizes = cut.words, cut.sizes
        surface_words = words + sizes
        stems = tuple([stem(word) for word in surface_words])
        joins = [*_joined(surface_words), *joined_parts(cut)]
        replacements = Replacements(
            self.read, self.corrector, self.context_corrector, cut, self.translated_pairs(words)
        )
        weights = dict.fromkeys(stems, 1.0)
        groups: dict[tuple[str, ...], float] = {}
        translations: dict[str, str] = {}
        corrections: dict[str, str] = {}
        added: list[str] = []
        for position, word in enumerate(surface_words, 1):
            if replacements.is_plain(word):
                continue
            translated = replacements.translations(word)
            is_last = position == len(surface_words)
            for form in replacements.forms(word):
                if form.is_word:
                    weights.setdefault(form.stems[0], form.weight)
                else:
                    groups[form.stems] = form.weight
            others = translated or replacements.corrections(word, is_last=is_last)
            if not others:
                continue
            for other in others:
                for of_other in other.stems:
                    weights[of_other] = max(weights.get(of_other, 0.0), other.weight)
            best, is_known = best_replacement(others), self.corrector.count(word) > 0
            if not is_known:
                (translations if translated else corrections)[word] = best.text
            if not (is_known and translated):
                added += best.words
        for parts, joined in joins:
            if joined in self.corrector and _may_be_one(parts):
                weights.setdefault(stem(joined), CORRECTION_WEIGHT)
        terms = with_roles(terms_of(surface_words, stems, joins, replacements), self._shares_of)
        # Distinct: a Chinese word and its parts may have the same translation.
        of_added = [stem(word) for one in dict.fromkeys(added) for word in subwords(one)]
        return ParsedQuery(
            text=text,
            normalised=normalise(text) if has_conditions else cut.normalised,
            surface_words=surface_words,
            stems=stems,
            sizes=sizes,
            product_codes=frozenset(numbers_in_query(searched)),
            has_chinese=has_chinese(searched),
            terms=terms,
            head_term=next((term for term in terms if term.role is Role.HEAD), None),
            translations=MappingProxyType(translations),
            corrections=MappingProxyType(corrections),
            stem_weights=MappingProxyType(weights),
            rarities=tuple([self._rarity(of_word) for of_word in weights]),
            groups=MappingProxyType(groups),
            spellings=MappingProxyType({stem(word): cut.spellings[word] for word in cut.spellings}),
            corrected_stems=(*stems[: len(words)], *of_added, *stems[len(words) :]),
            conditions=conditions,
            names=self.names_in(surface_words),
        )

    def read(self, word: str, cut: CutText) -> Reading:
        """What the items say of a word of a query, whatever its other words are."""
        kept, is_respelt = self._readings, word in cut.spellings
        reading = None if is_respelt else kept.get(word)
        if reading is None:
            found = tuple(self.forms(word, cut))
            is_known = self.corrector.count(word) > 0
            is_settled = (is_known and bool(found)) or not self.corrector.is_rare(word)
            reading = Reading(
                found, self.translated(word), is_settled, self.context_corrector.is_doubtful(word)
            )
            # Other words are what visitors typed, and hardly come again.
            if is_known and not is_respelt:
                if len(kept) >= _KEPT_LIMIT:
                    kept.clear()
                kept[word] = reading
        return reading

    def translated_pairs(
        self, surface_words: Sequence[str]
    ) -> Mapping[str, tuple[Replacement, ...]]:
        """Translations by word of adjacent words that the dictionary translates together: desk lamp."""
        by_word: dict[str, tuple[Replacement, ...]] = {}
        for left, right in pairwise(surface_words) if self.translations else ():
            found = self._in_dictionary(f"{stem(left)} {stem(right)}")
            if found:
                by_word[left] = by_word[right] = tuple(found)
        return by_word

    def translated(self, word: str) -> tuple[Replacement, ...]:
        """Translations of a word; of a Chinese compound that the dictionary lacks, by its two parts."""
        if not self.translations:
            return ()
        found = self._in_dictionary(stem(word))
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

    def forms(self, word: str, cut: CutText) -> list[Form]:
        """Other forms of a word that items have now, compounds that end in it included.

        Args:
            cut: The query that the word is from.
        """
        found = forms(word, cut)
        is_foreign = word not in self._common_words and self.corrector.is_rare(word)
        if self._compounds.is_usual or is_foreign:
            found += self._compounds.forms(word)
        known = [form for form in found if self.corrector.are_known(form.stems)]
        if self.corrector.count(word):
            return known
        # Without the word itself, parts must be found together, or it may be a misspelling.
        return [form for form in known if len(form.stems) == 1 or self._has_all(form.stems)]

    def _in_dictionary(self, stems: str) -> list[Replacement]:
        found = self.translations.get(stems, {})
        return [
            replacement(tuple(other.split()), _TRANSLATION_WEIGHT * share)
            for other, share in found.items()
        ]


_AS_TYPED = QueryRewriter({}, lambda stem: sys.maxsize, lambda stem: 1.0)
"""Without a vocabulary: every word is treated as frequent."""


@lru_cache(maxsize=4_000)
def parsed_as_typed(text: str) -> ParsedQuery:
    """Parses a query without a vocabulary: no corrections, and all stems have the same rarity."""
    return _AS_TYPED.parse(text)


def clear_caches() -> None:
    """Clears the caches of queries, words and token numbers."""
    parsed_as_typed.cache_clear()
    _AS_TYPED.forget()
    tokens.clear_caches()
    words.clear_caches()


def _joined(surface_words: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Adjacent words, and their concatenation; two numbers are not concatenated."""
    for left, right in pairwise(surface_words):
        if not (left + right).isdigit():
            yield (left, right), left + right


def _may_be_one(parts: Sequence[str]) -> bool:
    """Whether words may be parts of one: those of ``t shirt`` and ``v 15``, not of ``a round table``."""
    if min(map(len, parts)) > 1:
        return True
    return any(map(str.isalpha, parts)) and FUNCTION_WORDS.isdisjoint(parts)
