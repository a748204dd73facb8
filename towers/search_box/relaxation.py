"""How a query has to be relaxed until an item has all remaining words.

In this order: as typed (a translation counts as the word itself); with unknown words corrected;
without words that only qualify, such as colours, before others, the head noun last; by embedding
similarity alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE, MATCH_COUNT, LexicalIndex
from towers.text.parsed_query import ParsedQuery, Synonym, Term
from towers.text.term_relaxation import TermStatistics, relaxed_terms
from towers.text.words import stem, with_word_replaced

_WIDENING = 16
_LAST_COUNT = 1_000_000
"""Most matching items that are checked for being allowed."""


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

    Args:
        lexical: The lexical index of the items.
        query: The query as parsed.
        only_allowed: Filters item rows by what may be shown.
        synonyms: Phrases that count as alternatives of the query's words.
    """
    terms = _terms(query, synonyms)
    is_usual = not synonyms and not any(term.translations or term.corrections for term in terms)
    if is_usual and _has_any(lexical.complete_rows(query), only_allowed):
        # What was asked here is the match set, which the answer needs anyway.
        return RelaxedQuery((), tuple(terms))

    def is_matched(required: Sequence[Term]) -> bool:
        requirements = [term.alternatives for term in required]
        count = MATCH_COUNT
        while True:
            # Fetch more only where none of the first matches is allowed.
            rows = lexical.holders(requirements, count)
            if len(only_allowed(rows)):
                return True
            if len(rows) < count or count >= _LAST_COUNT:
                return False
            count *= _WIDENING

    if not is_usual and (is_matched(terms) or _has_code(lexical, query, only_allowed)):
        return RelaxedQuery((), tuple(terms))
    relaxed = relaxed_terms(terms, TermStatistics(is_matched, lexical.rarity))
    if not relaxed.kept:
        return RelaxedQuery((Relaxation(RelaxationKind.MEANING_ONLY),), (), relaxed.given_up)
    told = [Relaxation(RelaxationKind.WORD_DROPPED, term.word) for term in relaxed.given_up]
    if relaxed.mended:
        text = query.normalised
        for term in relaxed.mended:
            text = with_word_replaced(text, term.word, term.corrections[0].text)
        told.insert(0, Relaxation(RelaxationKind.TYPO_CORRECTED, text))
    return RelaxedQuery(tuple(told), relaxed.kept, relaxed.given_up)


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
    if not synonyms:
        return [term for term in query.terms if term.is_required]
    terms = []
    for term in query.terms:
        if term.is_required:
            phrases = [one.phrase for one in synonyms if stem(term.word) in one.stems]
            terms.append(term._replace(alternatives=(*term.alternatives, *phrases)))
    return terms


def _has_any(rows: np.ndarray, only_allowed: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether any of the rows is allowed; mostly one of the first is."""
    begin, count = 0, MATCH_COUNT
    while begin < len(rows):
        if len(only_allowed(rows[begin : begin + count])):
            return True
        begin, count = begin + count, count * _WIDENING
    return False


def _has_code(
    lexical: LexicalIndex, query: ParsedQuery, only_allowed: Callable[[np.ndarray], np.ndarray]
) -> bool:
    if not query.product_codes:
        return False
    rows, scores = lexical.search(query, MATCH_COUNT)
    return bool(len(only_allowed(rows[scores >= CODE_SCORE])))
