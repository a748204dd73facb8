"""Reads a query by the words that the items have: corrections, splits and translations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise, product
from types import MappingProxyType

from towers.text import tokens, words
from towers.text.incremental_vocabulary import IncrementalVocabulary
from towers.text.parsed_query import Alternatives, ParsedQuery, Replacement, Term, likeliest
from towers.text.product_codes import numbers_in_query
from towers.text.spelling import Vocabulary
from towers.text.words import cut_text, has_chinese, stem, subwords

_CORRECTION_WEIGHT = 0.8
_TRANSLATION_WEIGHT = 0.9
_RARE_COUNT = 3
"""A word of fewer items may be a slip in a title: its corrections are looked for too."""
_RARE_WEIGHT = 0.4
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to be about all that a query says."""


class QueryRewriter:
    """Reads queries by the words of the items.

    A word that few items or none have in any form is also looked for as what it may be a slip for:
    with letters edited, cut in two, joined with the next, translated, or, being the last, as the
    beginning of a word.

    Args:
        counts: Items by surface word.
        stem_count: How many items have a stem now, exact below a number that is given too; else no
            less than that.
        rarity: Inverse document frequency of a stem now, 0 if no item has it.

    Attributes:
        translations: Words of the items, with weights up to 1, by stems of another language.
    """

    def __init__(
        self,
        counts: Mapping[str, int],
        stem_count: Callable[[str, int], int],
        rarity: Callable[[str], float],
    ) -> None:
        self.translations: Mapping[str, Mapping[str, float]] = {}
        self._stem_count = stem_count
        self._rarity = rarity
        self._vocabulary = Vocabulary(counts)
        self._live_vocabulary = IncrementalVocabulary()

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word, as they were at first."""
        return self._vocabulary.counts

    def take_in(self, surface_words: Collection[str]) -> None:
        """Knows these words too from here on."""
        self._live_vocabulary.take_in(word for word in surface_words if word not in self.counts)

    def likely_beginnings(self, typed: str) -> list[str]:
        """Beginnings of items' words that a word half typed may be a slip for, best first."""
        found = self._vocabulary.likely_beginnings(typed)
        return found + self._live_vocabulary.likely_beginnings(typed)

    def parse(self, text: str) -> ParsedQuery:
        """Reads a query."""
        normalised, words, sizes = cut_text(text)
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
                best = likeliest(others)
                (translations if translated else corrections)[word] = best.text
                added += best.words
        for left, right, joined in joined_words:
            if min(len(left), len(right)) > 1 and self._is_surface_word(joined):
                weights.setdefault(stem(joined), _CORRECTION_WEIGHT)
        # Once each: a Chinese word stands beside its parts, which may mean the same.
        of_added = [stem(word) for one in dict.fromkeys(added) for word in subwords(one)]
        return ParsedQuery(
            text=text,
            normalised=normalised,
            surface_words=surface_words,
            stems=stems,
            sizes=sizes,
            product_codes=frozenset(numbers_in_query(text)),
            has_chinese=has_chinese(text),
            terms=_terms(surface_words, stems, joined_words, replacements),
            translations=MappingProxyType(translations),
            corrections=MappingProxyType(corrections),
            stem_weights=MappingProxyType(weights),
            rarities=tuple([self._rarity(of_word) for of_word in weights]),
            corrected_stems=(*stems[: len(words)], *of_added, *stems[len(words) :]),
        )

    def translated(self, word: str) -> tuple[Replacement, ...]:
        """A word in the other language; a Chinese one that the dictionary lacks by its two parts."""
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
        """What a word that few items or none have may be a slip for."""
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
        # The vocabularies forget nothing, though an item may have lost a word since.
        return tuple([other for other in found if self.are_known(other.stems)])

    def are_known(self, stems: Sequence[str]) -> bool:
        """Whether each of some stems is in an item now."""
        return all(self._stem_count(of_word, _RARE_COUNT) for of_word in stems)

    def _count(self, word: str) -> int:
        """Items that have the word in some form now, counted exactly where they are few."""
        return self._stem_count(stem(word), _RARE_COUNT)

    def _in_dictionary(self, word: str) -> list[Replacement]:
        found = self.translations.get(stem(word), {})
        return [
            _replacement((other,), _TRANSLATION_WEIGHT * share) for other, share in found.items()
        ]

    def _is_surface_word(self, word: str) -> bool:
        return word in self.counts or word in self._live_vocabulary


class _Replacements:
    """Replacements of the words of one query, each worked out once."""

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
        """Whether any of some alternatives has stems that items have."""
        return any(map(self._rewriter.are_known, alternatives))


_AS_TYPED = QueryRewriter({}, lambda stem, enough: enough, lambda stem: 1.0)
"""Without a vocabulary: every word counts as one that many items have."""


@lru_cache(maxsize=4_000)
def parsed_as_typed(text: str) -> ParsedQuery:
    """Reads a query without the items' words: nothing is corrected, and all stems are as rare."""
    return _AS_TYPED.parse(text)


def clear_caches() -> None:
    """Forgets queries, words and token numbers; they are kept only to read them faster."""
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
        # Of overlapping words of a Chinese run the longest, each asked for by its characters:
        # how a run is cut depends on what stands beside it.
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
    """Neighbours, and the one word that they may be in the catalogue; digits make no other number."""
    for left, right in pairwise(surface_words):
        if not (left + right).isdigit():
            yield left, right, left + right
