"""What the network reads: windows of series before an origin, and what followed."""

from __future__ import annotations

import numpy as np

from data.split import DAY_SECONDS
from towers.demand.series import CATEGORY, WEEK, DemandSeries

_SMALLEST_LEVEL = 0.05
_SEASON_PRIOR = 0.2
_LEAST_PRICE = 1e-6
_YEAR_DAYS = 365.25
_HALF_LIFE = {1: 14.0, 7: 4.0}


def windows(
    series: DemandSeries,
    rows: np.ndarray,
    origins: np.ndarray,
    *,
    window: int,
    horizon: int,
) -> dict[str, np.ndarray]:
    """Columns of ``DemandNetwork`` for pairs of a series and an origin.

    All but ``counts`` reads periods before the origin only: prices and promotions of the time to come
    are taken as unknown. What the whole shop sells is left out on purpose: it is the same for all
    series, so that the network would know a period of training by it.

    Args:
        rows: ``[n] int64`` series.
        origins: ``[n] int64``, each from ``window`` on: the first period that is forecast.

    Returns:
        ``past [n, window, 8]``, ``fixed [n, 3]``, ``future [n, horizon, 6]``, ``simple [n, horizon]``
        (an exponentially weighted mean of the window, times its season) and ``counts [n, horizon]``, 0
        where the series has ended; all float32.
    """
    before = origins[:, None] + np.arange(-window, 0)
    after = origins[:, None] + np.arange(horizon)
    past = series.counts[rows[:, None], before]
    weights = 0.5 ** (np.arange(window)[::-1] / _HALF_LIFE[series.period_days])
    level = np.maximum(past @ weights / weights.sum(), _SMALLEST_LEVEL)
    prices = np.log(np.maximum(series.prices[rows[:, None], before], _LEAST_PRICE))
    known = np.isfinite(prices)
    usual = np.where(known, prices, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    columns = [
        _relative(past, level[:, None]),
        past > 0,
        np.where(known, prices - usual[:, None], 0.0),
        series.promotions[rows[:, None], before],
        *_calendar(series, before),
    ]
    fixed = [np.log1p(level), series.kinds[rows] == CATEGORY, (past > 0).mean(axis=1)]
    steps = np.broadcast_to(np.arange(1, horizon + 1) / horizon, after.shape)
    season = _same_season(past, horizon, series.season)
    seasonal = (season + _SEASON_PRIOR) / (past.mean(axis=1, keepdims=True) + _SEASON_PRIOR)
    future = [steps, _relative(season, level[:, None]), *_calendar(series, after)]
    exists = after < series.period_count
    counts = series.counts[rows[:, None], np.minimum(after, series.period_count - 1)]
    return {
        "past": np.stack(columns, axis=-1).astype(np.float32),
        "fixed": np.stack(fixed, axis=-1).astype(np.float32),
        "future": np.stack(future, axis=-1).astype(np.float32),
        "simple": (level[:, None] * seasonal).astype(np.float32),
        "counts": np.where(exists, counts, 0.0).astype(np.float32),
    }


def _relative(counts: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Counts against their level as logarithms, finite at 0."""
    return np.log((counts + level) / (2.0 * level))


def _same_season(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """Mean of the window's periods at the same place of the season, ``[n, horizon]``."""
    if season == 1 or past.shape[1] < season:
        return np.repeat(past.mean(axis=1, keepdims=True), horizon, axis=1)
    whole = past.shape[1] - past.shape[1] % season
    means = past[:, -whole:].reshape(len(past), -1, season).mean(axis=1)
    return means[:, np.arange(horizon) % season]


def _calendar(series: DemandSeries, periods: np.ndarray) -> list[np.ndarray]:
    """Day of the week (days only) and of the year as points on a circle.

    The day of the year only where two years are known: before, it could only tell the network which
    period of training it looks at.
    """
    days = (series.start_time / DAY_SECONDS + periods * series.period_days).astype(np.float64)
    nothing = np.zeros(periods.shape)
    week = [np.sin(2 * np.pi * days / WEEK), np.cos(2 * np.pi * days / WEEK)]
    year = [np.sin(2 * np.pi * days / _YEAR_DAYS), np.cos(2 * np.pi * days / _YEAR_DAYS)]
    has_years = series.period_count * series.period_days >= 2 * _YEAR_DAYS
    return [
        *(week if series.period_days == 1 else [nothing] * 2),
        *(year if has_years else [nothing] * 2),
    ]
