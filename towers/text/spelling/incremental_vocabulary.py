"""A vocabulary that takes in words of live changes, with the look-ups of ``Vocabulary``."""

from __future__ import annotations

from collections.abc import Iterable

from towers.text.spelling.vocabulary import Candidate, Vocabulary, compound_parts, edit_distance

_GROWTH = 4
_LEAST_COUNT = 1_000
_EDIT_LIMIT = 3


class IncrementalVocabulary:
    """A ``Vocabulary`` that takes words in, each as of one item.

    Logarithmic method (Bentley and Saxe 1980): the words are in levels, each at least four times as
    large as the next (small ones excepted), so that an insertion rebuilds only small levels.

    Attributes:
        counts: Items by word: 1 for each.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._levels: tuple[Vocabulary, ...] = ()

    def take_in(self, words: Iterable[str]) -> None:
        """Adds words."""
        new = dict.fromkeys((word for word in words if word not in self.counts), 1)
        if not new:
            return
        self.counts.update(new)
        levels = list(self._levels)
        while levels and len(levels[-1].counts) < max(_GROWTH * len(new), _LEAST_COUNT):
            new = {**levels.pop().counts, **new}
        self._levels = (*levels, Vocabulary(new))

    def nearby(self, word: str) -> list[Candidate]:
        """As in ``Vocabulary``."""
        return [found for level in self._levels for found in level.nearby(word)]

    def distant(self, word: str) -> list[Candidate]:
        """As in ``Vocabulary``."""
        return [found for level in self._levels for found in level.distant(word)]

    def prefix_corrections(self, typed: str, limit: int = 3) -> list[str]:
        """As in ``Vocabulary``."""
        found = {prefix for level in self._levels for prefix in level.prefix_corrections(typed)}
        edits = {prefix: edit_distance(typed, prefix, _EDIT_LIMIT) for prefix in found}
        return sorted(found, key=lambda prefix: (edits[prefix], prefix))[:limit]

    def parts(self, word: str) -> tuple[str, str] | None:
        """As in ``Vocabulary``."""
        return compound_parts(word, self.counts)

    def completions(self, prefix: str, limit: int = 3) -> list[str]:
        """As in ``Vocabulary``."""
        found = [word for level in self._levels for word in level.completions(prefix, limit)]
        return sorted(found)[:limit]
