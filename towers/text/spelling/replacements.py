"""Replacements of the words of one query (forms, translations and corrections), and its terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from towers.text.parsed_query import Alternatives, Replacement, Term
from towers.text.spelling.context_corrector import ContextCorrector
from towers.text.spelling.english_words import FUNCTION_WORDS
from towers.text.spelling.word_corrector import WordCorrector
from towers.text.word_forms import Form
from towers.text.words import CutText, stem
from towers.text.writing.folding import has_chinese

_CORRECTED_LIMIT = 32
"""Distinct words of a query that are corrected; people do not type more."""
_DISTANT_LIMIT = 4
"""Of these, words for which more than one edit is tried, which costs most."""
_IN_CONTEXT_LIMIT = 4
"""Of these, words for which the other words of the query are asked."""


class Reading(NamedTuple):
    """What the items say of a word, whatever stands beside it.

    Args:
        forms: Its other forms.
        translations: Its translations.
        is_settled: Whether so many items have it that no misspelling is looked for.
        is_doubtful: Whether it may be a slip all the same, if no item has it beside the other words.
    """

    forms: tuple[Form, ...]
    translations: tuple[Replacement, ...]
    is_settled: bool
    is_doubtful: bool


class Replacements:
    """Replacements of the words of one query, each computed once.

    Args:
        read: Reads a word of the query.
        corrector: Decides the corrections of single words.
        context_corrector: Chooses among them by the other words.
        cut: The query.
        pairs: Translations by word of neighbours that are translated together.
    """

    def __init__(
        self,
        read: Callable[[str, CutText], Reading],
        corrector: WordCorrector,
        context_corrector: ContextCorrector,
        cut: CutText,
        pairs: Mapping[str, tuple[Replacement, ...]],
    ) -> None:
        self._read = read
        self._corrector = corrector
        self._context_corrector = context_corrector
        self._cut = cut
        self._pairs = pairs
        self._surface_words = (*cut.words, *cut.sizes)
        self._readings: dict[str, Reading] = {}
        self._corrections: dict[tuple[str, bool], tuple[Replacement, ...]] = {}
        self._corrected_left, self._distant_left = _CORRECTED_LIMIT, _DISTANT_LIMIT
        self._in_context_left = _IN_CONTEXT_LIMIT

    def of(self, word: str) -> Reading:
        """What the items say of a word."""
        reading = self._readings.get(word)
        if reading is None:
            reading = self._readings[word] = self._read(word, self._cut)
        return reading

    def is_plain(self, word: str) -> bool:
        """Whether a word is searched for as it is and by nothing else."""
        reading = self.of(word)
        if reading.forms or reading.translations or not reading.is_settled or word in self._pairs:
            return False
        return not (reading.is_doubtful and self._is_apart)

    def forms(self, word: str) -> tuple[Form, ...]:
        """Other forms of a word."""
        return self.of(word).forms

    def translations(self, word: str) -> tuple[Replacement, ...]:
        """Translations of a word, or of it and a neighbour."""
        return self._pairs.get(word) or self.of(word).translations

    def corrections(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        """Spelling corrections of a word, best first.

        Args:
            is_last: Whether the word may be incomplete.
        """
        found = self._corrections.get((word, is_last))
        if found is None:
            found = self._corrections[word, is_last] = self._corrected(word, is_last=is_last)
        return found

    @cached_property
    def _is_apart(self) -> bool:
        return self._context_corrector.is_apart(self._surface_words)

    def _corrected(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        found = self._misspelt(word, is_last=is_last)
        # The cheap question first: whether the words are apart is asked of the index.
        if found or not (self.of(word).is_doubtful and self._is_apart):
            return found
        return self._context_corrector.also_meant(word, self._surface_words)

    def _misspelt(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        if self.of(word).is_settled or not self._corrected_left:
            return ()
        corrector, has_forms = self._corrector, bool(self.forms(word))
        self._corrected_left -= 1
        found = corrector.corrected(word, is_last=is_last)
        # A misspelling may end other words by chance: "ilter" a "prefilter".
        if not (found or has_forms) and self._distant_left and not corrector.count(word):
            self._distant_left -= 1
            found = corrector.distant(word)
        if has_forms or corrector.count(word) or not self._in_context_left or len(found) == 1:
            return found
        self._in_context_left -= 1
        in_context = self._context_corrector
        context = in_context.context(word, self._surface_words)
        if found:
            return in_context.preferred(found, context)
        return in_context.corrected(word, context)

    def are_known(self, alternatives: Alternatives) -> bool:
        """Whether items have all stems of any of the alternatives."""
        return any(map(self._corrector.are_known, alternatives))


def terms_of(
    surface_words: Sequence[str],
    stems: Sequence[str],
    joins: Sequence[tuple[tuple[str, ...], str]],
    replacements: Replacements,
) -> tuple[Term, ...]:
    """The distinct terms of a query, in order, without their roles.

    Args:
        surface_words: Its words.
        stems: Of each of them.
        joins: Neighbouring words, and the word that they are together.
        replacements: Of its words.
    """
    alternatives: dict[str, Alternatives] = {}
    chinese_words = [word for word in surface_words if has_chinese(word)]
    for word, of_word in zip(surface_words, stems, strict=True):
        # Of overlapping words of a Chinese run only the longest.
        others = [other for other in chinese_words if other != word]
        if word in chinese_words and any(word in other for other in others):
            continue
        alternatives[word] = ((of_word,),)
    for parts, joined in joins:
        if not has_chinese(joined):
            of_joined = (stem(joined),)
            for part in dict.fromkeys(parts):
                if part in alternatives:
                    alternatives[part] += (of_joined,)
    terms = []
    for position, (word, to_have) in enumerate(alternatives.items(), 1):
        is_required = word not in FUNCTION_WORDS or len(alternatives) == 1
        if replacements.is_plain(word):
            terms.append(Term(word, to_have, is_required=is_required))
            continue
        to_have += tuple(form.stems for form in replacements.forms(word))
        translations = replacements.translations(word)
        if translations:
            to_have += tuple(other.stems for other in translations)
        is_last = position == len(alternatives)
        corrections: tuple[Replacement, ...] = ()
        if not translations or not replacements.are_known(to_have):
            corrections = replacements.corrections(word, is_last=is_last)
        terms.append(Term(word, to_have, translations, corrections, is_required))
    return tuple(terms)
