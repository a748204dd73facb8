"""Texts with weights, found by prefix: the best of those that match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from towers.indexes.prefix_index import PrefixIndex

PREFIX_GAIN = 2.0
"""Bonus, in units of log weight, of a text that begins with the first typed word."""
OVERFETCH = 4
"""Factor of candidates to fetch, since some are dropped as duplicates."""


@dataclass(frozen=True)
class WeightedTexts:
    """Texts to suggest, their prefix index, and log weights; weight −1: not suggested."""

    texts: Sequence[str]
    index: PrefixIndex
    weights: np.ndarray

    @classmethod
    def of(cls, weights: Mapping[str, float]) -> WeightedTexts:
        """From the weight of each text, at least 0."""
        texts = list(weights)
        return cls(
            texts, PrefixIndex.of(texts), np.log1p(np.fromiter(weights.values(), np.float32))
        )


def best_texts(
    index: PrefixIndex, weights: np.ndarray, typed: Sequence[str], count: int
) -> list[tuple[int, float]]:
    """The ``count`` best texts with all typed prefixes: number and score, best first.

    Args:
        weights: ``[texts] float32`` log weights; texts of weight −1 are left out.
    """
    numbers, is_first = index.find(typed)
    # Texts added since the last refresh have no weight yet.
    known = numbers < len(weights)
    numbers, is_first = numbers[known], is_first[known]
    scores = weights[numbers]
    kept = scores >= 0
    return top_numbers(numbers[kept], scores[kept] + PREFIX_GAIN * is_first[kept], count)


def top_numbers(numbers: np.ndarray, scores: np.ndarray, count: int) -> list[tuple[int, float]]:
    """The ``count`` best distinct numbers, best first, ties to the lower number."""
    # A number is repeated for each of its words with the prefix.
    kept = OVERFETCH * count
    if len(numbers) > kept:
        part = np.argpartition(-scores, kept)[:kept]
        numbers, scores = numbers[part], scores[part]
    best: dict[int, float] = {}
    for position in np.lexsort((numbers, -scores)).tolist():
        best.setdefault(int(numbers[position]), float(scores[position]))
        if len(best) == count:
            break
    return list(best.items())
