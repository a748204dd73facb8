"""Counts, prices and promotions of items and categories by day or week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.errors import InputError
from data.records import EventType
from data.split import DAY_SECONDS
from data.tables import Tables, event_micros

ITEM, CATEGORY = "item", "category"
WEEK = 7

_WEEKS_OF_YEAR = 52
_YEARS = 3
_DAILY_SHARE = 0.5
_USUAL_PERIODS = 8
_PATH_SEPARATOR = " > "


@dataclass(frozen=True, eq=False)
class DemandSeries:
    """Series of equal length, one for each item or category.

    Args:
        kinds: ``[series]`` of ``item`` and ``category``.
        keys: ``[series]`` item ids, and category paths as ``Dairy > Milk``.
        start_time: Begin of the first period, seconds since 1970, midnight UTC.
        period_days: 1 or 7.
        counts: ``[series, periods] float64`` purchases (lines of a basket, not pieces: one order of
            thousands would hide everything else).
        prices: ``[series, periods] float64`` mean price paid; where nothing was sold the one before,
            NaN before the first.
        promotions: ``[series, periods] float64`` how far the price is below the median of the
            ``8`` periods before, as a share of it; 0 to 1.
    """

    kinds: np.ndarray
    keys: np.ndarray
    start_time: float
    period_days: int
    counts: np.ndarray
    prices: np.ndarray
    promotions: np.ndarray

    @property
    def period_count(self) -> int:
        """Periods."""
        return self.counts.shape[1]

    @property
    def season(self) -> int:
        """Periods of a season: a week of days; a year of weeks where three years are known, else 1.

        Of three years, two are left to learn from before the parts that forecasts are measured on.
        """
        if self.period_days == 1:
            return WEEK
        return _WEEKS_OF_YEAR if self.period_count >= _YEARS * _WEEKS_OF_YEAR else 1

    def time_of(self, period: int) -> float:
        """Begin of a period, which may lie in the future, seconds since 1970."""
        return self.start_time + period * self.period_days * DAY_SECONDS

    @classmethod
    def of(
        cls, tables: Tables, *, period_days: int | None, item_limit: int, until_share: float
    ) -> DemandSeries:
        """From the purchases of clean tables.

        The days that the log begins and ends in are left out, since it may hold them in part. Weeks
        are counted back from the last whole day.

        Args:
            period_days: 1 or 7; None chooses days if the items sell on half of all days or more.
            item_limit: The most bought items; all categories that hold purchases are kept.
            until_share: Items are chosen by what is bought in this first share of the days, so that
                the choice knows nothing of the periods that forecasts are measured on.

        Raises:
            InputError: The log holds fewer than three days of purchases.
        """
        events = tables.events
        bought = np.flatnonzero(events["type"].to_numpy() == EventType.PURCHASE)
        days = event_micros(events)[bought] // int(DAY_SECONDS * 1e6)
        if not len(days) or days.max() - days.min() < 2:
            raise InputError(f"{tables.path}: expected purchases of three days or more")
        first, day_count = int(days.min()) + 1, int(days.max() - days.min()) - 1
        is_whole = (days >= first) & (days < first + day_count)
        bought, days = bought[is_whole], days[is_whole] - first
        row_of = {item_id: row for row, item_id in enumerate(tables.items["item_id"].to_pylist())}
        ids = events["item_id"].take(bought).to_pylist()
        rows = np.array([row_of.get(item_id, -1) for item_id in ids], np.int64)
        prices = events["price"].to_numpy(zero_copy_only=False).astype(np.float64)[bought]
        known = days < day_count * until_share
        totals = np.bincount(rows[known & (rows >= 0)], minlength=len(row_of))
        chosen = np.argsort(-totals, kind="stable")[:item_limit]
        chosen = chosen[totals[chosen] > 0]
        number_of = np.full(len(row_of) + 1, -1, np.int64)
        number_of[chosen] = np.arange(len(chosen))
        of_item = number_of[rows]
        if period_days is None:
            # The share of item-days with a sale, over the days that the choice knows.
            cells = np.unique(
                of_item[known & (of_item >= 0)] * day_count + days[known & (of_item >= 0)]
            )
            share = len(cells) / max(1, len(chosen) * int(day_count * until_share))
            period_days = 1 if share >= _DAILY_SHARE else WEEK
        skipped = day_count % period_days
        period_count = day_count // period_days
        periods = (days - skipped) // period_days
        keys = tables.items["item_id"].take(chosen).to_pylist()
        names: dict[str, int] = {}
        entries = [(of_item, np.arange(len(days)))]
        paths = tables.items["category"].to_pylist()
        levels = [
            [
                names.setdefault(_PATH_SEPARATOR.join(path[: depth + 1]), len(names))
                for depth in range(len(path))
            ]
            for path in paths
        ]
        for depth in range(max(map(len, levels), default=0)):
            at_depth = np.array([one[depth] if depth < len(one) else -1 for one in levels] + [-1])
            number = at_depth[rows]
            shifted = np.where(number >= 0, number + len(keys), -1)
            entries.append((shifted, np.arange(len(days))))
        series = np.concatenate([number for number, _ in entries])
        lines = np.concatenate([line for _, line in entries])
        is_used = (series >= 0) & (periods[lines] >= 0)
        series, lines = series[is_used], lines[is_used]
        cells = series * period_count + periods[lines]
        shape = (len(keys) + len(names), period_count)
        counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
        has_price = np.isfinite(prices[lines])
        sums = np.bincount(
            cells[has_price], prices[lines][has_price], minlength=shape[0] * shape[1]
        )
        priced = np.bincount(cells[has_price], minlength=shape[0] * shape[1])
        means = np.divide(sums, priced, out=np.full(len(sums), np.nan), where=priced > 0)
        filled = _carried_forward(means.reshape(shape))
        sold = counts[:, : max(1, int(period_count * until_share))].sum(axis=1) > 0
        return cls(
            np.array([ITEM] * len(keys) + [CATEGORY] * len(names))[sold],
            np.array([*keys, *names])[sold],
            (first + skipped) * DAY_SECONDS,
            period_days,
            counts[sold].astype(np.float64),
            filled[sold],
            _promotions(filled[sold]),
        )


def _carried_forward(values: np.ndarray) -> np.ndarray:
    """Each row's gaps (NaN) filled with the value before."""
    places = np.where(np.isfinite(values), np.arange(values.shape[1]), 0)
    return np.take_along_axis(values, np.maximum.accumulate(places, axis=1), axis=1)


def _promotions(prices: np.ndarray) -> np.ndarray:
    """How far each price is below the median of the ``_USUAL_PERIODS`` before, as a share."""
    result = np.zeros_like(prices)
    for period in range(1, prices.shape[1]):
        before = prices[:, max(0, period - _USUAL_PERIODS) : period]
        known = np.isfinite(before).any(axis=1) & np.isfinite(prices[:, period])
        usual = np.nanmedian(before[known], axis=1)
        result[known, period] = 1.0 - prices[known, period] / np.maximum(usual, 1e-9)
    return np.clip(result, 0.0, 1.0)
