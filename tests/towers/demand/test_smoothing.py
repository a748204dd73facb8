"""Each method's forecast, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from towers.demand.smoothing import (
    METHODS,
    croston,
    holt_winters,
    moving_average,
    seasonal_naive,
    simple_smoothing,
    tsb,
)


def test_seasonal_naive_repeats_the_last_season() -> None:
    history = np.array([[1.0, 2, 3, 4, 5, 6, 7]])
    assert seasonal_naive(history, 5, 3).tolist() == [[5, 6, 7, 5, 6]]
    assert seasonal_naive(history, 2, 1).tolist() == [[7, 7]]


def test_the_moving_average_is_over_whole_seasons() -> None:
    history = np.array([[100.0, *range(1, 13)]])
    # Four seasons of three: 1 to 12.
    assert moving_average(history, 2, 3) == pytest.approx(np.full((1, 2), 6.5))
    assert moving_average(history, 1, 1) == pytest.approx(np.array([[np.mean(range(5, 13))]]))


def test_simple_smoothing_takes_the_parameter_of_the_least_error() -> None:
    history = np.array([[10.0, 20, 20, 20, 20], [10.0, 12, 8, 12, 8]])
    level, by_alpha = 10.0, {}
    # A step up is followed best by the largest parameter of the grid, 0.7.
    for value in history[0, 1:]:
        level += 0.7 * (value - level)
    for alpha in (0.05, 0.1, 0.2, 0.4, 0.7):
        state, error = 10.0, 0.0
        for value in history[1, 1:]:
            error += (value - state) ** 2
            state += alpha * (value - state)
        by_alpha[error] = state
    found = simple_smoothing(history, 2, 1)
    assert found == pytest.approx(np.array([[level] * 2, [by_alpha[min(by_alpha)]] * 2]))


def test_holt_winters_takes_one_step_as_its_equations_say() -> None:
    # A season of two, one season to begin with: level 3, seasons −1 and 1, trend 0. Whatever the
    # parameters, a third value that is as forecast changes nothing.
    assert holt_winters(np.array([[2.0, 4.0, 2.0]]), 3, 2) == pytest.approx(np.array([[4, 2, 4.0]]))
    # A third value of 5 has the same first error for all parameters, so the first of the grid is
    # taken: alpha .05, beta .01, gamma .05.
    level = 0.05 * (5 + 1) + 0.95 * 3
    trend = 0.01 * (level - 3)
    season = 0.05 * (5 - level) + 0.95 * -1
    expected = [level + 0.95 * trend + 1, level + (0.95 + 0.95**2) * trend + season]
    assert holt_winters(np.array([[2.0, 4.0, 5.0]]), 2, 2) == pytest.approx(np.array([expected]))


def test_holt_winters_continues_a_season_that_it_has_seen() -> None:
    week = np.array([5.0, 6, 7, 8, 12, 20, 2])
    found = holt_winters(np.tile(week, 8)[None, :-2], 4, 7)
    assert found == pytest.approx(np.array([[20, 2, 5, 6.0]]))


def test_croston_divides_smoothed_sizes_by_smoothed_intervals() -> None:
    # Two pieces every third period, always: size 2, interval 3, whatever the parameter; the smallest
    # has the least error, 0.05, and corrects by 1 − 0.05 / 2 or its neighbours by theirs.
    history = np.tile([0.0, 0, 2], 12)[None]
    candidates = [(1 - alpha / 2) * 2 / 3 for alpha in (0.05, 0.1, 0.2)]
    found = croston(history, 2, 1)
    assert found[0, 0] == found[0, 1]
    assert min(abs(found[0, 0] - one) for one in candidates) < 1e-9
    assert croston(np.zeros((1, 9)), 1, 1).tolist() == [[0.0]]


def test_tsb_falls_to_nothing_where_nothing_sells_any_more_and_croston_does_not() -> None:
    history = np.concatenate([np.tile([0.0, 3], 10), np.zeros(30)])[None]
    chances = []
    for alpha in (0.05, 0.1, 0.2, 0.4):
        chance = 0.5
        for value in history[0]:
            chance += alpha * ((value > 0) - chance)
        chances.append(3 * chance)
    found = tsb(history, 1, 1)[0, 0]
    assert min(abs(found - one) for one in chances) < 1e-9
    assert found < 0.4
    assert croston(history, 1, 1)[0, 0] > 1.0


@pytest.mark.parametrize("name", METHODS)
def test_each_series_is_forecast_as_if_it_were_alone(name: str) -> None:
    rng = np.random.default_rng(6)
    history = rng.poisson(rng.uniform(0.1, 9, 6)[:, None], (6, 60)).astype(float)
    together = METHODS[name](history, 9, 7)
    assert together.shape == (6, 9) and (together >= 0).all()
    for row in range(6):
        assert METHODS[name](history[row : row + 1], 9, 7) == pytest.approx(together[row : row + 1])
