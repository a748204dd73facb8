"""Uplift over no offer, by a doubly robust learner.

Kennedy, Towards optimal doubly robust estimation of heterogeneous causal effects (2023): two models
of the outcome, with and without the offer, and one of the propensity give each case an unbiased
estimate of its effect, if either of them is right; a third model learns its mean by features.
"""

from __future__ import annotations

import numpy as np

from towers.offers.boosted_trees import BoostedTrees
from towers.training.offers.tree_training import fit_probability, fit_value
from towers.training.offers.uplift_trials import UpliftCases

LEAST_SIDE_COUNT = 200
"""Fewer cases with or without the offer teach nothing."""

_FOLD_COUNT = 2
_LEAST_PROPENSITY = 0.05


def fit_uplift(cases: UpliftCases, *, seed: int) -> BoostedTrees:
    """Trees whose value is the effect of an offer on the probability of a purchase."""
    return fit_value(cases.features, pseudo_effects(cases, seed=seed), seed=seed)


def can_learn(cases: UpliftCases | None) -> bool:
    """Whether both sides have enough cases, with and without a purchase each."""
    if cases is None:
        return False
    return all(
        len(side) >= LEAST_SIDE_COUNT and side.any() and not side.all()
        for side in (cases.outcomes[cases.treated], cases.outcomes[~cases.treated])
    )


def pseudo_effects(cases: UpliftCases, *, seed: int) -> np.ndarray:
    """``[n] float64``: of each case an estimate of its effect, unbiased on the mean.

    Cross-fitted: the models that judge a visitor have not seen that visitor.
    """
    effects = np.empty(len(cases.treated))
    folds = np.random.default_rng(seed).integers(0, _FOLD_COUNT, int(cases.visitors.max()) + 1)
    of_case = folds[cases.visitors]
    for fold in range(_FOLD_COUNT):
        learn, judge = of_case != fold, of_case == fold
        if not judge.any():
            continue
        features = cases.features[judge]
        without, with_offer = (
            _outcome_model(cases, learn & (cases.treated == side), features, seed)
            for side in (False, True)
        )
        odds = _propensities(cases.features[learn], cases.treated[learn], features)
        treated, outcomes = cases.treated[judge], cases.outcomes[judge].astype(np.float64)
        effects[judge] = (
            with_offer
            - without
            + np.where(treated, (outcomes - with_offer) / odds, 0.0)
            - np.where(treated, 0.0, (outcomes - without) / (1.0 - odds))
        )
    return effects


def propensities(cases: UpliftCases) -> np.ndarray:
    """``[n] float64``, 0.05 to 0.95: how likely a visitor like this is in the audience."""
    return _propensities(cases.features, cases.treated, cases.features)


def _outcome_model(
    cases: UpliftCases, learn: np.ndarray, features: np.ndarray, seed: int
) -> np.ndarray:
    outcomes = cases.outcomes[learn]
    if outcomes.all() or not outcomes.any():
        return np.full(len(features), float(outcomes.any()))
    trees = fit_probability(cases.features[learn], outcomes, np.ones(len(outcomes)), seed=seed)
    probabilities: np.ndarray = 1.0 / (1.0 + np.exp(-trees.scores(features)))
    return probabilities


def _propensities(features: np.ndarray, treated: np.ndarray, asked: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    if treated.all() or not treated.any():
        return np.full(len(asked), 0.5)
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale[scale < 1e-6] = 1.0
    model = LogisticRegression(max_iter=500).fit((features - mean) / scale, treated)
    chances = model.predict_proba((asked - mean) / scale)[:, 1]
    return np.clip(chances, _LEAST_PROPENSITY, 1.0 - _LEAST_PROPENSITY)
