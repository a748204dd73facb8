"""Words that came in with live changes, looked up as those that were there at first."""

from __future__ import annotations

from collections.abc import Iterable

from towers.text.spelling import Vocabulary, edit_distance, two_words, weighed

_GROWTH = 4
_SMALLEST_COUNT = 1_000
_FARTHEST = 3


class IncrementalVocabulary:
    """A ``Vocabulary`` that takes words in, each as of one item.

    The words are spread over vocabularies of which each has at least four times the words of the
    next, the last aside while it is small: what comes in rebuilds small ones, and a large one only
    when there are a quarter as many words again (Bentley and Saxe 1980).
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._levels: tuple[Vocabulary, ...] = ()

    def __contains__(self, word: str) -> bool:
        return word in self._counts

    def take_in(self, words: Iterable[str]) -> None:
        """Knows these words too from here on."""
        new = dict.fromkeys((word for word in words if word not in self._counts), 1)
        if not new:
            return
        self._counts.update(new)
        levels = list(self._levels)
        while levels and len(levels[-1].counts) < max(_GROWTH * len(new), _SMALLEST_COUNT):
            new = {**levels.pop().counts, **new}
        self._levels = (*levels, Vocabulary(new))

    def corrections(self, word: str, limit: int = 3) -> list[tuple[str, float]]:
        """As of ``Vocabulary``."""
        return weighed([found for level in self._levels for found in level.scored(word)], limit)

    def likely_beginnings(self, typed: str, limit: int = 3) -> list[str]:
        """As of ``Vocabulary``."""
        found = {
            beginning for level in self._levels for beginning in level.likely_beginnings(typed)
        }
        edits = {beginning: edit_distance(typed, beginning, _FARTHEST) for beginning in found}
        return sorted(found, key=lambda beginning: (edits[beginning], beginning))[:limit]

    def parts(self, word: str) -> tuple[str, str] | None:
        """As of ``Vocabulary``."""
        return two_words(word, self._counts)

    def completions(self, beginning: str, limit: int = 3) -> list[str]:
        """As of ``Vocabulary``."""
        found = [word for level in self._levels for word in level.completions(beginning, limit)]
        return sorted(found)[:limit]
