"""WAPE, MASE and bias, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from towers.demand.error_measures import error_measures, naive_error


def test_the_measures_are_those_worked_out_by_hand() -> None:
    history = np.array([[1.0, 3, 2, 6], [5.0, 5, 5, 5]])
    scale = naive_error(history, 2)
    assert scale.tolist() == [(1 + 3) / 2, 0.0]
    actual = np.array([[[4.0, 0], [5, 5]], [[2.0, 2], [5, 7]]])
    forecast = np.array([[[3.0, 1], [5, 5]], [[4.0, 2], [5, 5]]])
    found = error_measures(actual, forecast, scale)
    assert found["wape"] == pytest.approx((1 + 1 + 2 + 2) / 30)
    assert found["bias"] == pytest.approx(30 / 30 - 1)
    # Of the second series the naive forecast is never wrong: only the first is scaled.
    assert found["mase"] == pytest.approx(((1 + 1 + 2 + 0) / 4) / 2)


def test_nothing_sold_and_nothing_to_scale_by_have_no_measure() -> None:
    nothing = np.zeros((1, 2, 3))
    found = error_measures(nothing, nothing + 1.0, np.zeros(2))
    assert found == {"wape": None, "mase": None, "bias": None}
