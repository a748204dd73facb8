"""The classical models that the networks are compared with, as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_SMALLEST_SHARE = 1e-6
_LEAST_VARIANCE = 1e-3

Scores = Callable[[np.ndarray], np.ndarray]
"""``[n, features]`` to ``[n, classes] float64`` shares of 1."""


def _linear_regression(_: int) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=1.0)


def _logistic_regression(_: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500)


def _naive_bayes(_: int) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB(var_smoothing=_LEAST_VARIANCE)


def _linear_svm(seed: int) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(C=0.1, dual=False, random_state=seed)


def _decision_tree(seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=8, min_samples_leaf=20, random_state=seed)


def _random_forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        n_estimators=100, min_samples_leaf=10, max_samples=0.5, random_state=seed
    )


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.06,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        random_state=seed,
        early_stopping=False,
    )


CLASSICAL: Mapping[str, Callable[[int], Any]] = {
    "linear_regression": _linear_regression,
    "logistic_regression": _logistic_regression,
    "naive_bayes": _naive_bayes,
    "linear_svm": _linear_svm,
    "decision_tree": _decision_tree,
    "random_forest": _random_forest,
    "boosting": _boosting,
}
"""Makers of the models by name; each takes a seed."""


def fit_model(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    *,
    seed: int,
) -> Scores:
    """Fits one of ``CLASSICAL``.

    Linear regression (with a slight ridge, since some features are sums of others) learns a 1 for the
    label's class and a 0 for the others; its values are cut to 0 and 1. The margins of the support
    vector machine become shares by Platt scaling on the validation part, or on the training part
    where that lacks a class.

    Args:
        features: ``[n, features]``.
        labels: ``[n] int64`` from 0, every class at least once.
        validation: Features and labels later in time.
    """
    from threadpoolctl import threadpool_limits

    # One thread each, for times that compare; boosting's threads would wait for each other wherever
    # the cores have other work.
    with threadpool_limits(1):
        scores = _fitted(name, features.astype(np.float64), labels, validation, seed)

    def answer(values: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            shares = np.clip(scores(values), _SMALLEST_SHARE, 1.0)
        return shares / shares.sum(axis=1, keepdims=True)

    return answer


def _fitted(
    name: str,
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> Scores:
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale[scale < 1e-6] = 1.0

    def standard(values: np.ndarray) -> np.ndarray:
        return (values - mean) / scale

    class_count = int(labels.max()) + 1
    model = CLASSICAL[name](seed)
    if name == "linear_regression":
        model.fit(standard(features), np.eye(class_count)[labels])
        return lambda values: model.predict(standard(values))
    model.fit(standard(features), labels)
    if name != "linear_svm":
        return lambda values: model.predict_proba(standard(values))

    def margins(values: np.ndarray) -> np.ndarray:
        return model.decision_function(standard(values)).reshape(len(values), -1)

    values, outcomes = validation
    if len(np.unique(outcomes)) < class_count:
        values, outcomes = features, labels
    platt = LogisticRegression(max_iter=500).fit(margins(values), outcomes)
    return lambda values: platt.predict_proba(margins(values))
