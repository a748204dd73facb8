"""Confidence intervals of means by the bootstrap."""

from __future__ import annotations

import numpy as np

_RESAMPLES = 1_000


def mean_interval(values: np.ndarray, *, seed: int) -> dict[str, float]:
    """``mean``, and the ``low`` and ``high`` end of its 95 % interval (percentile bootstrap).

    Requests are resampled with replacement 1,000 times (Efron and Tibshirani 1993). The same seed
    and count give the same resamples, so that differences of two systems are paired.
    """
    if not len(values):
        return {"mean": 0.0, "low": 0.0, "high": 0.0}
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}
