"""Exploration: a new item in one slot of a share of the answers, with its propensity.

An answer's slot is drawn first, among ranks four to ten. Then, with probability ε, the item that stands
there changes places with one behind the page, drawn from the new ones by softmax of the model's scores.
Given the slot, an item drawn has propensity ε · its softmax, and the item that stands there else 1 − ε:
over all that may happen they sum to 1, and over what is drawn to ε. No other place of the page changes.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.retrieval.popularity import Popularity

FIRST_RANK, END_RANK = 3, 10
"""Ranks from 0 that a new item may take: below the third, and not where few shoppers look."""
LITTLE_EXPOSED = 1.0
"""An item that fewer events than so many speak of, recent ones counting most, is new."""

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Exploration:
    """The outcome of a draw.

    Args:
        place: The place in the list whose item was up to chance.
        drawn: The position in the list of the item that takes the place; None: the one there stays.
        propensity: Probability of this outcome, given the slot.
    """

    place: int
    drawn: int | None
    propensity: float


def is_new(
    rows: np.ndarray, time: float, new_days: float, catalog: Catalog, popularity: Popularity
) -> np.ndarray:
    """Which items were created lately or are little exposed, ``[n] bool``."""
    is_young = catalog.created[rows] > time - new_days * _DAY_SECONDS
    return np.asarray(is_young | (popularity.at(rows, time) < LITTLE_EXPOSED))


def softmax(scores: np.ndarray) -> np.ndarray:
    """``[n] float64`` shares that sum to 1, by the exponentials of the scores."""
    raised = np.exp(scores.astype(np.float64) - scores.max())
    return np.asarray(raised / raised.sum())


def slot_of(places: Sequence[int], rng: random.Random) -> int:
    """The place whose item is up to chance, each alike."""
    return places[rng.randrange(len(places))]


def explore(
    place: int,
    candidates: Sequence[int],
    model_scores: np.ndarray,
    share: float,
    rng: random.Random,
) -> Exploration | None:
    """Draws what takes a place; None where nothing may, so that nothing is up to chance.

    Args:
        candidates: Positions in the list of the items that may take it.
        model_scores: ``[n] float32`` of the list.
        share: ε, the probability that one of them does.
    """
    if not candidates or share <= 0:
        return None
    if rng.random() >= share:
        return Exploration(place, None, 1.0 - share)
    shares = softmax(model_scores[list(candidates)])
    (number,) = rng.choices(range(len(candidates)), shares.tolist())
    return Exploration(place, candidates[number], share * float(shares[number]))
