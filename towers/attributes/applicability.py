"""Whether a field applies to an item: a shoe lacks a cable length for a reason."""

from __future__ import annotations

import numpy as np

from towers.attributes.item_features import View

_FOLDS = 3
_KEPT_SHARE = 0.98
"""Of the items that have the field, those that count as items to which it applies."""
_MINIMUM = 20
_SAMPLE = 20_000


def unlike_holders(view: View, holders: np.ndarray, others: np.ndarray, *, seed: int) -> np.ndarray:
    """Which of ``others`` are unlike every item that has the field, ``[n] bool``.

    A linear classifier tells holders from others by their words, each third judged by a model of the
    other two. An item is unlike where its score is below that of 98 of 100 holders; so where items lack
    the field at random, no more than about one in fifty is lost.

    Args:
        holders: ``[n] int64`` rows that have the field.
        others: ``[n] int64`` rows that lack it.
    """
    rng = np.random.default_rng(seed)
    has_words = np.diff(view.words.indptr) > 0
    known, asked = holders[has_words[holders]], others[has_words[others]]
    unlike = np.zeros(len(others), bool)
    if min(len(known), len(asked)) < _MINIMUM:
        return unlike
    known = rng.permutation(known)[:_SAMPLE]
    scores = _held_out_scores(view, known, asked, rng, seed)
    limit = np.quantile(scores[: len(known)], 1.0 - _KEPT_SHARE)
    unlike[has_words[others]] = scores[len(known) :] < limit
    return unlike


def _held_out_scores(
    view: View, known: np.ndarray, asked: np.ndarray, rng: np.random.Generator, seed: int
) -> np.ndarray:
    from sklearn.svm import LinearSVC

    rows = np.concatenate([known, asked])
    labels = np.arange(len(rows)) < len(known)
    folds = np.empty(len(rows), np.int64)
    for part in (labels, ~labels):
        folds[part] = rng.permutation(np.count_nonzero(part)) % _FOLDS
    scores = np.zeros(len(rows))
    for fold in range(_FOLDS):
        learnt = np.flatnonzero(folds != fold)
        learnt = learnt if len(learnt) <= 2 * _SAMPLE else rng.choice(learnt, 2 * _SAMPLE, False)
        model = LinearSVC(C=0.3, tol=1e-2, class_weight="balanced", random_state=seed)
        model.fit(view.words[rows[learnt]], labels[learnt])
        asked_here = folds == fold
        scores[asked_here] = model.decision_function(view.words[rows[asked_here]])
    return scores
