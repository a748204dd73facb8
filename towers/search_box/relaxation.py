"""How far a query had to be relaxed until an item holds its words, told in a stated order.

First as typed, a word of the other language counting as its translation; then with words corrected
that no item has; then without one word after another, the rarest first; at last by meaning alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from towers.indexes.lexical_index import CODE_SCORE, LexicalIndex
from towers.text.parsed_query import ParsedQuery, Synonym, Term, likeliest
from towers.text.words import stem, with_word_replaced

_FIRST_COUNT = 20
_WIDENING = 16
_LAST_COUNT = 1_000_000
"""Where none of so many items may be shown, further ones are not looked at."""
_TRIED_WORDS = 6
"""Up to this many words every single one is left out in turn, before more than one is."""


class RelaxationKind(IntEnum):
    """What was given up; the numbers are those of the wire."""

    UNSPECIFIED = 0
    TYPO_CORRECTED = 1
    WORD_DROPPED = 2
    MEANING_ONLY = 3


class Relaxation(NamedTuple):
    """One thing that was given up: the corrected query, or the word that was left out."""

    kind: RelaxationKind
    text: str = ""


def relaxations(
    lexical: LexicalIndex,
    query: ParsedQuery,
    only_allowed: Callable[[np.ndarray], np.ndarray],
    synonyms: tuple[Synonym, ...] = (),
) -> tuple[Relaxation, ...]:
    """What of a query had to be given up until an allowed item holds the rest of its words.

    Args:
        lexical: The words of the items.
        query: What was typed.
        only_allowed: Of item rows, those that may be shown.
        synonyms: Phrases that count as words of the query too.

    Returns:
        Nothing where an item holds all words, or has the number that is asked for;
        ``MEANING_ONLY`` alone where none holds any.
    """
    terms = _terms(query, synonyms)

    def is_held(wanted: Sequence[Term]) -> bool:
        requirements = [term.alternatives for term in wanted]
        count = _FIRST_COUNT
        while True:
            # All that were found first may be out of bounds: only then more are looked at.
            rows = lexical.holders(requirements, count)
            if len(only_allowed(rows)):
                return True
            if len(rows) < count or count >= _LAST_COUNT:
                return False
            count *= _WIDENING

    if is_held(terms) or _has_code(lexical, query, only_allowed):
        return ()
    given_up: tuple[Relaxation, ...] = ()
    corrected, text = _corrected(lexical, terms, query)
    if corrected != terms:
        terms, given_up = corrected, (Relaxation(RelaxationKind.TYPO_CORRECTED, text),)
        if is_held(terms):
            return given_up
    dropped = _dropped(lexical, terms, is_held)
    if dropped is None:
        return (Relaxation(RelaxationKind.MEANING_ONLY),)
    return given_up + tuple(Relaxation(RelaxationKind.WORD_DROPPED, word) for word in dropped)


def _terms(query: ParsedQuery, synonyms: tuple[Synonym, ...]) -> list[Term]:
    """The terms of a query, phrases of synonyms among what will do for each."""
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
    """The terms with those corrected that no item has, and the text of the query so corrected."""
    corrected, text = [], query.normalised
    for term in terms:
        if term.corrections and not _is_known(lexical, term):
            best = likeliest(term.corrections)
            text = with_word_replaced(text, term.word, best.text)
            term = term._replace(alternatives=(best.stems,))
        corrected.append(term)
    return corrected, text


def _dropped(
    lexical: LexicalIndex, terms: list[Term], is_held: Callable[[Sequence[Term]], bool]
) -> list[str] | None:
    """Words to leave out so that an item holds the others; None if not even one is held.

    Words that no item has go first. Then one word is left out that alone stands in the way, or
    else the rarest, until the rest is held.
    """
    dropped = [term.word for term in terms if not _is_known(lexical, term)]
    left = [term for term in terms if _is_known(lexical, term)]
    rarest_first = sorted(left, key=lambda term: -_rarity(lexical, term))
    while left:
        if is_held(left):
            return dropped
        for term in rarest_first if len(left) <= _TRIED_WORDS else ():
            others = [other for other in left if other is not term]
            if others and is_held(others):
                return [*dropped, term.word]
        rarest = rarest_first.pop(0)
        dropped.append(rarest.word)
        left = [term for term in left if term is not rarest]
    return None


def _is_known(lexical: LexicalIndex, term: Term) -> bool:
    return _rarity(lexical, term) > 0


def _rarity(lexical: LexicalIndex, term: Term) -> float:
    """Inverse document frequency of the commonest alternative; 0 if no item has any."""
    rarities = [lexical.rarities(stems) for stems in term.alternatives]
    return min((max(of_one) for of_one in rarities if of_one and all(of_one)), default=0.0)
