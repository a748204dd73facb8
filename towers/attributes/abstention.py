"""Which predictions are sure enough: probabilities of being right, and the threshold of a precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_CONFIDENCE = 0.9
"""One-sided, that the precision above the threshold is not below the one asked for."""
_CLIP = 1e-6


@dataclass(frozen=True)
class Confidence:
    """From a model's share of its likeliest class to the probability that the class is right.

    Args:
        weight, intercept: Of a logistic regression over the log odds of the share (Platt scaling).
        threshold: Probability from which on predictions are given; infinite where the precision asked
            for is not reached.
    """

    weight: float
    intercept: float
    threshold: float

    @classmethod
    def of(cls, shares: np.ndarray, is_right: np.ndarray, *, precision: float) -> Confidence:
        """Learns both from predictions for items that the model was not trained on.

        The threshold is the lowest above which the precision is at least ``precision`` with a
        confidence of 90 % (Clopper and Pearson 1934), so that few items in validation make it careful.

        Args:
            shares: ``[n]`` of the likeliest class.
            is_right: ``[n] bool``.
            precision: Above 0 to 1.
        """
        weight, intercept = _platt(_log_odds(shares), is_right)
        self = cls(weight, intercept, math.inf)
        return cls(weight, intercept, _threshold(self.probabilities(shares), is_right, precision))

    def probabilities(self, shares: np.ndarray) -> np.ndarray:
        """``[n] float64`` probabilities of being right."""
        return 1.0 / (1.0 + np.exp(-(self.weight * _log_odds(shares) + self.intercept)))


def _log_odds(shares: np.ndarray) -> np.ndarray:
    clipped = np.clip(shares, _CLIP, 1.0 - _CLIP)
    return np.log(clipped / (1.0 - clipped))


def _platt(odds: np.ndarray, is_right: np.ndarray) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    # A case of each outcome beside the real ones, which may all have the same.
    odds = np.append(odds, [0.0, 0.0])
    outcomes = np.append(is_right, [False, True])
    model = LogisticRegression(max_iter=500).fit(odds[:, None], outcomes)
    # A model that is no better where it is surer is not turned upside down.
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def _threshold(probabilities: np.ndarray, is_right: np.ndarray, precision: float) -> float:
    from scipy.stats import beta

    order = np.argsort(-probabilities, kind="stable")
    right = np.cumsum(is_right[order])
    count = np.arange(1, len(order) + 1)
    wrong = count - right
    low = np.where(right > 0, beta.ppf(1.0 - _CONFIDENCE, np.maximum(right, 1), wrong + 1), 0.0)
    # A threshold lies between two different probabilities.
    sorted_ = probabilities[order]
    ends = np.append(sorted_[1:] < sorted_[:-1], True)
    reached = np.flatnonzero((low >= precision) & ends)
    return float(sorted_[reached[-1]]) if len(reached) else math.inf
