"""AUC, hit rate, and Qini curves of weighted trials."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that a positive case scores above a negative one; a tie counts half.

    Mann and Whitney's statistic. 0.5 where one of the two kinds is missing.

    Args:
        labels: ``[n] bool``.
        scores: ``[n]``.
    """
    positive_count = int(labels.sum())
    negative_count = len(labels) - positive_count
    if not positive_count or not negative_count:
        return 0.5
    order = np.argsort(scores, kind="stable")
    _, first, counts = np.unique(scores[order], return_index=True, return_counts=True)
    # Equal scores share their mean rank.
    ranks = np.empty(len(scores))
    ranks[order] = np.repeat(first + (counts + 1) / 2.0, counts)
    above = ranks[labels].sum() - positive_count * (positive_count + 1) / 2.0
    return float(above / (positive_count * negative_count))


def is_hit(labels: np.ndarray, scores: np.ndarray, count: int) -> float:
    """The chance that the ``count`` best scores hold a positive case; ties are drawn at random."""
    if len(scores) <= count:
        return float(labels.any())
    edge = np.partition(scores, -count)[-count]
    above = scores > edge
    if labels[above].any():
        return 1.0
    tied = scores == edge
    place_count = count - int(above.sum())
    misses, positives = int(tied.sum()), int((labels & tied).sum())
    # Every place misses: hypergeometric.
    missed = 1.0
    for drawn in range(place_count):
        missed *= max(0, misses - positives - drawn) / (misses - drawn)
    return 1.0 - missed


@dataclass(frozen=True, eq=False)
class Trials:
    """Pairs of a visitor and an offer, some of whom had it.

    Args:
        treated: ``[n] bool``, had the offer.
        outcomes: ``[n] float64``, bought one of its items.
        propensities: ``[n] float64``, 0 to 1 exclusive: the probability of having it.
    """

    treated: np.ndarray
    outcomes: np.ndarray
    propensities: np.ndarray

    def effect(self, chosen: np.ndarray) -> float:
        """Mean effect on ``chosen [n] bool``, weighted by inverse propensity (Hájek's estimate)."""
        means = []
        for side, weights in (
            (self.treated, 1.0 / self.propensities),
            (~self.treated, 1.0 / (1.0 - self.propensities)),
        ):
            weights = np.where(side & chosen, weights, 0.0)
            total = float(weights.sum())
            if not total > 0.0:
                return 0.0
            means.append(float(weights @ self.outcomes) / total)
        return means[0] - means[1]


def qini_curve(trials: Trials, scores: np.ndarray, steps: int = 20) -> np.ndarray:
    """``[steps + 1]`` gain of offering to the best share of the cases, from none to all.

    Gain: the share times the weighted effect on it, in outcomes a case of all (Radcliffe 2007, with
    inverse propensities, since nobody was treated by lot).
    """
    order = _best_first(scores)
    gains = [0.0]
    for step in range(1, steps + 1):
        count = round(len(order) * step / steps)
        chosen = np.zeros(len(order), bool)
        chosen[order[:count]] = True
        gains.append(count / max(1, len(order)) * trials.effect(chosen))
    return np.array(gains)


def qini(trials: Trials, scores: np.ndarray, steps: int = 20) -> float:
    """Area between the Qini curve and the straight line to its end; 0 for a random order."""
    gains = qini_curve(trials, scores, steps)
    line = gains[-1] * np.arange(steps + 1) / steps
    return float(np.trapezoid(gains - line, dx=1.0 / steps))


def _best_first(scores: np.ndarray) -> np.ndarray:
    """Places by score; ties in a fixed random order, since cases come sorted by who had an offer."""
    lots = np.random.default_rng(0).permutation(len(scores))
    return np.lexsort((lots, -scores))


def effects_by_part(trials: Trials, scores: np.ndarray, count: int = 10) -> list[float]:
    """Weighted effect on each of ``count`` equal parts of the cases, best scores first."""
    order = _best_first(scores)
    effects = []
    for part in np.array_split(order, count):
        chosen = np.zeros(len(order), bool)
        chosen[part] = True
        effects.append(trials.effect(chosen))
    return effects
