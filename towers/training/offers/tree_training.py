"""Boosted trees by scikit-learn, as arrays that serving can evaluate."""

from __future__ import annotations

from typing import Any

import numpy as np

from towers.offers.boosted_trees import BoostedTrees

_TOLERANCE = 1e-5


def fit_probability(
    features: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    *,
    seed: int,
    iteration_count: int = 120,
    leaf_count: int = 15,
    leaf_samples: int = 40,
) -> BoostedTrees:
    """Trees whose value is the logit of the probability of a label.

    Args:
        features: ``[n, columns] float32``.
        labels: ``[n] bool``, with at least one true and one false.
        weights: ``[n] float64``, above 0.
        iteration_count: Number of trees; stopped earlier where a tenth of the cases, set apart, do
            not gain any more.
        leaf_count: Most leaves of a tree.
        leaf_samples: Least cases of a leaf; fewer where there are few cases.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=iteration_count,
        max_leaf_nodes=leaf_count,
        min_samples_leaf=min(leaf_samples, max(5, len(labels) // 20)),
        l2_regularization=5.0,
        early_stopping=len(labels) >= 2_000,
        n_iter_no_change=12,
        random_state=seed,
    )
    with _one_thread():
        model.fit(features, labels, sample_weight=weights)
    return _as_arrays(model, features, model.decision_function)


def fit_value(
    features: np.ndarray,
    values: np.ndarray,
    *,
    seed: int,
    iteration_count: int = 60,
    leaf_samples: int = 400,
) -> BoostedTrees:
    """Trees whose value is the mean of ``values [n] float64``; arguments as above."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        learning_rate=0.06,
        max_iter=iteration_count,
        max_leaf_nodes=8,
        min_samples_leaf=min(leaf_samples, max(5, len(values) // 20)),
        l2_regularization=5.0,
        early_stopping=False,
        random_state=seed,
    )
    with _one_thread():
        model.fit(features, values)
    return _as_arrays(model, features, model.predict)


def _one_thread() -> Any:
    """OpenMP's threads wait for each other actively: on a busy machine two take far longer than one."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="openmp")


def _as_arrays(model: Any, features: np.ndarray, predict: Any) -> BoostedTrees:
    # scikit-learn has no public view of these trees; what is read is compared with its predictions.
    parts = [predictor[0].nodes for predictor in model._predictors]
    sizes = [len(nodes) for nodes in parts]
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if parts else np.zeros(0)
    offsets = np.repeat(roots, sizes).astype(np.int64)
    nodes = np.concatenate(parts)
    is_leaf = nodes["is_leaf"].astype(bool)
    trees = BoostedTrees(
        roots.astype(np.int32),
        np.where(is_leaf, -1, nodes["feature_idx"]).astype(np.int32),
        nodes["num_threshold"].astype(np.float64),
        (nodes["left"] + offsets).astype(np.int32),
        (nodes["right"] + offsets).astype(np.int32),
        nodes["value"].astype(np.float64),
        np.array([np.asarray(model._baseline_prediction).item()]),
    )
    sample = features[:1_000]
    gap = float(np.abs(trees.scores(sample) - predict(sample)).max(initial=0.0))
    if not gap <= _TOLERANCE:
        raise AssertionError(f"trees: expected scikit-learn's own scores, received {gap:g} beside")
    return trees
