"""How far forecasts are from what was sold."""

from __future__ import annotations

import numpy as np


def naive_error(history: np.ndarray, season: int) -> np.ndarray:
    """Mean absolute difference of values one season apart, ``[series]``: what MASE divides by."""
    return np.abs(history[:, season:] - history[:, :-season]).mean(axis=1)


def error_measures(
    actual: np.ndarray, forecast: np.ndarray, scale: np.ndarray
) -> dict[str, float | None]:
    """Errors over all origins, series and steps.

    Args:
        actual, forecast: ``[origins, series, horizon]``.
        scale: ``[series]``, as ``naive_error`` of the history before the first origin.

    Returns:
        ``wape``: the sum of absolute errors over the sum sold. ``mase`` (Hyndman and Koehler 2006): the
        mean over series of their mean absolute error over their ``scale``, where that is not 0.
        ``bias``: the sum forecast over the sum sold, less 1. None where the divisor is 0.
    """
    errors = np.abs(forecast - actual)
    total = actual.sum()
    scaled = errors.mean(axis=(0, 2))[scale > 0] / scale[scale > 0]
    return {
        "wape": float(errors.sum() / total) if total else None,
        "mase": float(scaled.mean()) if len(scaled) else None,
        "bias": float(forecast.sum() / total - 1.0) if total else None,
    }
