"""The classical models over words and vectors, as scikit-learn has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import sparse

from towers.attributes.item_features import View

_TREE_WORDS = 1_000
_TREE_VECTOR_DIMS = 32
_VECTOR_WEIGHT = 0.5
"""Of the item's unit vector beside the words, whose rows have length 1."""
_NEIGHBOURS = 10
_SMALLEST_SHARE = 1e-6

Scores = Callable[[np.ndarray], np.ndarray]
"""Rows ``[n] int64`` of the view to ``[n, classes] float32`` scores, shares of 1 by softmax."""


def _linear_svm(view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    from sklearn.svm import LinearSVC

    # The default tolerance takes three times as long for the same answers.
    model = LinearSVC(C=1.0, tol=1e-3, random_state=seed)
    features = sparse.hstack([view.words, _VECTOR_WEIGHT * sparse.csr_matrix(view.vectors)]).tocsr()
    model.fit(features[rows], labels)

    def scores(asked: np.ndarray) -> np.ndarray:
        margins = model.decision_function(features[asked])
        return np.column_stack([-margins, margins]) if margins.ndim == 1 else margins

    return scores


def _naive_bayes(view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    from sklearn.naive_bayes import GaussianNB, MultinomialNB

    if view.words[rows].nnz:
        # It counts words; vectors have negative values.
        model: Any = MultinomialNB(alpha=0.05)
        features: Any = view.words
    else:
        model, features = GaussianNB(var_smoothing=1e-2), view.vectors
    model.fit(features[rows], labels)
    return lambda asked: model.predict_log_proba(features[asked])


def _tree_features(view: View, rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The words that tell classes apart best (chi-squared), and the vectors' main components."""
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import chi2

    words = view.words
    if words.shape[1] > _TREE_WORDS:
        told, _ = chi2(words[rows], labels)
        words = words[:, np.sort(np.argsort(-np.nan_to_num(told))[:_TREE_WORDS])]
    vectors = view.vectors
    dims = min(_TREE_VECTOR_DIMS, len(rows), vectors.shape[1])
    if vectors.shape[1] > dims:
        vectors = PCA(dims, random_state=0).fit(vectors[rows]).transform(vectors)
    return np.hstack([words.toarray(), vectors]).astype(np.float32)


def _trees(model: Any, view: View, rows: np.ndarray, labels: np.ndarray) -> Scores:
    features = _tree_features(view, rows, labels)
    model.fit(features[rows], labels)
    return lambda asked: np.log(np.maximum(model.predict_proba(features[asked]), _SMALLEST_SHARE))


def _decision_tree(view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    from sklearn.tree import DecisionTreeClassifier

    return _trees(DecisionTreeClassifier(random_state=seed), view, rows, labels)


def _random_forest(view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    from sklearn.ensemble import RandomForestClassifier

    return _trees(RandomForestClassifier(100, random_state=seed), view, rows, labels)


def _nearest_neighbours(view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    from sklearn.neighbors import KNeighborsClassifier

    count = min(_NEIGHBOURS, len(rows))
    model = KNeighborsClassifier(count, weights="distance")
    model.fit(view.vectors[rows], labels)
    return lambda asked: np.log(
        np.maximum(model.predict_proba(view.vectors[asked]), _SMALLEST_SHARE)
    )


CLASSICAL: Mapping[str, Callable[[View, np.ndarray, np.ndarray, int], Scores]] = {
    "naive_bayes": _naive_bayes,
    "linear_svm": _linear_svm,
    "decision_tree": _decision_tree,
    "random_forest": _random_forest,
    "nearest_neighbours": _nearest_neighbours,
}
"""Fitters by name; each takes the view, the rows to learn from, their labels (every class from 0 on at
least once) and a seed."""
