"""Every model behind one signature, and its probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from towers.attributes.classifiers import CLASSICAL, Scores
from towers.attributes.item_features import View
from towers.models.predictors.attribute_network import NETWORKS, TrainedAttributeNetwork

HEAD = "picture_head"
"""The image encoder's own classes, and what words say of them by naive Bayes."""

MODELS = (*CLASSICAL, *NETWORKS, HEAD)
"""In the order of the report."""

_ASKED = 2_048
_UNKNOWN_SCORE = -30.0
_TEMPERATURES = np.geomspace(0.05, 8.0, 40)


class Guess(NamedTuple):
    """The likeliest class of each row: ``classes [n] int64`` and its ``shares [n] float64``."""

    classes: np.ndarray
    shares: np.ndarray


def can_fit(name: str, view: View) -> bool:
    """Whether the view has what a model reads."""
    return name != HEAD or view.head is not None


def fit_model(
    name: str,
    view: View,
    classes: Sequence[str],
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
) -> Scores:
    """Fits one of ``MODELS``.

    Args:
        classes: Values by the number of their class.
        rows: ``[n] int64`` rows of the view to learn from.
        labels: ``[n] int64`` their classes; a class that none of them has is never predicted.
        seed: Of whatever the model draws.
    """
    from threadpoolctl import threadpool_limits

    known, dense = np.unique(labels, return_inverse=True)
    if len(known) == 1:
        return lambda asked: (
            np.where(np.arange(known[0] + 1) == known[0], 0.0, -np.inf) * np.ones((len(asked), 1))
        )
    # One thread each, for times that compare.
    with threadpool_limits(1):
        scores = (
            CLASSICAL[name](view, rows, dense, seed)
            if name in CLASSICAL
            else _head(view, [classes[one] for one in known.tolist()], rows, dense, seed)
            if name == HEAD
            else _network(name, view, rows, dense, seed)
        )

    def of_all(asked: np.ndarray) -> np.ndarray:
        with threadpool_limits(1):
            found = scores(asked)
        every = np.full((len(asked), known[-1] + 1), -np.inf, np.float32)
        every[:, known] = found
        return every

    return of_all


def guess(scores: np.ndarray, temperature: float) -> Guess:
    """The likeliest class by ``scores [n, classes]``, and its share by softmax at a temperature."""
    scaled = scores.astype(np.float64) / temperature
    best = scaled.argmax(axis=1)
    return Guess(best, np.exp(scaled[np.arange(len(best)), best] - _log_total(scaled)))


def guesses(scores: Scores, rows: np.ndarray, temperature: float) -> Guess:
    """The guesses of a model for ``rows [n]``, in batches."""
    parts = [
        guess(scores(rows[start : start + _ASKED]), temperature)
        for start in range(0, len(rows), _ASKED)
    ]
    if not parts:
        return Guess(np.zeros(0, np.int64), np.zeros(0))
    return Guess(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def best_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the least cross-entropy over the rows whose label has a finite score.

    Args:
        scores: ``[n, classes]``.
        labels: ``[n] int64``; negative ones are left out.
    """
    known = (labels >= 0) & (labels < scores.shape[1])
    known[known] = np.isfinite(scores[known, labels[known]])
    if not known.any():
        return 1.0
    own = scores[known, labels[known]].astype(np.float64)
    losses = [np.mean(_log_total(scores[known] / one) - own / one) for one in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _log_total(scores: np.ndarray) -> np.ndarray:
    highest = scores.max(axis=1)
    return highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))


def _head(
    view: View, classes: Sequence[str], rows: np.ndarray, labels: np.ndarray, seed: int
) -> Scores:
    assert view.head is not None
    number_of = {value: number for number, value in enumerate(view.head_classes)}
    # A class that the encoder does not know is the last one, of no score.
    columns = np.array([number_of.get(value, len(number_of)) for value in classes], np.int64)
    found = np.column_stack([view.head, np.full(len(view.head), -np.inf, np.float32)])[:, columns]
    found = np.where(np.isfinite(found), found, _UNKNOWN_SCORE)
    by_words = CLASSICAL["naive_bayes"](view, rows, labels, seed) if view.words[rows].nnz else None
    # Both know how frequent a class is, which counts once.
    frequency = np.log(np.bincount(labels) / len(labels))

    def scores(asked: np.ndarray) -> np.ndarray:
        of_picture = found[asked] - _log_total(found[asked])[:, None]
        return of_picture if by_words is None else of_picture + by_words(asked) - frequency

    return scores


def _network(name: str, view: View, rows: np.ndarray, labels: np.ndarray, seed: int) -> Scores:
    def columns(asked: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"tokens": view.tokens[asked], "vectors": view.vectors[asked]}

    training = {**columns(rows), "labels": labels}
    network = TrainedAttributeNetwork(
        name, int(labels.max()) + 1, view.token_vectors, training, seed=seed
    )
    return lambda asked: network.logits(columns(asked))
