"""A query as it is read, once, for everybody who asks for something of its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Alternatives = tuple[tuple[str, ...], ...]
"""What will do for one thing that is asked for: an item must have all stems of one of them."""


class Synonym(NamedTuple):
    """Words of a query, and a phrase by which the same items may be found.

    Args:
        stems: Those that a query must have.
        phrase: Stems of the phrase.
    """

    stems: frozenset[str]
    phrase: tuple[str, ...]


class Replacement(NamedTuple):
    """What may be looked for in place of a word: a translation or a correction.

    Args:
        words: One surface word, or two that are both looked for.
        stems: Their stems.
        weight: Up to 1, that of a word as typed.
    """

    words: tuple[str, ...]
    stems: tuple[str, ...]
    weight: float

    @property
    def text(self) -> str:
        """The words with blanks between."""
        return " ".join(self.words)


class Term(NamedTuple):
    """A word of a query, and what an item may have for it.

    Args:
        word: The surface word.
        alternatives: The word as typed, as one with its neighbour, or translated.
        translations: The same in the other language, where the dictionary has it.
        corrections: What it may be a slip for, best guesses of each kind first; none where many
            items have the word or an item has its translation.
        is_required: False for function words, which an item need not have.
    """

    word: str
    alternatives: Alternatives
    translations: tuple[Replacement, ...] = ()
    corrections: tuple[Replacement, ...] = ()
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The text of a query, read once; frozen all the way down.

    Args:
        text: As typed.
        normalised: With case, width and compatibility forms folded.
        surface_words: In order, numbers and units in one form; sizes last.
        stems: Of each surface word.
        sizes: Those of the surface words that are sizes, such as ``2x4``.
        product_codes: What in it may be the key or number of an item, without hyphens.
        has_chinese: Whether any of it is Chinese.
        terms: Each thing that is asked for once: of overlapping Chinese words the longest alone.
        translations: What surface words that no item has are in the other language.
        corrections: What other surface words that no item has were most likely meant to be.
        stem_weights: Stems to look for: 1 as typed, in their order, then less for replacements.
        rarities: Inverse document frequency of each of them.
        corrected_stems: What the query tower reads: ``stems``, with those of ``translations`` and
            ``corrections`` before the sizes.
    """

    text: str
    normalised: str
    surface_words: tuple[str, ...]
    stems: tuple[str, ...]
    sizes: tuple[str, ...]
    product_codes: frozenset[str]
    has_chinese: bool
    terms: tuple[Term, ...]
    translations: Mapping[str, str]
    corrections: Mapping[str, str]
    stem_weights: Mapping[str, float]
    rarities: tuple[float, ...]
    corrected_stems: tuple[str, ...]

    @property
    def requirements(self) -> tuple[Alternatives, ...]:
        """For each term that an item must have, what will do for it, replacements included."""
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


def likeliest(replacements: tuple[Replacement, ...]) -> Replacement:
    """The one of the greatest weight, of several the first; there must be one."""
    return max(replacements, key=lambda one: one.weight)
