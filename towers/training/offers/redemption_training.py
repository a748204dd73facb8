"""The probability of redemption: boosted trees over a visitor's and an offer's features."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from towers.offers.boosted_trees import BoostedTrees
from towers.offers.offer_ranking import affinities_of
from towers.training.offers.offer_replay import OfferLog, OfferMoment, Report, replay_offers
from towers.training.offers.redemption_moments import LabelledMoments
from towers.training.offers.tree_training import fit_probability

LEAST_REDEMPTIONS = 30
"""Fewer redeemed offers in the training moments teach nothing."""

_NEGATIVES_PER_MOMENT = 40
_UNWANTED_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class RedemptionCases:
    """Visitors and offers, one case each.

    Args:
        features: ``[n, columns] float32``.
        labels: ``[n] bool``, redeemed.
        weights: ``[n] float64``: of how many unredeemed offers a case stands for.
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def redemption_cases(
    log: OfferLog, labelled: LabelledMoments, progress: Report, *, seed: int
) -> RedemptionCases:
    """All redeemed offers of each moment, and 40 others at most, weighted to stand for the rest."""
    rng = np.random.default_rng(seed)
    moments: list[OfferMoment] = []
    labels: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    for moment, label in zip(labelled.moments, labelled.labels, strict=True):
        others = np.flatnonzero(~label)
        weight = 1.0
        if len(others) > _NEGATIVES_PER_MOMENT:
            weight = len(others) / _NEGATIVES_PER_MOMENT
            others = rng.choice(others, _NEGATIVES_PER_MOMENT, replace=False)
        kept = np.concatenate([np.flatnonzero(label), others]).tolist()
        moments.append(replace(moment, offers=[moment.offers[place] for place in kept]))
        labels.append(label[kept])
        weights.append(np.where(label[kept], 1.0, weight))
    features: list[np.ndarray] = [np.zeros((0, 0), np.float32)] * len(moments)
    for number, matrix in replay_offers(log, moments, progress):
        features[number] = matrix
    return RedemptionCases(
        np.concatenate(features), np.concatenate(labels), np.concatenate(weights)
    )


def fit_redemption(cases: RedemptionCases, *, seed: int) -> BoostedTrees:
    """The mean of small trees and of a logistic regression, as a logit.

    On the grocer's year the mean was better than either alone: the trees bend where the regression
    is straight, and the regression goes on where trees have few cases.
    """
    trees = fit_probability(
        cases.features,
        cases.labels,
        cases.weights,
        seed=seed,
        iteration_count=150,
        leaf_count=6,
        leaf_samples=200,
    )
    return trees.averaged(*_logistic_weights(cases))


def _logistic_weights(cases: RedemptionCases) -> tuple[np.ndarray, float]:
    """``[columns] float64`` for features as they come, and the constant."""
    from sklearn.linear_model import LogisticRegression

    features = cases.features.astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0
    model = LogisticRegression(max_iter=500)
    model.fit((features - mean) / scale, cases.labels, sample_weight=cases.weights)
    weights: np.ndarray = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - weights @ mean)


def affinity_threshold(cases: RedemptionCases) -> float:
    """The affinity below which only one in fifty of the redeemed offers was."""
    affinities = affinities_of(cases.features[cases.labels])
    return float(np.quantile(affinities, _UNWANTED_SHARE)) if len(affinities) else 0.0
