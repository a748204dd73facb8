"""A query, parsed once; every stage reads the same result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from towers.text.understood import NO_CONDITIONS, QueryConditions, Understood

Alternatives = tuple[tuple[str, ...], ...]
"""Alternatives for one term: an item must have all stems of one of them."""


class Synonym(NamedTuple):
    """Words of a query, and a phrase that finds the same items.

    Args:
        stems: Stems that the query must have.
        phrase: Stems of the phrase.
    """

    stems: frozenset[str]
    phrase: tuple[str, ...]


class Replacement(NamedTuple):
    """A replacement of a word: a translation or a correction.

    Args:
        words: One surface word, or two that are both required.
        stems: Their stems.
        weight: At most 1, the weight of a word as typed.
    """

    words: tuple[str, ...]
    stems: tuple[str, ...]
    weight: float

    @property
    def text(self) -> str:
        """The words with blanks between."""
        return " ".join(self.words)


class Role(IntEnum):
    """What a word does in a query; the lower, the sooner it is given up."""

    PRAISE = 0
    WEARER = 1
    LOOK = 2
    NUMBER = 3
    IN_PHRASE = 4
    """Behind a preposition: "case for a phone"."""
    OTHER = 5
    BRAND = 6
    HEAD = 7
    """Names the thing itself."""


class Term(NamedTuple):
    """A word of a query, and the alternatives that match it.

    Args:
        word: The surface word.
        alternatives: The word as typed, joined with its neighbour, or translated.
        translations: Into the other language, where the dictionary has the word.
        corrections: Spelling corrections, best of each kind first; none where many items have the word
            or an item has its translation.
        is_required: False for function words, which an item need not have.
        role: What the word does in the query, by ``head_noun``.
    """

    word: str
    alternatives: Alternatives
    translations: tuple[Replacement, ...] = ()
    corrections: tuple[Replacement, ...] = ()
    is_required: bool = True
    role: Role = Role.OTHER


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The text of a query, parsed; deeply immutable.

    Args:
        text: As typed.
        normalised: With case, width and compatibility forms folded.
        surface_words: In order, numbers and units normalised; sizes last.
        stems: Of each surface word.
        sizes: Those of the surface words that are sizes, such as ``2x4``.
        product_codes: Parts that may be an item's id or product code, without hyphens.
        has_chinese: Whether any of it is Chinese.
        terms: The distinct terms; of overlapping Chinese words only the longest.
        head_term: The one of the terms that names the thing itself; None where there is none.
        translations: Best translation of each surface word that no item has.
        corrections: Best correction of each other surface word that no item has.
        stem_weights: Stems to search for: weight 1 as typed, in order, then replacements below 1.
        rarities: Inverse document frequency of each of them.
        groups: Stems that count only where one field has all of them, with the weight of the whole
            group: parts of a word that items may write in several, or that is written without blanks.
        spellings: As typed, by stem, of the words that folding has changed.
        corrected_stems: Input of the query tower: ``stems``, with those of ``translations`` and
            ``corrections``, and the best correction of words of few items, before the sizes.
        conditions: The parts that are conditions; they are in ``text`` and ``normalised`` only.
        names: The names of brands, colours, sizes and categories among the words.

    Attributes:
        searched_text: The text that the words are from: ``text`` without its conditions.
        is_condition_only: Whether there are conditions and no words besides them.
    """

    text: str
    normalised: str
    surface_words: tuple[str, ...]
    stems: tuple[str, ...]
    sizes: tuple[str, ...]
    product_codes: frozenset[str]
    has_chinese: bool
    terms: tuple[Term, ...]
    head_term: Term | None
    translations: Mapping[str, str]
    corrections: Mapping[str, str]
    stem_weights: Mapping[str, float]
    rarities: tuple[float, ...]
    groups: Mapping[tuple[str, ...], float]
    spellings: Mapping[str, str]
    corrected_stems: tuple[str, ...]
    conditions: QueryConditions = NO_CONDITIONS
    names: tuple[Understood, ...] = ()
    searched_text: str = field(init=False, compare=False)
    is_condition_only: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # On the path of every request, which asks dozens of times.
        applied = self.conditions.applied
        searched = self.conditions.searched_text if applied else self.text
        object.__setattr__(self, "searched_text", searched)
        object.__setattr__(self, "is_condition_only", bool(applied) and not self.surface_words)

    def __hash__(self) -> int:
        # What is computed of a query alone can be kept by it.
        return hash((self.text, self.searched_text))

    @property
    def understood(self) -> tuple[Understood, ...]:
        """The conditions and the names together."""
        return (*self.conditions.parts, *self.names)

    @property
    def requirements(self) -> tuple[Alternatives, ...]:
        """The alternatives of each required term, replacements included."""
        return tuple(
            tuple(
                dict.fromkeys(
                    (
                        *term.alternatives,
                        *(other.stems for other in term.translations or term.corrections),
                    )
                )
            )
            for term in self.terms
            if term.is_required
        )


def best_replacement(replacements: tuple[Replacement, ...]) -> Replacement:
    """The replacement of the greatest weight, the first of equal ones; not for an empty tuple."""
    return max(replacements, key=lambda one: one.weight)
