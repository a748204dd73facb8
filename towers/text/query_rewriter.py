"""Parses queries by the vocabulary of the items: correction, splitting, translation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise, product
from types import MappingProxyType

from towers.text import tokens, words
from towers.text.head_noun import WordShares, unknown_shares, with_roles
from towers.text.parsed_query import (
    Alternatives,
    ParsedQuery,
    Replacement,
    Role,
    Term,
    best_replacement,
)
from towers.text.product_codes import numbers_in_query
from towers.text.spelling.context_corrector import ContextCorrector
from towers.text.spelling.english_words import FUNCTION_WORDS, ordinary_english_words
from towers.text.spelling.word_corrector import CORRECTION_WEIGHT, WordCorrector, replacement
from towers.text.understood import NO_CONDITIONS, QueryConditions, Understood
from towers.text.word_forms import Compounds, Form, forms, joined_parts
from towers.text.words import CutText, cut_text, stem, subwords
from towers.text.writing.folding import has_chinese, normalise

_TRANSLATION_WEIGHT = 0.9
_CORRECTED_LIMIT = 32
"""Distinct words of a query that are corrected; people do not type more."""
_DISTANT_LIMIT = 4
"""Of these, words for which more than one edit is tried, which costs most."""
_IN_CONTEXT_LIMIT = 4
"""Of these, words for which the other words of the query are asked."""


class QueryRewriter:
    """Parses queries by the words of the items.

    A word that few items or none have in any form is also searched for by replacements: corrected,
    split in two, joined with the next, translated, or, for the last word, completed.

    Args:
        counts: Items by surface word.
        stem_count: Current number of items with a stem, given a bound: exact below the bound, else
            at least the bound.
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
        stem_count: Callable[[str, int], int],
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

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as of the build of the index."""
        return self.corrector.counts

    def take_in(self, surface_words: Collection[str]) -> None:
        """Adds words of live changes."""
        self.corrector.take_in(surface_words)
        self._compounds.take_in(surface_words)

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
        replacements = _Replacements(self, cut)
        weights = dict.fromkeys(stems, 1.0)
        groups: dict[tuple[str, ...], float] = {}
        translations: dict[str, str] = {}
        corrections: dict[str, str] = {}
        added: list[str] = []
        for position, word in enumerate(surface_words, 1):
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
            if _may_be_one(parts) and joined in self.corrector:
                weights.setdefault(stem(joined), CORRECTION_WEIGHT)
        terms = with_roles(_terms(surface_words, stems, joins, replacements), self._shares_of)
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

    def translated_pairs(
        self, surface_words: Sequence[str]
    ) -> Iterator[tuple[tuple[str, str], tuple[Replacement, ...]]]:
        """Adjacent words that the dictionary translates together, such as ``desk lamp``."""
        for left, right in pairwise(surface_words) if self.translations else ():
            found = self._in_dictionary(f"{stem(left)} {stem(right)}")
            if found:
                yield (left, right), tuple(found)

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


class _Replacements:
    """Replacements of the words of one query, each computed once."""

    def __init__(self, rewriter: QueryRewriter, cut: CutText) -> None:
        self._rewriter = rewriter
        self._cut = cut
        self._forms: dict[str, list[Form]] = {}
        self._translations: dict[str, tuple[Replacement, ...]] = {}
        for pair, translated in rewriter.translated_pairs(cut.words):
            self._translations.update(dict.fromkeys(pair, translated))
        self._corrections: dict[tuple[str, bool], tuple[Replacement, ...]] = {}
        self._corrected_left, self._distant_left = _CORRECTED_LIMIT, _DISTANT_LIMIT
        self._in_context_left = _IN_CONTEXT_LIMIT

    def forms(self, word: str) -> list[Form]:
        found = self._forms.get(word)
        if found is None:
            found = self._forms[word] = self._rewriter.forms(word, self._cut)
        return found

    def translations(self, word: str) -> tuple[Replacement, ...]:
        found = self._translations.get(word)
        if found is None:
            found = self._translations[word] = self._rewriter.translated(word)
        return found

    def corrections(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        found = self._corrections.get((word, is_last))
        if found is None:
            found = self._corrections[word, is_last] = self._corrected(word, is_last=is_last)
        return found

    def _corrected(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        found = self._misspelt(word, is_last=is_last)
        in_context = self._rewriter.context_corrector
        # The cheap questions first: whether the words are apart is asked of the index.
        if found or not in_context.is_doubtful(word) or not self._is_apart:
            return found
        return in_context.also_meant(word, self._surface_words)

    @cached_property
    def _surface_words(self) -> tuple[str, ...]:
        return (*self._cut.words, *self._cut.sizes)

    @cached_property
    def _is_apart(self) -> bool:
        return self._rewriter.context_corrector.is_apart(self._surface_words)

    def _misspelt(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        corrector = self._rewriter.corrector
        has_forms = bool(self.forms(word))
        if has_forms and corrector.count(word):
            return ()
        if not (self._corrected_left and corrector.is_rare(word)):
            return ()
        self._corrected_left -= 1
        found = corrector.corrected(word, is_last=is_last)
        # A misspelling may end other words by chance: "ilter" a "prefilter".
        if not (found or has_forms) and self._distant_left and not corrector.count(word):
            self._distant_left -= 1
            found = corrector.distant(word)
        if has_forms or corrector.count(word) or not self._in_context_left or len(found) == 1:
            return found
        self._in_context_left -= 1
        in_context = self._rewriter.context_corrector
        context = in_context.context(word, self._surface_words)
        if found:
            return in_context.preferred(found, context)
        return in_context.corrected(word, context)

    def are_known(self, alternatives: Alternatives) -> bool:
        """Whether items have all stems of any of the alternatives."""
        return any(map(self._rewriter.corrector.are_known, alternatives))


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
    joins: Sequence[tuple[tuple[str, ...], str]],
    replacements: _Replacements,
) -> tuple[Term, ...]:
    alternatives: dict[str, Alternatives] = {}
    chinese_words = [word for word in surface_words if has_chinese(word)]
    for word, of_word in zip(surface_words, stems, strict=True):
        # Of overlapping words of a Chinese run only the longest.
        is_inside = any(word in other and word != other for other in chinese_words)
        if not (is_inside and word in chinese_words):
            alternatives[word] = ((of_word,),)
    for parts, joined in joins:
        if not has_chinese(joined):
            for part in alternatives.keys() & parts:
                alternatives[part] += ((stem(joined),),)
    terms = []
    for position, (word, to_have) in enumerate(alternatives.items(), 1):
        to_have += tuple(form.stems for form in replacements.forms(word))
        translations = replacements.translations(word)
        if translations:
            to_have += tuple(other.stems for other in translations)
        is_last = position == len(alternatives)
        corrections: tuple[Replacement, ...] = ()
        if not translations or not replacements.are_known(to_have):
            corrections = replacements.corrections(word, is_last=is_last)
        is_required = word not in FUNCTION_WORDS or len(alternatives) == 1
        terms.append(Term(word, to_have, translations, corrections, is_required))
    return tuple(terms)


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
