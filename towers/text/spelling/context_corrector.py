"""Corrections that the other words of a query speak for.

A word that no item has may be a slip of several words; the one that items have together with the rest of
the query is meant: "stoe pipe" is a stove pipe, "stoe sealer" seals stone. Also short words and names,
which no one would correct without their neighbours, and compounds with a slip in one part. A word that
items have is never replaced; where none has it beside its neighbours, as in "water heather", a more
frequent word that completes the query is searched as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from towers.text.head_noun import modifier_role
from towers.text.parsed_query import Replacement
from towers.text.spelling.english_words import FUNCTION_WORDS
from towers.text.spelling.vocabulary import Candidate
from towers.text.spelling.word_corrector import (
    CORRECTION_WEIGHT,
    RARE_WEIGHT,
    WordCorrector,
    replacement,
    weighted,
)
from towers.text.words import stem
from towers.text.writing.folding import has_chinese

_SHORTEST = 3
_SHORTEST_COMPOUND = 7
_CANDIDATE_COUNT = 6
_OTHERS_LIMIT = 8
"""With more words, only the neighbours are asked for."""
_FREQUENT_COUNT = 10
"""Least number of items that have a part of a compound."""
_LEAST_SHARE = 0.4
"""Least weight of a correction that the context may put first, as a share of the heaviest one's."""
_MEANT_RATIO = 5
"""By how much a word is more frequent than the one that is typed for it, where items have both."""
_BEHIND = 0.6
"""Factor of the weights of corrections that the context does not speak for."""


class Context(NamedTuple):
    """The words of a query around one of them.

    Args:
        others: Stems of all other words that items have, function words and numbers excepted.
        adjacent: Those of them right before and behind.
    """

    others: tuple[str, ...]
    adjacent: tuple[str, ...]


class ContextCorrector:
    """Chooses corrections by the words around.

    Args:
        corrector: Of single words.
        has_all: Whether some item has all of some stems.
        ordinary_words: Words that are taken as typed, whatever the context.
    """

    def __init__(
        self,
        corrector: WordCorrector,
        has_all: Callable[[tuple[str, ...]], bool],
        ordinary_words: Collection[str],
    ) -> None:
        self._corrector = corrector
        self._has_all = has_all
        self._ordinary_words = ordinary_words

    def context(self, word: str, surface_words: Sequence[str]) -> Context:
        """The words around the first occurrence of a word in a query."""
        position = surface_words.index(word) if word in surface_words else -2
        near = {position - 1, position + 1}
        others: dict[str, bool] = {}
        for number, other in enumerate(surface_words):
            if other == word or len(other) < 2 or other.isdigit() or other in FUNCTION_WORDS:
                continue
            if self._corrector.count(other):
                others[stem(other)] = others.get(stem(other), False) or number in near
        return Context(tuple(others), tuple(one for one, is_near in others.items() if is_near))

    def preferred(
        self, found: tuple[Replacement, ...], context: Context
    ) -> tuple[Replacement, ...]:
        """Corrections with those first that items have together with the context, if only some are."""
        heaviest = max((one.weight for one in found), default=0.0)
        likely = [one for one in found if one.weight >= _LEAST_SHARE * heaviest]
        if len(likely) < 2 or not context.others or self._fits(likely[0].stems, context):
            return found
        fitting = [one for one in likely[1:] if self._fits(one.stems, context)]
        if not fitting:
            return found
        gain = heaviest / max(one.weight for one in fitting)
        rest = [one for one in found if one not in fitting]
        return (
            *(one._replace(weight=one.weight * gain) for one in fitting),
            *(one._replace(weight=one.weight * _BEHIND) for one in rest),
        )

    def corrected(self, word: str, context: Context) -> tuple[Replacement, ...]:
        """Corrections of a word that no item has and nothing else corrects, best first."""
        if word in self._ordinary_words or not word.isalpha() or has_chinese(word):
            return ()
        if len(word) < _SHORTEST:
            return ()
        fitting = list(self._fitting(self._corrector.close(word), context))
        if fitting:
            return tuple(weighted(fitting, CORRECTION_WEIGHT))
        return self._compound(word) if len(word) >= _SHORTEST_COMPOUND else ()

    def is_doubtful(self, word: str) -> bool:
        """Whether a word of few items may be a slip: an English one that may name a thing."""
        if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
            return False
        return modifier_role(word) is None and not self._corrector.is_very_frequent(word)

    def is_apart(self, surface_words: Sequence[str]) -> bool:
        """Whether items have each word of an English query, and no item has all of them."""
        content = [
            word
            for word in dict.fromkeys(surface_words)
            if len(word) > 1 and not word.isdigit() and word not in FUNCTION_WORDS
        ]
        if not 1 < len(content) <= _OTHERS_LIMIT or not all(map(str.isascii, content)):
            return False
        if not all(map(self._corrector.count, content)):
            return False
        return not self._has_all(tuple(map(stem, content)))

    def also_meant(self, word: str, surface_words: Sequence[str]) -> tuple[Replacement, ...]:
        """What a doubtful word of a query that ``is_apart`` may be a slip of, by the other words.

        Only where no item has it beside either neighbour, and some item has the rest of the query with
        a much more frequent word one edit away. Words that only qualify are left alone: a shop without
        a "good watch" does not sell wooden ones for it.

        Returns:
            Words of less weight than the one that was typed.
        """
        context = self.context(word, surface_words)
        others, adjacent = context
        if not adjacent or len(others) > _OTHERS_LIMIT:
            return ()
        of_word = stem(word)
        if any(self._has_all((of_word, neighbour)) for neighbour in adjacent):
            return ()
        least = max(_FREQUENT_COUNT, _MEANT_RATIO * self._corrector.counts.get(word, 0))
        close = [
            found
            for found in self._corrector.close(word)
            if found.item_count >= least
            and stem(found.word) != of_word
            # A first letter is seldom wrong: a "broom clip" is for no room.
            and (found.word[0] == word[0] or sorted(found.word) == sorted(word))
        ]
        best = sorted(close, key=lambda found: (-found.score, found.word))[:_CANDIDATE_COUNT]
        fitting = [found for found in best if self._has_all((stem(found.word), *others))]
        return tuple(weighted(fitting, RARE_WEIGHT))

    def _fitting(self, close: Iterable[Candidate], context: Context) -> Iterator[Candidate]:
        if not context.others:
            return
        best = sorted(close, key=lambda found: (-found.score, found.word))[:_CANDIDATE_COUNT]
        for found in best:
            if len(found.word) >= _SHORTEST and self._fits((stem(found.word),), context):
                yield found

    def _fits(self, stems: tuple[str, ...], context: Context) -> bool:
        others, adjacent = context
        if len(others) <= _OTHERS_LIMIT and self._has_all((*stems, *others)):
            return True
        # Of many words some may be too much; then one neighbour is enough.
        return len(others) > len(adjacent) and any(
            self._has_all((*stems, neighbour)) for neighbour in adjacent
        )

    def _compound(self, word: str) -> tuple[Replacement, ...]:
        """Two frequent words that some item has together, of which one has a slip: "raiqnbird"."""
        counts = self._corrector.counts
        pairs: dict[tuple[str, str], int] = {}
        for position in range(_SHORTEST, len(word) - _SHORTEST + 1):
            left, right = word[:position], word[position:]
            for known, slip in ((left, right), (right, left)):
                if counts.get(known, 0) < _FREQUENT_COUNT:
                    continue
                for found in self._corrector.close(slip):
                    if found.item_count >= _FREQUENT_COUNT and len(found.word) >= _SHORTEST:
                        pair = (known, found.word) if known is left else (found.word, known)
                        pairs[pair] = min(counts[known], found.item_count)
        best = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:_CANDIDATE_COUNT]
        for pair in best:
            if self._has_all(tuple(map(stem, pair))):
                return (replacement(pair, CORRECTION_WEIGHT),)
        return ()
