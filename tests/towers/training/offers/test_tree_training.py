"""The arrays of trees give what scikit-learn's own trees give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from towers.training.offers.tree_training import _as_arrays, fit_probability, fit_value


def test_scores_are_those_of_the_library_case_by_case() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(800, 5)).astype(np.float32)
    labels = features[:, 0] * features[:, 1] + rng.normal(size=800) > 0
    model = HistGradientBoostingClassifier(max_iter=30, early_stopping=False, random_state=1)
    model.fit(features, labels)
    trees = _as_arrays(model, features, model.decision_function)
    others = rng.normal(size=(500, 5)).astype(np.float32) * 3
    assert trees.scores(others) == pytest.approx(model.decision_function(others), abs=1e-6)


def test_probabilities_are_calibrated_to_weighted_cases() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(6_000, 3)).astype(np.float32)
    labels = rng.random(6_000) < np.where(features[:, 0] > 0, 0.4, 0.1)
    # Each negative stands for three.
    weights = np.where(labels, 1.0, 3.0)
    trees = fit_probability(features, labels, weights, seed=1)
    told = 1.0 / (1.0 + np.exp(-trees.scores(features)))
    high = features[:, 0] > 0
    assert told[high].mean() == pytest.approx(0.4 / (0.4 + 3 * 0.6), abs=0.03)
    assert told[~high].mean() == pytest.approx(0.1 / (0.1 + 3 * 0.9), abs=0.03)


def test_the_mean_with_a_linear_model_is_the_mean() -> None:
    rng = np.random.default_rng(4)
    features = rng.normal(size=(900, 3)).astype(np.float32)
    trees = fit_value(features, features[:, 0] ** 2, seed=1)
    weights = np.array([1.0, -2.0, 0.5])
    both = trees.averaged(weights, 3.0)
    expected = (trees.scores(features) + features @ weights + 3.0) / 2.0
    assert both.scores(features) == pytest.approx(expected)


def test_values_are_means() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(4_000, 3)).astype(np.float32)
    values = np.where(features[:, 1] > 0, 2.0, -1.0) + rng.normal(size=4_000)
    told = fit_value(features, values, seed=1).scores(features)
    assert told[features[:, 1] > 0.1].mean() == pytest.approx(2.0, abs=0.15)
    assert told[features[:, 1] < -0.1].mean() == pytest.approx(-1.0, abs=0.15)
