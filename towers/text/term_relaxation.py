"""Which terms of a query are corrected and given up until items match all that are left.

Unknown words first, then words that only qualify, then others, the head noun last; the roles are those
of ``head_noun``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from towers.text.parsed_query import Replacement, Role, Term, best_replacement

_TRIED_WORDS = 6
"""Up to this many words, giving up each single word is tried before giving up several."""
_TRIED_CORRECTIONS = 4
"""Further corrections that are tried where no item has the best one beside the other words."""


class TermStatistics(NamedTuple):
    """What is asked of the index.

    Args:
        is_matched: Whether an item has all of some terms.
        rarity: Inverse document frequency of a term, 0 if no item has it.
    """

    is_matched: Callable[[Sequence[Term]], bool]
    rarity: Callable[[Term], float]


class RelaxedTerms(NamedTuple):
    """The required terms of a query, relaxed.

    Args:
        kept: The terms that are left, with the alternatives that are searched; empty where no term is
            left that could name a thing.
        mended: Those of them that were corrected, the correction first.
        given_up: The other terms as typed, in the order in which they were given up.
    """

    kept: tuple[Term, ...]
    mended: tuple[Term, ...]
    given_up: tuple[Term, ...]


def relaxed_terms(terms: Sequence[Term], statistics: TermStatistics) -> RelaxedTerms:
    """Relaxes terms that no item has together."""
    corrected = _corrected(terms, statistics)
    given_up = _given_up(corrected, statistics)
    if given_up is None and len(terms) <= _TRIED_WORDS:
        # Allowed items may lack a word that others have, or both parts of a split one.
        alone = {term.word for term in corrected if statistics.is_matched([term])}

        def rarity(term: Term) -> float:
            return statistics.rarity(term) if term.word in alone else 0.0

        given_up = _given_up(corrected, statistics._replace(rarity=rarity))
    if given_up is None:
        return RelaxedTerms((), (), tuple(terms))
    dropped = {term.word for term in given_up}
    pairs = [pair for pair in zip(terms, corrected, strict=True) if pair[0].word not in dropped]
    return RelaxedTerms(
        kept=tuple([term for _, term in pairs]),
        mended=tuple([term for typed, term in pairs if term is not typed]),
        given_up=tuple(given_up),
    )


def leading_terms(terms: Sequence[Term], statistics: TermStatistics) -> tuple[Term, ...]:
    """The terms that the first items of an answer must have; empty where scores alone decide.

    Where no item has all required terms, and only words that qualify were given up, such as colours:
    red things are no answer to "red dress". Of other words no order of importance is sure enough.
    """
    required = [term for term in terms if term.is_required]
    roles = [term.role for term in required]
    if not roles or min(roles) > Role.IN_PHRASE or max(roles) <= Role.IN_PHRASE:
        return ()
    if statistics.is_matched(required):
        return ()
    relaxed = relaxed_terms(required, statistics)
    if any(term.role > Role.IN_PHRASE for term in relaxed.given_up):
        return ()
    return relaxed.kept if relaxed.given_up else ()


def _corrected(terms: Sequence[Term], statistics: TermStatistics) -> list[Term]:
    """The terms, unknown ones with a correction as their only alternative and first correction.

    The best corrections, or others if these stand together in an item and the best ones do not. Where
    all are known, one with a correction that completes the rest.
    """
    misspelt = {term.word for term in terms if term.corrections and not statistics.rarity(term)}
    best = [
        _with_correction(term, best_replacement(term.corrections))
        if term.word in misspelt
        else term
        for term in terms
    ]
    if len(terms) > _TRIED_WORDS:
        return best
    if not misspelt:
        return next(_completed(terms, statistics), best)
    if statistics.is_matched(best):
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
        if statistics.is_matched(tried):
            return tried
    return best


def _completed(terms: Sequence[Term], statistics: TermStatistics) -> Iterator[list[Term]]:
    """The terms with the best correction of one of them, where items have all of these."""
    for position, term in enumerate(terms):
        if term.corrections:
            tried = [*terms]
            tried[position] = _with_correction(term, best_replacement(term.corrections))
            if statistics.is_matched(tried):
                yield tried


def _with_correction(term: Term, correction: Replacement) -> Term:
    others = tuple(other for other in term.corrections if other != correction)
    return term._replace(alternatives=(correction.stems,), corrections=(correction, *others))


def _given_up(terms: Sequence[Term], statistics: TermStatistics) -> list[Term] | None:
    """Terms without which an item has all others; None if none is left that could name a thing.

    A single word if that suffices, else one after the other, by role and of one role the rarest first;
    of many words so many at once as it takes.
    """
    is_matched = statistics.is_matched
    rarities = {term.word: statistics.rarity(term) for term in terms}
    given_up = [term for term in terms if not rarities[term.word]]
    left = [term for term in terms if rarities[term.word]]
    has_lost_head = any(term.role is Role.HEAD for term in given_up)
    if has_lost_head and all(term.role <= Role.NUMBER for term in left):
        # "red unicycle" without unicycles: red things are no answer.
        return None
    left.sort(key=lambda term: (term.role, -rarities[term.word]))
    if len(left) > _TRIED_WORDS and not is_matched(left):
        # What is left shrinks from the front, so matching is monotone.
        sizes = range(1, len(left) - 1)
        count = 1 + bisect_left(sizes, True, key=lambda size: is_matched(left[size:]))
        given_up, left = given_up + left[:count], left[count:]
    while left:
        if is_matched(left):
            return given_up
        for term in left[:-1] if len(left) <= _TRIED_WORDS else ():
            if is_matched([other for other in left if other is not term]):
                return [*given_up, term]
        given_up.append(left.pop(0))
    return None
