"""How a query has to be relaxed until an item has all remaining words.

In this order: as typed (a translation counts as the word itself); with unknown words corrected;
without single words, the rarest first; by embedding similarity alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex
from towers.text.parsed_query import ParsedQuery, Synonym, Term, best_replacement
from towers.text.words import stem, with_word_replaced

_FIRST_COUNT = 20
_WIDENING = 16
_LAST_COUNT = 1_000_000
"""Most matching items that are checked for being allowed."""
_TRIED_WORDS = 6
"""Up to this many words, dropping each single word is tried before dropping several."""


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


def relaxations(
    lexical: LexicalIndex,
    query: ParsedQuery,
    only_allowed: Callable[[np.ndarray], np.ndarray],
    synonyms: tuple[Synonym, ...] = (),
) -> tuple[Relaxation, ...]:
    """The relaxations after which an allowed item has all remaining words of a query.

    Args:
        lexical: The lexical index of the items.
        query: The query as parsed.
        only_allowed: Filters item rows by what may be shown.
        synonyms: Phrases that count as alternatives of the query's words.

    Returns:
        Empty where an item has all words, or the product code in the query; ``MEANING_ONLY`` alone
        where no item has any word.
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
        return ()
    relaxed: tuple[Relaxation, ...] = ()
    corrected, text = _corrected(lexical, terms, query)
    if corrected != terms:
        terms, relaxed = corrected, (Relaxation(RelaxationKind.TYPO_CORRECTED, text),)
        if is_matched(terms):
            return relaxed
    dropped = _dropped(lexical, terms, is_matched)
    if dropped is None:
        return (Relaxation(RelaxationKind.MEANING_ONLY),)
    return relaxed + tuple(Relaxation(RelaxationKind.WORD_DROPPED, word) for word in dropped)


def _terms(query: ParsedQuery, synonyms: tuple[Synonym, ...]) -> list[Term]:
    """The terms of a query, with synonym phrases among their alternatives."""
    terms = []
    for term in query.terms:
        phrases = [synonym.phrase for synonym in synonyms if stem(term.word) in synonym.stems]
        terms.append(term._replace(alternatives=(*term.alternatives, *phrases)))
    return terms


def _has_code(
    lexical: LexicalIndex, query: ParsedQuery, only_allowed: Callable[[np.ndarray], np.ndarray]
) -> bool:
    rows, scores = lexical.search(query, _FIRST_COUNT)
    return bool(len(only_allowed(rows[scores >= CODE_SCORE])))


def _corrected(
    lexical: LexicalIndex, terms: list[Term], query: ParsedQuery
) -> tuple[list[Term], str]:
    """The terms with unknown ones corrected, and the text of the corrected query."""
    corrected, text = [], query.normalised
    for term in terms:
        if term.corrections and not _is_known(lexical, term):
            best = best_replacement(term.corrections)
            text = with_word_replaced(text, term.word, best.text)
            term = term._replace(alternatives=(best.stems,))
        corrected.append(term)
    return corrected, text


def _dropped(
    lexical: LexicalIndex, terms: list[Term], is_matched: Callable[[Sequence[Term]], bool]
) -> list[str] | None:
    """Words to drop so that an item has all others; None if no word can be matched.

    Unknown words are dropped first. Then a single word is dropped if that suffices, else the rarest,
    until the rest is matched.
    """
    dropped = [term.word for term in terms if not _is_known(lexical, term)]
    left = [term for term in terms if _is_known(lexical, term)]
    rarest_first = sorted(left, key=lambda term: -_rarity(lexical, term))
    while left:
        if is_matched(left):
            return dropped
        for term in rarest_first if len(left) <= _TRIED_WORDS else ():
            others = [other for other in left if other is not term]
            if others and is_matched(others):
                return [*dropped, term.word]
        rarest = rarest_first.pop(0)
        dropped.append(rarest.word)
        left = [term for term in left if term is not rarest]
    return None


def _is_known(lexical: LexicalIndex, term: Term) -> bool:
    return _rarity(lexical, term) > 0


def _rarity(lexical: LexicalIndex, term: Term) -> float:
    """Inverse document frequency of the most frequent alternative; 0 if no item has any."""
    rarities = [lexical.rarities(stems) for stems in term.alternatives]
    return min((max(of_one) for of_one in rarities if of_one and all(of_one)), default=0.0)
