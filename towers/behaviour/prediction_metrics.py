"""How good predictions are: of classes, and of the place of one item in a list."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from towers.training.calibration_metrics import best_threshold

_CUT = 10
_RESAMPLES = 200


def class_metrics(
    shares: np.ndarray, labels: np.ndarray, *, threshold: float | None
) -> dict[str, float]:
    """Metrics of predicted classes.

    With two classes precision, recall and F1 are those of the second one, predicted from
    ``threshold`` on; with more they are macro averages over the classes that occur, and the
    prediction is the likeliest class. AUC is one against the rest, averaged likewise.

    Args:
        shares: ``[n, classes]``, each row a distribution.
        labels: ``[n] int64``, at least two classes.
        threshold: For two classes; None for more.
    """
    from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

    if threshold is None:
        predicted = shares.argmax(axis=1)
        averages: dict[str, object] = {"average": "macro", "labels": np.unique(labels)}
    else:
        predicted = (shares[:, 1] >= threshold).astype(np.int64)
        averages = {"average": "binary"}
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, zero_division=0.0, **averages
    )
    return {
        "accuracy": float(accuracy_score(labels, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "auc": class_auc(shares, labels),
        "log_loss": float(log_loss(labels, shares, labels=np.arange(shares.shape[1]))),
    }


def class_auc(shares: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve; over more than two classes the mean of one against the rest.

    scikit-learn's takes a millisecond a call for its checks alone, and an interval takes thousands.
    """
    if shares.shape[1] == 2:
        return _auc(shares[:, 1], labels == 1)
    return float(np.mean([_auc(shares[:, one], labels == one) for one in np.unique(labels)]))


def _auc(scores: np.ndarray, happened: np.ndarray) -> float:
    """Share of pairs of a case that happened and one that did not that are in order; ties half."""
    others, own = np.sort(scores[~happened]), scores[happened]
    below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
    return float(below.mean() / (2.0 * len(others)))


def threshold_of(shares: np.ndarray, labels: np.ndarray) -> float | None:
    """The threshold of the best F1, for two classes; None for more."""
    return best_threshold(shares[:, 1], labels) if shares.shape[1] == 2 else None


def list_ranks(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Rank from 0 of the answer in each list, ``[n] int64``; of equal scores the earlier leads.

    Args:
        scores: ``[n, size]``, −inf where there is no candidate.
        answers: ``[n] int64`` positions.
    """
    own = np.take_along_axis(scores, answers[:, None], axis=1)
    is_earlier = np.arange(scores.shape[1]) < answers[:, None]
    return np.count_nonzero((scores > own) | ((scores == own) & is_earlier), axis=1)


def list_metrics(
    scores: np.ndarray, answers: np.ndarray, moment_count: int, *, temperature: float
) -> dict[str, float]:
    """Metrics of ranked candidates, one relevant item each.

    Accuracy is the share of moments whose first candidate is the item that came; precision, recall
    and F1 are those of the first ten. Moments without a list count as misses, but for AUC (the share
    of the other candidates that rank below the item) and log loss, which are means over lists.

    Args:
        scores: ``[lists, size]``, −inf where there is no candidate.
        answers: ``[lists] int64`` positions.
        moment_count: Lists, and moments without one.
        temperature: What scores are divided by before the softmax of the log loss.
    """
    ranks = list_ranks(scores, answers)
    others = np.isfinite(scores).sum(axis=1) - 1
    hits = ranks < _CUT
    recall = hits.sum() / moment_count
    precision = recall / _CUT
    return {
        "accuracy": float((ranks == 0).sum() / moment_count),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(2 * precision * recall / (precision + recall)) if recall else 0.0,
        "auc": float(np.mean(1.0 - ranks / np.maximum(others, 1))),
        "log_loss": list_loss(scores, answers, temperature),
        "ndcg@10": float(ndcg(ranks).sum() / moment_count),
    }


def ndcg(ranks: np.ndarray) -> np.ndarray:
    """NDCG at 10 of one relevant item at each rank from 0."""
    return np.where(ranks < _CUT, 1.0 / np.log2(2.0 + ranks), 0.0)


def list_loss(scores: np.ndarray, answers: np.ndarray, temperature: float) -> float:
    """Mean cross-entropy of the softmax of ``scores / temperature``."""
    scaled = scores / temperature
    top = scaled.max(axis=1, keepdims=True)
    totals = np.log(np.exp(scaled - top).sum(axis=1)) + top[:, 0]
    own = np.take_along_axis(scaled, answers[:, None], axis=1)[:, 0]
    return float(np.mean(totals - own))


def best_temperature(scores: np.ndarray, answers: np.ndarray) -> float:
    """The temperature of the least ``list_loss``, so that models without probabilities have one."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: list_loss(scores, answers, float(np.exp(log))), bounds=(-6, 6), method="bounded"
    )
    return float(np.exp(found.x))


def visit_interval(
    measure: Callable[[np.ndarray], float], visits: np.ndarray, *, seed: int
) -> tuple[float, float]:
    """95 % interval by the bootstrap over visits, since moments of one visit resemble each other.

    Args:
        measure: Of row numbers ``[n] int64``, with repetitions; NaN where it has no value.
        visits: ``[rows] int64`` visit of each row.
    """
    order = np.argsort(visits, kind="stable")
    starts = np.flatnonzero(np.diff(visits[order], prepend=-1))
    rows = np.split(order, starts[1:])
    rng = np.random.default_rng(seed)
    values = [
        measure(np.concatenate([rows[at] for at in rng.integers(0, len(rows), len(rows))]))
        for _ in range(_RESAMPLES)
    ]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
