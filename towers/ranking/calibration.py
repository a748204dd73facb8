"""Purchase probabilities: that a result is bought in the current session.

Platt scaling (Platt 1999): a logistic regression on an item's softmax share of the shortlist's scores
and a few features common to all items of the answer. So within one answer the order of the
probabilities is that of the scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from towers.compiled import BOOL, F32, F64, I64, NONE, compiled, read, written
from towers.read_only import read_only
from towers.sessions.session import Session

INPUT_NAMES = (
    "log_share",
    "largest_log_share",
    "is_search",
    "session_event_count",
    "basket_item_count",
    "bought_item_count",
)
"""Inputs of the regression; all but the first are the same for every item of an answer."""

_LOGIT_LIMIT = 60.0


@dataclass(frozen=True)
class Calibration:
    """The regression.

    Args:
        weights: One for each of ``INPUT_NAMES``; the first is positive.
        intercept: Of the logit.
        threshold: Probability from which on a purchase is predicted: that of the best F1 on the
            training lists.
    """

    weights: tuple[float, ...]
    intercept: float
    threshold: float

    @classmethod
    def of(cls, tree: Mapping[str, Any] | None) -> Calibration | None:
        """From its fields in JSON; None from None."""
        if tree is None:
            return None
        return cls(tuple(tree["weights"]), float(tree["intercept"]), float(tree["threshold"]))

    def probabilities(self, inputs: np.ndarray) -> np.ndarray:
        """``[n] float64``, 0 to 1, of ``inputs [n, len(INPUT_NAMES)]``."""
        probabilities = np.empty(len(inputs))
        _predict(inputs, self._weights, self.intercept, probabilities)
        return probabilities

    @cached_property
    def _weights(self) -> np.ndarray:
        return read_only(np.array(self.weights))


def calibration_inputs(
    scores: np.ndarray, shortlist_scores: np.ndarray, session: Session, *, is_search: bool
) -> np.ndarray:
    """``[n, len(INPUT_NAMES)] float64`` of items of one answer.

    Args:
        scores: ``[n] float32`` of the items.
        shortlist_scores: ``[m] float32`` of the whole shortlist, the softmax's denominator.
        session: The session of the request.
        is_search: Whether the request has a query.
    """
    inputs = np.empty((len(scores), len(INPUT_NAMES)))
    counts = len(session.events), len(session.basket), len(session.bought)
    _fill(scores, shortlist_scores, is_search, *counts, inputs)
    return inputs


@compiled(NONE, read(F32), read(F32), BOOL, I64, I64, I64, written(F64, 2))
def _fill(
    scores: np.ndarray,
    shortlist_scores: np.ndarray,
    is_search: bool,
    event_count: int,
    basket_count: int,
    bought_count: int,
    inputs: np.ndarray,
) -> None:
    largest = 0.0
    for score in shortlist_scores:
        largest = max(largest, score)
    total = 0.0
    for score in shortlist_scores:
        total += math.exp(score - largest)
    # Without a list the total counts as 1.
    log_total = largest + (math.log(total) if len(shortlist_scores) else 0.0)
    for place in range(len(scores)):
        inputs[place, 0] = scores[place] - log_total
        inputs[place, 1] = largest - log_total
        inputs[place, 2] = is_search
        inputs[place, 3] = math.log1p(event_count)
        inputs[place, 4] = math.log1p(basket_count)
        inputs[place, 5] = math.log1p(bought_count)


@compiled(NONE, read(F64, 2), read(F64), F64, written(F64))
def _predict(
    inputs: np.ndarray, weights: np.ndarray, intercept: float, probabilities: np.ndarray
) -> None:
    for place in range(len(inputs)):
        logit = intercept
        for column in range(len(weights)):
            logit += weights[column] * inputs[place, column]
        if abs(logit) > _LOGIT_LIMIT:
            logit = math.copysign(_LOGIT_LIMIT, logit)
        probabilities[place] = 1.0 / (1.0 + math.exp(-logit))
