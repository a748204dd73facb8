"""Calibration and discrimination of predicted probabilities."""

from __future__ import annotations

import numpy as np

_BIN_COUNT = 10


def reliability(
    probabilities: np.ndarray,
    happened: np.ndarray,
    *,
    threshold: float,
    weights: np.ndarray | None = None,
) -> dict[str, float]:
    """Calibration and discrimination of probabilities against the outcomes.

    Args:
        probabilities: ``[n]``, 0 to 1.
        happened: ``[n] bool`` outcomes, with at least one true and one false.
        threshold: A probability of at least this counts as a positive prediction.
        weights: ``[n]``, how many cases each stands for; None: one each.

    Returns:
        ``count`` of ``probabilities``, ``base_rate``, ``ece`` (expected calibration error over ten
        bins of equal counts), ``brier``, ``brier_of_base_rate`` (of always predicting the base rate),
        ``auc``, ``threshold``, and ``accuracy``, ``precision``, ``recall``, ``f1`` at it.
    """
    from sklearn.metrics import (
        accuracy_score,
        brier_score_loss,
        precision_recall_fscore_support,
        roc_auc_score,
    )

    happened = happened.astype(bool)
    base_rate = float(np.average(happened, weights=weights))
    predicted = probabilities >= threshold
    precision, recall, f1, _ = precision_recall_fscore_support(
        happened, predicted, average="binary", zero_division=0.0, sample_weight=weights
    )
    return {
        "count": len(happened),
        "base_rate": base_rate,
        "ece": expected_calibration_error(probabilities, happened, weights),
        "brier": float(brier_score_loss(happened, probabilities, sample_weight=weights)),
        "brier_of_base_rate": base_rate * (1.0 - base_rate),
        "auc": float(roc_auc_score(happened, probabilities, sample_weight=weights)),
        "threshold": threshold,
        "accuracy": float(accuracy_score(happened, predicted, sample_weight=weights)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def expected_calibration_error(
    probabilities: np.ndarray, happened: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean gap between predicted and observed frequency, over ten bins of equal counts."""
    weights = np.ones(len(probabilities)) if weights is None else weights
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(weights[part] @ (probabilities[part] - happened[part])))
        for part in np.array_split(order, _BIN_COUNT)
        if len(part)
    ]
    return float(sum(gaps) / weights.sum())


def best_threshold(probabilities: np.ndarray, happened: np.ndarray) -> float:
    """The probability threshold of the best F1."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(happened, probabilities)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return float(thresholds[int(np.argmax(f1[:-1]))])
