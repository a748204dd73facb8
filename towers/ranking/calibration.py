"""The probability that a result is bought in the visit that is under way.

Platt scaling (Platt 1999): a logistic regression from an item's share of the shortlist's scores,
and from a few facts that all items of an answer have in common, to whether it was bought by the end
of the visit. So within one answer the probabilities stand in the order of the scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from towers.sessions.session import Session

INPUT_NAMES = (
    "log_share",
    "largest_log_share",
    "is_search",
    "session_event_count",
    "basket_item_count",
    "bought_item_count",
)
"""What the regression reads; all but the first are the same for every item of an answer."""


@dataclass(frozen=True)
class Calibration:
    """The regression.

    Args:
        weights: One for each of ``INPUT_NAMES``; the first is positive.
        intercept: Of the logit.
        threshold: Probability from which on a purchase is foretold: that of the best F1 among the
            lists it was learnt from.
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
        logits = inputs @ np.array(self.weights) + self.intercept
        probabilities: np.ndarray = 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
        return probabilities


def calibration_inputs(
    scores: np.ndarray, shortlist_scores: np.ndarray, session: Session, *, is_search: bool
) -> np.ndarray:
    """``[n, len(INPUT_NAMES)] float64`` of items of one answer.

    Args:
        scores: ``[n]`` of the items.
        shortlist_scores: ``[m]`` of the whole shortlist, against which a score is held.
        session: As the answer saw it.
        is_search: Whether something was typed for this answer.
    """
    whole = shortlist_scores.astype(np.float64)
    largest = float(whole.max(initial=0.0))
    log_total = largest + float(np.log(np.exp(whole - largest).sum())) if len(whole) else 0.0
    common = (
        largest - log_total,
        float(is_search),
        np.log1p(len(session.events)),
        np.log1p(len(session.basket)),
        np.log1p(len(session.bought)),
    )
    inputs = np.empty((len(scores), len(INPUT_NAMES)))
    inputs[:, 0] = scores - log_total
    inputs[:, 1:] = common
    return inputs
