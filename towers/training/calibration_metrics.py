"""Calibration and discrimination of predicted probabilities."""

from __future__ import annotations

import numpy as np

_BIN_COUNT = 10


def reliability(
    probabilities: np.ndarray, happened: np.ndarray, *, threshold: float
) -> dict[str, float]:
    """Calibration and discrimination of probabilities against the outcomes.

    Args:
        probabilities: ``[n]``, 0 to 1.
        happened: ``[n] bool`` outcomes, with at least one true and one false.
        threshold: A probability of at least this counts as a positive prediction.

    Returns:
        ``count``, ``base_rate``, ``ece`` (expected calibration error over ten bins of equal
        counts), ``brier``, ``brier_of_base_rate`` (of always predicting the base rate), ``auc``,
        ``threshold``, and ``accuracy``, ``precision``, ``recall``, ``f1`` at it.
    """
    from sklearn.metrics import (
        accuracy_score,
        brier_score_loss,
        precision_recall_fscore_support,
        roc_auc_score,
    )

    happened = happened.astype(bool)
    base_rate = float(happened.mean())
    predicted = probabilities >= threshold
    precision, recall, f1, _ = precision_recall_fscore_support(
        happened, predicted, average="binary", zero_division=0.0
    )
    return {
        "count": len(happened),
        "base_rate": base_rate,
        "ece": expected_calibration_error(probabilities, happened),
        "brier": float(brier_score_loss(happened, probabilities)),
        "brier_of_base_rate": base_rate * (1.0 - base_rate),
        "auc": float(roc_auc_score(happened, probabilities)),
        "threshold": threshold,
        "accuracy": float(accuracy_score(happened, predicted)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
    }


def expected_calibration_error(probabilities: np.ndarray, happened: np.ndarray) -> float:
    """Mean gap between predicted and observed frequency, over ten bins of equal counts."""
    order = np.argsort(probabilities, kind="stable")
    gaps = [
        abs(float(probabilities[part].mean() - happened[part].mean())) * len(part)
        for part in np.array_split(order, _BIN_COUNT)
        if len(part)
    ]
    return sum(gaps) / len(probabilities)


def best_threshold(probabilities: np.ndarray, happened: np.ndarray) -> float:
    """The probability threshold of the best F1."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(happened, probabilities)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return float(thresholds[int(np.argmax(f1[:-1]))])
