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

from towers.compiled import F32, F64, NONE, compiled, read, written
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
        scores: ``[n]`` of the items.
        shortlist_scores: ``[m]`` of the whole shortlist, the softmax's denominator.
        session: The session of the request.
        is_search: Whether the request has a query.
    """
    largest = max(0.0, float(shortlist_scores.max(initial=0.0)))
    log_total = largest + _log_sum(shortlist_scores, largest)
    common = (
        largest - log_total,
        float(is_search),
        math.log1p(len(session.events)),
        math.log1p(len(session.basket)),
        math.log1p(len(session.bought)),
    )
    inputs = np.empty((len(scores), len(INPUT_NAMES)))
    inputs[:, 0] = scores
    inputs[:, 0] -= log_total
    inputs[:, 1:] = common
    return inputs


@compiled(F64, read(F32), F64)
def _log_sum(scores: np.ndarray, largest: float) -> float:
    """Logarithm of the sum of the scores' exponentials over that of ``largest``; 0 without scores."""
    total = 0.0
    for score in scores:
        total += math.exp(score - largest)
    return math.log(total) if len(scores) else 0.0


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
