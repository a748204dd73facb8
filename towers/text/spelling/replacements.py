"""Replacements of the words of one query (forms, translations and corrections), and its terms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        is_settled: Whether so many items have it that no corrections are looked for.
        is_plain: Whether it is searched for as it is and by nothing else.
    """

    forms: tuple[Form, ...]
    translations: tuple[Replacement, ...]
    is_settled: bool
    is_plain: bool

    @classmethod
    def of(
        cls,
        forms: tuple[Form, ...],
        translations: tuple[Replacement, ...],
        *,
        is_settled: bool,
    ) -> Reading:
        """A reading of its parts."""
        return cls(forms, translations, is_settled, is_settled and not forms and not translations)


class Replacements:
    """Replacements of the words of one query, each computed once.

    Args:
        read: Reads a word of the query.
        corrector: Decides the corrections of single words.
        context_corrector: Chooses among them by the other words.
        cut: The query.
    """

    def __init__(
        self,
        read: Callable[[str, CutText], Reading],
        corrector: WordCorrector,
        context_corrector: ContextCorrector,
        cut: CutText,
    ) -> None:
        self._read = read
        self._corrector = corrector
        self._context_corrector = context_corrector
        self._cut = cut
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

    def forms(self, word: str) -> tuple[Form, ...]:
        """Other forms of a word."""
        return self.of(word).forms

    def translations(self, word: str) -> tuple[Replacement, ...]:
        """Translations of a word."""
        return self.of(word).translations

    def corrections(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
        """Spelling corrections of a word, best first.

        Args:
            is_last: Whether the word may be incomplete.
        """
        found = self._corrections.get((word, is_last))
        if found is None:
            found = self._corrections[word, is_last] = self._corrected(word, is_last=is_last)
        return found

    def _corrected(self, word: str, *, is_last: bool) -> tuple[Replacement, ...]:
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
        context = in_context.context(word, (*self._cut.words, *self._cut.sizes))
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
        if replacements.of(word).is_plain:
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
