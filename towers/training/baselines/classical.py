"""Classical baselines on the reranker's own lists and features.

Pointwise: each candidate of each list is one case, relevant or not. The reranker is compared with
them; serving does not use them. All three reduce to weights of the features and their squares.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAMES = ("linear_regression", "logistic_regression", "naive_bayes")
FILE_NAME = "classical.npy"

_ROW_LIMIT = 300_000
_LEAST_VARIANCE = 1e-4


def fit_classical(features: np.ndarray, relevant: np.ndarray, *, seed: int) -> np.ndarray:
    """Fits all three with scikit-learn.

    Args:
        features: ``[n, features] float32``.
        relevant: ``[n] bool``, with at least one true and one false.

    Returns:
        ``[len(NAMES), 2 · features + 1] float64``: weights of the features, of their squares, and
        a constant.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    if len(features) > _ROW_LIMIT:
        chosen = np.random.default_rng(seed).choice(len(features), _ROW_LIMIT, replace=False)
        features, relevant = features[chosen], relevant[chosen]
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    scale[scale < 1e-6] = 1.0
    x = (features - mean) / scale
    linear = LinearRegression().fit(x, relevant.astype(np.float64))
    logistic = LogisticRegression(max_iter=500).fit(x, relevant)
    bayes = GaussianNB(var_smoothing=_LEAST_VARIANCE).fit(x, relevant)
    (no, yes), (no_var, yes_var) = bayes.theta_, bayes.var_
    prior = float(np.log(bayes.class_prior_[1] / bayes.class_prior_[0]))
    constant = prior + 0.5 * float(
        (np.log(no_var / yes_var) + no**2 / no_var - yes**2 / yes_var).sum()
    )
    nothing = np.zeros(len(mean))
    standard = [
        (linear.coef_, nothing, float(linear.intercept_)),
        (logistic.coef_[0], nothing, float(logistic.intercept_[0])),
        (yes / yes_var - no / no_var, 0.5 * (1.0 / no_var - 1.0 / yes_var), constant),
    ]
    return np.stack([_of_raw(*parts, mean, scale) for parts in standard])


def classical_scores(weights: np.ndarray, features: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of ``features [n, features]`` by name, ``[n] float64`` each; larger is better."""
    x = features.astype(np.float64)
    terms = np.concatenate([x, x**2, np.ones((len(x), 1))], axis=1)
    return dict(zip(NAMES, (terms @ weights.T).T, strict=True))


def load_classical(folder: Path) -> np.ndarray | None:
    """The weights of a bundle's training half; None where no reranker was trained."""
    path = folder / FILE_NAME
    return np.load(path, allow_pickle=False) if path.exists() else None


def _of_raw(
    first: np.ndarray, second: np.ndarray, constant: float, mean: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Weights for raw features, from weights for standardised ones."""
    square = second / scale**2
    single = first / scale - 2.0 * mean * square
    rest = constant - float((first * mean / scale).sum()) + float((mean**2 * square).sum())
    return np.concatenate([single, square, [rest]])
