"""Forecasts without training: naive, averages, exponential smoothing, and for intermittent demand.

All take ``history [series, periods] float64``, a number of periods to come and the periods of a
season, and return ``[series, horizon] float64``, 0 or more. Parameters are chosen for each series from
a grid, by the squared error of one step ahead within the history. All series and all parameters run at
once, so that a thousand series take a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import numpy as np

_ALPHAS = (0.05, 0.1, 0.2, 0.4, 0.7)
_BETAS = (0.01, 0.1)
_GAMMAS = (0.05, 0.2)
_DAMPING = 0.95
_AVERAGED_SEASONS = 4
_AVERAGED_PERIODS = 8


def seasonal_naive(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The last season once more; with a season of 1 the last value."""
    places = history.shape[1] - season + np.arange(horizon) % season
    return history[:, places]


def moving_average(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """The mean of the last four seasons, or of the last eight periods where there is no season."""
    length = _AVERAGED_SEASONS * season if season > 1 else _AVERAGED_PERIODS
    return _flat(history[:, -length:].mean(axis=1), horizon)


def simple_smoothing(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Simple exponential smoothing (Brown 1956): a level, which the forecast repeats."""
    alphas = np.array(_ALPHAS)[:, None]
    level = np.repeat(history[None, :, 0], len(alphas), axis=0)
    errors = np.zeros_like(level)
    for period in range(1, history.shape[1]):
        error = history[:, period] - level
        errors += error**2
        level = level + alphas * error
    return _flat(_best(level, errors), horizon)


def holt_winters(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Level, damped trend and additive season (Winters 1960; Gardner and McKenzie 1985).

    The level begins as the mean of the first season, the season as the differences from it, the trend
    as 0. With a season of 1 there is only level and trend (Holt 1957).
    """
    grid = itertools.product(_ALPHAS, _BETAS, _GAMMAS if season > 1 else (0.0,))
    alpha, beta, gamma = (np.array(values)[:, None] for values in zip(*grid, strict=True))
    first = history[:, :season]
    shape = (len(alpha), len(history))
    level = np.broadcast_to(first.mean(axis=1), shape).copy()
    trend = np.zeros(shape)
    seasons = [np.broadcast_to(first[:, at] - first.mean(axis=1), shape) for at in range(season)]
    errors = np.zeros(shape)
    for period in range(season, history.shape[1]):
        value, part = history[:, period], seasons[period % season]
        ahead = level + _DAMPING * trend
        errors += (value - ahead - part) ** 2
        before = level
        level = alpha * (value - part) + (1 - alpha) * ahead
        trend = beta * (level - before) + (1 - beta) * _DAMPING * trend
        # A season of one period is no season: its part stays 0.
        seasons[period % season] = gamma * (value - level) + (1 - gamma) * part
    damped = np.cumsum(_DAMPING ** np.arange(1, horizon + 1))
    end = history.shape[1]
    steps = [
        _best(level + damped[step] * trend + seasons[(end + step) % season], errors)
        for step in range(horizon)
    ]
    return np.maximum(np.stack(steps, axis=1), 0.0)


def croston(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Croston (1972) for intermittent demand, with the correction of Syntetos and Boylan (2005).

    Sizes of demand and the intervals between are smoothed apart; the forecast is their quotient.
    """
    alphas = np.array(_ALPHAS[:3])[:, None]
    shape = (len(alphas), len(history))
    size, interval = np.zeros(shape), np.ones(shape)
    since, started = np.zeros(len(history)), np.zeros(len(history), bool)
    errors = np.zeros(shape)
    for period in range(history.shape[1]):
        value = history[:, period]
        forecast = (1 - alphas / 2) * size / interval
        errors += np.where(started, (value - forecast) ** 2, 0.0)
        since += 1
        sells = value > 0
        begins = sells & ~started
        weight = np.where(begins, 1.0, np.where(sells, alphas, 0.0))
        size = size + weight * (value - size)
        interval = interval + weight * (since - interval)
        since[sells] = 0
        started |= sells
    return _flat(_best((1 - alphas / 2) * size / interval, errors), horizon)


def tsb(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Teunter, Syntetos and Babai (2011): the probability of a sale, times its size.

    Unlike Croston's, the forecast of what sells no more falls to nothing.
    """
    grid = itertools.product(_ALPHAS[:3], _ALPHAS[:4])
    of_size, of_chance = (np.array(values)[:, None] for values in zip(*grid, strict=True))
    shape = (len(of_size), len(history))
    sold = history > 0
    sales = np.maximum(sold.sum(axis=1), 1)
    size = np.broadcast_to(history.sum(axis=1) / sales, shape).copy()
    chance = np.broadcast_to(sold[:, :_AVERAGED_PERIODS].mean(axis=1), shape).copy()
    errors = np.zeros(shape)
    for period in range(history.shape[1]):
        value, sells = history[:, period], sold[:, period]
        errors += (value - chance * size) ** 2
        chance = chance + of_chance * (sells - chance)
        size = np.where(sells, size + of_size * (value - size), size)
    return _flat(_best(chance * size, errors), horizon)


METHODS: Mapping[str, Callable[[np.ndarray, int, int], np.ndarray]] = {
    "seasonal_naive": seasonal_naive,
    "moving_average": moving_average,
    "simple_smoothing": simple_smoothing,
    "holt_winters": holt_winters,
    "croston": croston,
    "tsb": tsb,
}
"""The methods by name."""


def _flat(level: np.ndarray, horizon: int) -> np.ndarray:
    return np.repeat(np.maximum(level, 0.0)[:, None], horizon, axis=1)


def _best(values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Of ``[parameters, series]`` each series' value of the least error."""
    return np.take_along_axis(values, errors.argmin(axis=0)[None], axis=0)[0]
