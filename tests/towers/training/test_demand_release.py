"""The forecast of a bundle, against the sales that were planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from data.records import Event
from data.tables import Tables, events_table, iter_events, iter_items
from tests.quick_training import Silence
from tests.towers.planted_week import DAY, START, planted_shop
from towers.catalog.items import Catalog
from towers.config import DemandConfig, TextConfig
from towers.stock.stock_cover import StockCover
from towers.training.demand_release import learnt_demand

COUNT, DAYS = 8, 120
UNTIL = START + 100 * DAY


@pytest.fixture(scope="module")
def shop() -> Tables:
    """The first item is bought by threes, and once by five thousand; the rest one by one."""
    tables = planted_shop(item_count=COUNT, day_count=DAYS, seed=4)

    def bought(event: Event) -> Event:
        if event.item_id != "i0":
            return event
        return replace(event, quantity=5_000 if event.event_id == "50-0-0" else 3)

    return replace(tables, events=events_table(map(bought, iter_events(tables.events))))


def learnt(tables: Tables, config: DemandConfig) -> StockCover | None:
    catalog = Catalog.of([*iter_items(tables.items)], TextConfig())
    parts = tables, catalog, config
    cover, report = learnt_demand(*parts, until=UNTIL, seed=1, stages=Silence())
    assert bool(report) == (cover is not None)
    return cover


def test_rates_are_those_of_the_weeks_before_in_pieces_and_know_nothing_later(
    shop: Tables,
) -> None:
    config = DemandConfig(horizon_days=14, item_limit=COUNT)
    cover = learnt(shop, config)
    assert cover is not None and cover.horizon_days == 14
    events = [event for event in iter_events(shop.events) if event.time < UNTIL]
    for number in range(COUNT):
        lines = [one for one in events if one.item_id == f"i{number}"]
        newest = sum(one.time >= UNTIL - 28 * DAY for one in lines)
        pieces = 1.0
        if number == 0:
            # The one order counts for ten times the usual three.
            pieces = (3 * (len(lines) - 1) + 30) / len(lines)
        assert cover.rates[number] == pytest.approx(pieces * newest / 28, rel=0.25)
    before = learnt(replace(shop, events=events_table(events)), config)
    assert before is not None and before.rates.tobytes() == cover.rates.tobytes()


def test_items_beyond_the_limit_have_no_forecast_and_by_default_none_has(shop: Tables) -> None:
    assert learnt(shop, DemandConfig()) is None
    cover = learnt(shop, DemandConfig(horizon_days=7, item_limit=3))
    assert cover is not None and np.isfinite(cover.rates).sum() == 3


def test_a_log_too_short_is_told_before_training(shop: Tables) -> None:
    short = replace(shop, events=shop.events.slice(0, 300))
    with pytest.raises(InputError, match="demand: expected purchases over"):
        learnt(short, DemandConfig(horizon_days=14))
