"""What was meant by what was heard: hypotheses rescored by the words of the shop.

A noisy channel: a word that the shop has hardly, or not beside its neighbours, may be the mishearing of
one that sounds alike. So "cafe lotte" is "caffe latte" where items are called that, and "dark rose
espresso" is "dark roast espresso".
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from towers.speech.sounds import SoundAlike, SoundIndex
from towers.speech.speech_model import Hypothesis
from towers.speech.spoken_request import requested
from towers.speech.title_bigrams import TitleBigrams, content_words
from towers.text.words import with_word_replaced
from towers.text.writing.folding import fold, normalise

_ADDITION = re.compile(r"((?:,?\s+(?:with|and|plus)|,)\s+)", re.IGNORECASE)
TRANSCRIPT_LIMIT = 2
"""What was heard, and the runner-up."""

_WORD_CHARACTER = re.compile(r"\w")
_HINT_NAME_COUNT = 60
"""Names of a hint; the speech model takes some 200 tokens."""
_HINT_ALIKE_COUNT = 2
_SHOP_WEIGHT = 0.6
"""Of the shop's words beside the log probability of the speech model."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """One reading of a recording.

    Args:
        text: The sentence, as the speech model wrote it.
        query: What to search for: its request, with words of the shop instead of misheard ones.
        probability: 0 to 1, among all readings.
    """

    text: str
    query: str
    probability: float


class Understanding:
    """Readings of sentences, by the texts of a shop.

    Args:
        texts: Titles, names of categories and brands, values of attributes.
        names: The latter without the titles, with the items that have each.
        is_sold: Whether some item has a word; by default, whether the texts have it.
    """

    def __init__(
        self,
        texts: Iterable[str],
        names: Mapping[str, int] | None = None,
        is_sold: Callable[[str], bool] | None = None,
    ) -> None:
        self._bigrams = TitleBigrams(texts)
        self._is_sold = is_sold or self._bigrams.counts.__contains__
        self._names = names or {}
        self._names_with: dict[str, list[str]] = {}
        for name in self._names:
            for word in content_words(name):
                self._names_with.setdefault(word, []).append(name)
        usual = sorted(self._names, key=lambda name: -self._names[name])
        self._usual_names = usual[:_HINT_NAME_COUNT]
        self._sounds = SoundIndex(word for word, count in self._bigrams.counts.items() if count > 1)

    def transcripts(self, hypotheses: Sequence[Hypothesis]) -> tuple[Transcript, ...]:
        """The most probable reading and the runner-up, of different queries with a word each.

        Empty where no hypothesis has one, as "." and "♪", which models write for noise.
        """
        best: dict[str, tuple[float, Transcript]] = {}
        for hypothesis in hypotheses:
            query, shop_score = self._read(requested(hypothesis.text))
            if not _WORD_CHARACTER.search(query):
                continue
            score = hypothesis.log_probability + _SHOP_WEIGHT * shop_score
            key = " ".join(content_words(query)) or query
            if key not in best or best[key][0] < score:
                best[key] = score, Transcript(hypothesis.text, query, 0.0)
        ordered = sorted(best.values(), key=lambda one: -one[0])
        shares = [math.exp(score - ordered[0][0]) for score, _ in ordered]
        total = math.fsum(shares)
        return tuple(
            replace(transcript, probability=share / total)
            for share, (_, transcript) in zip(shares, ordered[:TRANSCRIPT_LIMIT], strict=False)
        )

    def hint(self, hypotheses: Sequence[Hypothesis]) -> str:
        """Words of the shop that were probably said, for the speech model to listen again for them.

        First the words that sound like those heard and the names that have them, then the names that
        most items have, which in a small shop are all of them.
        """
        heard = dict.fromkeys(
            word for one in hypotheses for word in content_words(requested(one.text))
        )
        words: dict[str, None] = {}
        for word in heard:
            near = [one.word for one in self._sounds.alike(word)[:_HINT_ALIKE_COUNT]]
            words |= dict.fromkeys([word, *near] if self._bigrams.counts[word] else near)
        hits = Counter(name for word in words for name in self._names_with.get(word, ()))
        near_names = sorted(hits, key=lambda name: (-hits[name], -self._names[name]))
        named = {part for name in near_names[:_HINT_NAME_COUNT] for part in content_words(name)}
        alone = [word for word in words if word not in named]
        found = dict.fromkeys([*near_names[:_HINT_NAME_COUNT], *alone, *self._usual_names])
        return ", ".join(list(found)[:_HINT_NAME_COUNT])

    def _read(self, request: str) -> tuple[str, float]:
        """A request with words of the shop instead of misheard ones, and what the shop says of it.

        The score is a log probability up to a constant, above that of as many unknown words by what
        the shop has; the best sequence of words is found by Viterbi's algorithm.
        """
        heard = content_words(request)
        paths: dict[str, tuple[float, tuple[str, ...]]] = {"": (0.0, ())}
        for word in heard:
            following: dict[str, tuple[float, tuple[str, ...]]] = {}
            for other, cost in [SoundAlike(word, 0.0), *self._sounds.alike(word)]:
                score, path = max(
                    (
                        before + self._bigrams.gain(other, previous) - cost,
                        (*so_far, other),
                    )
                    for previous, (before, so_far) in paths.items()
                )
                following[other] = score, path
            paths = following
        score, path = max(paths.values())
        return self._answerable(_with_words(request, heard, path)), score

    def _answerable(self, request: str) -> str:
        """A request without what is added to it and nobody can have here: "and sugar".

        What comes first names the thing, and is searched for by meaning where no item has the word.
        """
        first, *rest = _ADDITION.split(request)
        added = zip(rest[::2], rest[1::2], strict=True)
        kept = (link + part for link, part in added if any(map(self._is_sold, content_words(part))))
        return "".join((first, *kept)).strip(" ,.")


def _with_words(request: str, heard: Sequence[str], meant: Sequence[str]) -> str:
    """A request with some of its words replaced, as it is if none is."""
    if list(heard) == list(meant):
        return request
    text = fold(normalise(request))
    for word, other in dict.fromkeys(zip(heard, meant, strict=True)):
        if word != other:
            text = with_word_replaced(text, word, other)
    return text
