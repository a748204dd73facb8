"""Words that a short title lacks: of longer titles that hold its words, those whose pictures are nearest.

A title is short where another one of its category holds all of its words and more: "Milk" beside "Farm
oat milk". So the words of an item and its picture tell together which others speak of the same thing, and
a title that tells its product is left alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from data.predicted.predictions import PredictedValue
from data.records import Item
from towers.attributes.abstention import Confidence
from towers.attributes.picture_features import PictureFeatures
from towers.text.words import surface_words
from towers.text.writing.units import UNIT_NAMES

FIELD = "title_words"
"""Name of the attribute that holds the words."""
MODEL = "nearest_pictures"

_NEAREST = 10
_SHARPNESS = 20.0
"""Of the softmax over the cosines of the nearest pictures. With 5, 10 or 30 of them, photographs of
groceries whose titles are cut to a word get 94 % of the other words back; 94 to 95 % of what they get is
right."""
_LEAST_SHARE = 0.5
_COMPARED_LIMIT = 5_000
_VALIDATED_COUNT, _VALIDATED_MINIMUM = 1_000, 30


class _Titles:
    """The words of all titles, and who holds them among the items of a category with a picture."""

    def __init__(self, items: Sequence[Item], vectors: np.ndarray) -> None:
        self.words = [_words(item.title) for item in items]
        self._categories = [item.category for item in items]
        self._vectors = vectors
        rows: dict[tuple[tuple[str, ...], str], list[int]] = {}
        for row in np.flatnonzero(vectors.any(axis=1)).tolist():
            for word in self.words[row]:
                rows.setdefault((self._categories[row], word), []).append(row)
        self._rows = {key: np.array(of_word, np.int64) for key, of_word in rows.items()}

    def told(self, row: int, own: Sequence[str]) -> dict[str, float]:
        """The words that an item lacks if its title is ``own``, and how sure each is, 0 to 1."""
        category = self._categories[row]
        nothing = np.zeros(0, np.int64)
        holders = [self._rows.get((category, word), nothing) for word in own]
        rows = reduce(np.intersect1d, holders) if holders else nothing
        longer = [len(self.words[other]) > len(own) and other != row for other in rows.tolist()]
        rows = rows[np.array(longer, bool)][:_COMPARED_LIMIT]
        if not len(rows):
            return {}
        cosines = self._vectors[rows] @ self._vectors[row]
        nearest = np.argsort(-cosines, kind="stable")[:_NEAREST]
        best = float(cosines[nearest[0]])
        weights = np.exp(_SHARPNESS * (cosines[nearest] - best))
        shares: dict[str, float] = {}
        for other, weight in zip(rows[nearest].tolist(), weights / weights.sum(), strict=True):
            for word in self.words[other]:
                if word not in own:
                    shares[word] = shares.get(word, 0.0) + float(weight)
        # A title that only one other holds is sure of its words, but not where that looks otherwise.
        return {
            word: share * max(best, 0.0) for word, share in shares.items() if share >= _LEAST_SHARE
        }


def title_words(
    items: Sequence[Item],
    asked_count: int,
    pictures: PictureFeatures,
    *,
    precision: float,
    seed: int,
) -> tuple[list[PredictedValue], dict[str, Any]]:
    """The words that the first ``asked_count`` items lack in their titles, and a report as plain JSON.

    How sure they are is measured on titles of items whose picture the encoder has not seen, cut to as
    many words as the asked ones have; with fewer than 30 of them, all are abstained from.

    Args:
        items: Those to be told first.
        pictures: Of the same items.
        precision: Of the words that are given, above 0 to 1.
        seed: Of the sample of titles and words.
    """
    titles = _Titles(items, pictures.vectors)
    told = {
        row: found
        for row in np.flatnonzero(pictures.vectors[:asked_count].any(axis=1)).tolist()
        if titles.words[row] and (found := titles.told(row, titles.words[row]))
    }
    confidence, measured = _measured(titles, [*told], pictures.is_unseen, precision, seed)
    values = []
    for row, found in told.items():
        chances = confidence.probabilities(np.array([*found.values()]))
        given = chances >= confidence.threshold
        is_told = bool(given.any())
        chosen = given if is_told else np.ones(len(given), bool)
        value = " ".join(word for word, is_chosen in zip(found, chosen, strict=True) if is_chosen)
        value_chance = round(float(chances[chosen].min()), 6)
        reason = "" if is_told else "below the threshold"
        values.append(
            PredictedValue(
                items[row].item_id, FIELD, value, value_chance, MODEL, not is_told, reason
            )
        )
    given_count = sum(not value.abstained for value in values)
    return values, {"short_count": len(told), "given_count": given_count, **measured}


def _measured(
    titles: _Titles, asked: list[int], is_unseen: np.ndarray, precision: float, seed: int
) -> tuple[Confidence, dict[str, Any]]:
    """How sure words are that were told of titles cut short, and how many of them were right."""
    rng = np.random.default_rng(seed)
    rows = [row for row in np.flatnonzero(is_unseen).tolist() if len(titles.words[row]) > 1]
    scores: list[float] = []
    is_right: list[bool] = []
    title_count = 0
    for row in rng.permutation(rows)[:_VALIDATED_COUNT].astype(int).tolist() if asked else []:
        whole = titles.words[row]
        count = min(len(titles.words[asked[int(rng.integers(len(asked)))]]), len(whole) - 1)
        own = [whole[place] for place in sorted(rng.permutation(len(whole))[:count].tolist())]
        found = titles.told(row, own)
        scores += found.values()
        is_right += [word in whole for word in found]
        title_count += bool(found)
    right, shares = np.array(is_right, bool), np.array(scores)
    confidence = Confidence.of(shares, right, precision=precision)
    if title_count < _VALIDATED_MINIMUM:
        confidence = replace(confidence, threshold=math.inf)
    given = confidence.probabilities(shares) >= confidence.threshold
    return confidence, {
        "validated_count": title_count,
        "expected_coverage": float(given.mean()) if len(given) else 0.0,
        "expected_precision": float(right[given].mean()) if given.any() else 0.0,
    }


def _words(title: str) -> tuple[str, ...]:
    """Its words without sizes and numbers, each once, in order."""
    found: dict[str, None] = {}
    is_behind_number = False
    for word in surface_words(title):
        is_number = any(map(str.isdigit, word))
        if not is_number and not (is_behind_number and word in UNIT_NAMES):
            found[word] = None
        is_behind_number = is_number
    return tuple(found)
