"""Counts, prices and promotions by period, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.records import Event, EventType, Item
from data.split import Split
from data.tables import Tables, events_table, items_table, judgments_table
from tests.towers.planted_week import DAY, START, planted_shop
from towers.demand.series import DemandSeries

ITEMS = [
    Item("milk", category=("Dairy", "Milk")),
    Item("cheese", category=("Dairy", "Cheese")),
    Item("soap"),
    Item("never"),
]


def bought(day: int, item: str, price: float | None, *, hour: float = 12.0) -> Event:
    time = START + day * DAY + hour * 3_600
    return Event(f"{day}-{item}-{hour}", EventType.PURCHASE, "ann", time, item, price=price)


def tables(events: list[Event]) -> Tables:
    return Tables(
        Path("tiny"),
        items_table(ITEMS),
        events_table(sorted(events, key=lambda event: event.time)),
        judgments_table([]),
        Split(0.0, 0.0),
        {},
    )


EVENTS = [
    bought(0, "milk", 1.0),
    bought(1, "milk", 1.0),
    bought(1, "milk", 3.0, hour=13.0),
    bought(2, "cheese", 5.0),
    bought(2, "soap", None),
    bought(4, "milk", 1.0),
    bought(5, "soap", 2.0),
    Event("look", EventType.VIEW, "ann", START + 3 * DAY, "milk"),
]


def series_of(shop: Tables, **options: object) -> DemandSeries:
    settings = {"period_days": 1, "item_limit": 10, "until_share": 1.0, **options}
    return DemandSeries.of(shop, **settings)  # type: ignore[arg-type]


def test_purchases_are_counted_by_whole_day() -> None:
    series = series_of(tables(EVENTS))
    assert series.keys.tolist() == [
        "milk", "cheese", "soap", "Dairy", "Dairy > Milk", "Dairy > Cheese"
    ]  # fmt: skip
    assert series.kinds.tolist() == ["item"] * 3 + ["category"] * 3
    # The first and the last day may be known in part: days 1 to 4 are left.
    assert series.start_time == START + DAY and series.time_of(4) == START + 5 * DAY
    assert series.counts.tolist() == [
        [2, 0, 0, 1], [0, 1, 0, 0], [0, 1, 0, 0], [2, 1, 0, 1], [2, 0, 0, 1], [0, 1, 0, 0]
    ]  # fmt: skip


def test_a_price_is_the_mean_paid_or_the_one_before() -> None:
    series = series_of(tables(EVENTS))
    np.testing.assert_array_equal(series.prices[0], [2, 2, 2, 1])
    np.testing.assert_array_equal(series.prices[1], [np.nan, 5, 5, 5])
    assert np.isnan(series.prices[2]).all()
    # The milk's usual price is 2: at 1 it is half off.
    assert series.promotions[0].tolist() == [0, 0, 0, 0.5]
    assert not series.promotions[1:3].any()


def test_weeks_are_counted_back_from_the_last_whole_day() -> None:
    days = [bought(day, "milk", 1.0) for day in range(20)]
    series = series_of(tables(days), period_days=7)
    # Eighteen whole days: two weeks, and four days too many at the beginning.
    assert series.start_time == START + 5 * DAY
    assert series.counts[0].tolist() == [7, 7]


def test_days_or_weeks_are_chosen_by_how_often_items_sell() -> None:
    often = planted_shop(item_count=3, day_count=40, seed=1)
    assert series_of(often, period_days=None).period_days == 1
    seldom = tables([bought(day, "milk", 1.0) for day in range(0, 60, 3)])
    assert series_of(seldom, period_days=None).period_days == 7


def test_items_are_chosen_by_what_was_bought_before_forecasts_are_measured() -> None:
    early = [bought(day, "cheese", 1.0) for day in range(10)]
    late = [
        bought(day, "milk", 1.0, hour=hour) for day in range(10, 20) for hour in (8.0, 9.0, 10.0)
    ]
    series = series_of(tables([*early, *late]), item_limit=1, until_share=0.5)
    assert series.keys[series.kinds == "item"].tolist() == ["cheese"]


def test_a_season_of_weeks_needs_three_years() -> None:
    series = series_of(tables(EVENTS))
    assert series.season == 7
    weekly = replace(series, period_days=7)
    assert weekly.season == 1
    assert replace(weekly, counts=np.zeros((6, 156))).season == 52


def test_a_log_without_days_of_purchases_is_refused() -> None:
    for events in ([EVENTS[-1]], EVENTS[:2]):
        with pytest.raises(InputError, match="expected purchases of three days or more"):
            series_of(tables(events))
