"""The demand network corrects a simple forecast, towards what is expected and not the median."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.predictors.demand_network import DemandNetwork, TrainedForecaster


def columns(count: int, *, seed: int) -> dict[str, np.ndarray]:
    """One sale in four periods, of which the simple forecast expects twice as many."""
    rng = np.random.default_rng(seed)
    return {
        "past": rng.normal(size=(count, 6, 2)).astype(np.float32),
        "fixed": rng.normal(size=(count, 1)).astype(np.float32),
        "future": rng.normal(size=(count, 3, 2)).astype(np.float32),
        "simple": np.full((count, 3), 0.5, np.float32),
        "counts": (rng.random((count, 3)) < 0.25).astype(np.float32),
    }


def test_an_untrained_network_gives_the_simple_forecast() -> None:
    assert DemandNetwork(seed=1)(columns(5, seed=1)).numpy() == pytest.approx(np.zeros((5, 3)))


def test_a_trained_network_expects_the_mean_where_the_median_is_nothing() -> None:
    training, validation = columns(1_500, seed=2), columns(300, seed=3)
    network = TrainedForecaster(training, validation, epoch_limit=6, seed=4)
    assert network.rates(columns(400, seed=5)).mean() == pytest.approx(0.25, abs=0.03)
