"""How a query has to be relaxed until an item has all remaining words.

In this order: as typed (a translation counts as the word itself); with unknown words corrected;
without words that only qualify, such as colours, before others, the head noun last; by embedding
similarity alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex
from towers.text.parsed_query import (
    ParsedQuery,
    Replacement,
    Role,
    Synonym,
    Term,
    best_replacement,
)
from towers.text.words import stem, with_word_replaced

_FIRST_COUNT = 20
_WIDENING = 16
_LAST_COUNT = 1_000_000
"""Most matching items that are checked for being allowed."""
_TRIED_WORDS = 6
"""Up to this many words, giving up each single word is tried before giving up several."""
_TRIED_CORRECTIONS = 4
"""Further corrections that are tried where no item has the best one beside the other words."""


class RelaxationKind(IntEnum):
    """Kinds of relaxation; the numbers are those of the API."""

    UNSPECIFIED = 0
    TYPO_CORRECTED = 1
    WORD_DROPPED = 2
    MEANING_ONLY = 3


class Relaxation(NamedTuple):
    """One relaxation: the corrected query, or the dropped word."""

    kind: RelaxationKind
    text: str = ""


class RelaxedQuery(NamedTuple):
    """A query as relaxed until an allowed item has all that is left of it.

    Args:
        relaxations: What was done, as told to visitors; empty where an item has all words, or the product
            code in the query; ``MEANING_ONLY`` alone where no item has what names the thing.
        kept: The terms that are left, with the alternatives that were searched.
        given_up: The other required terms, in the order in which they were given up.
    """

    relaxations: tuple[Relaxation, ...]
    kept: tuple[Term, ...]
    given_up: tuple[Term, ...] = ()


def relaxed_query(
    lexical: LexicalIndex,
    query: ParsedQuery,
    only_allowed: Callable[[np.ndarray], np.ndarray],
    synonyms: tuple[Synonym, ...] = (),
) -> RelaxedQuery:
    """Relaxes a query until an allowed item has all remaining words.

    Words that only qualify are given up before others, and the head noun never, unless no item has it.

    Args:
        lexical: The lexical index of the items.
        query: The query as parsed.
        only_allowed: Filters item rows by what may be shown.
        synonyms: Phrases that count as alternatives of the query's words.
    """
    terms = _terms(query, synonyms)

    def is_matched(required: Sequence[Term]) -> bool:
        requirements = [term.alternatives for term in required]
        count = _FIRST_COUNT
        while True:
            # Fetch more only where none of the first matches is allowed.
            rows = lexical.holders(requirements, count)
            if len(only_allowed(rows)):
                return True
            if len(rows) < count or count >= _LAST_COUNT:
                return False
            count *= _WIDENING

    if is_matched(terms) or _has_code(lexical, query, only_allowed):
        return RelaxedQuery((), tuple(terms))
    corrected = _corrected(lexical, terms, is_matched)
    given_up = _given_up(lexical, corrected, is_matched)
    if given_up is None:
        return RelaxedQuery((Relaxation(RelaxationKind.MEANING_ONLY),), (), tuple(terms))
    dropped = {term.word for term in given_up}
    kept = [term for term in corrected if term.word not in dropped]
    mended = {one.word for one, typed in zip(corrected, terms, strict=True) if one is not typed}
    text = query.normalised
    for term in kept:
        if term.word in mended:
            text = with_word_replaced(text, term.word, term.corrections[0].text)
    told = [Relaxation(RelaxationKind.TYPO_CORRECTED, text)] if text != query.normalised else []
    told += [Relaxation(RelaxationKind.WORD_DROPPED, term.word) for term in given_up]
    return RelaxedQuery(tuple(told), tuple(kept), tuple(given_up))


def relaxations(
    lexical: LexicalIndex,
    query: ParsedQuery,
    only_allowed: Callable[[np.ndarray], np.ndarray],
    synonyms: tuple[Synonym, ...] = (),
) -> tuple[Relaxation, ...]:
    """The relaxations of ``relaxed_query``."""
    return relaxed_query(lexical, query, only_allowed, synonyms).relaxations


def _terms(query: ParsedQuery, synonyms: tuple[Synonym, ...]) -> list[Term]:
    """The required terms of a query, with synonym phrases among their alternatives."""
    terms = []
    for term in query.terms:
        if term.is_required:
            phrases = [one.phrase for one in synonyms if stem(term.word) in one.stems]
            terms.append(term._replace(alternatives=(*term.alternatives, *phrases)))
    return terms


def _has_code(
    lexical: LexicalIndex, query: ParsedQuery, only_allowed: Callable[[np.ndarray], np.ndarray]
) -> bool:
    if not query.product_codes:
        return False
    rows, scores = lexical.search(query, _FIRST_COUNT)
    return bool(len(only_allowed(rows[scores >= CODE_SCORE])))


def _corrected(
    lexical: LexicalIndex, terms: Sequence[Term], is_matched: Callable[[Sequence[Term]], bool]
) -> list[Term]:
    """The terms, unknown ones with a correction as their only alternative and first correction.

    The best corrections, or others if these stand together in an item and the best ones do not.
    """
    misspelt = {term.word for term in terms if term.corrections and not _is_known(lexical, term)}
    best = [
        _with_correction(term, best_replacement(term.corrections))
        if term.word in misspelt
        else term
        for term in terms
    ]
    if not misspelt or not 1 < len(terms) <= _TRIED_WORDS or is_matched(best):
        return best
    others = [
        (position, correction)
        for position, term in enumerate(best)
        if term.word in misspelt
        for correction in term.corrections[1:]
    ]
    for position, correction in others[:_TRIED_CORRECTIONS]:
        tried = [*best]
        tried[position] = _with_correction(tried[position], correction)
        if is_matched(tried):
            return tried
    return best


def _with_correction(term: Term, correction: Replacement) -> Term:
    others = tuple(other for other in term.corrections if other != correction)
    return term._replace(alternatives=(correction.stems,), corrections=(correction, *others))


def _given_up(
    lexical: LexicalIndex, terms: Sequence[Term], is_matched: Callable[[Sequence[Term]], bool]
) -> list[Term] | None:
    """Terms without which an item has all others; None if none is left that could name a thing.

    Unknown words first. Then a single word if that suffices, else one after the other, by role and of
    one role the rarest first; the head noun last. Of many words so many at once as it takes.
    """
    given_up: list[Term] = []
    left: list[Term] = []
    for term in terms:
        (left if _is_known(lexical, term) else given_up).append(term)
    names_thing = any(term.role >= Role.IN_PHRASE for term in left)
    if any(term.role is Role.HEAD for term in given_up) and not names_thing:
        # "red unicycle" without unicycles: red things are no answer.
        return None
    left.sort(key=lambda term: (term.role, -_rarity(lexical, term)))
    if len(left) > _TRIED_WORDS and not is_matched(left):
        # What is left shrinks from the front, so that matches are monotone.
        count = bisect_left(range(1, len(left)), True, key=lambda n: is_matched(left[n:])) + 1
        count = min(count, len(left) - 1)
        given_up, left = given_up + left[:count], left[count:]
    while left:
        if is_matched(left):
            return given_up
        for term in left[:-1] if len(left) <= _TRIED_WORDS else ():
            if is_matched([other for other in left if other is not term]):
                return [*given_up, term]
        given_up.append(left.pop(0))
    return None


def _is_known(lexical: LexicalIndex, term: Term) -> bool:
    return _rarity(lexical, term) > 0


def _rarity(lexical: LexicalIndex, term: Term) -> float:
    """Inverse document frequency of the most frequent alternative; 0 if no item has any."""
    rarities = [lexical.rarities(stems) for stems in term.alternatives]
    return min((max(of_one) for of_one in rarities if of_one and all(of_one)), default=0.0)
