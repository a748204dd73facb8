"""Days of stock, worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from data.records import Item
from towers.catalog.facts import Facts
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.stock.stock_cover import StockCover

ITEMS = [
    Item("a", "Ale", attributes={"stock": "6"}),
    Item("b", "Bread", attributes={"stock": "0"}),
    Item("c", "Cheese", attributes={"stock": "many"}),
    Item("d", "Dates", in_stock=False, attributes={"stock": "9"}),
    Item("e", "Eggs", attributes={"stock": "5"}),
    Item("f", "Figs", attributes={"stock": "8"}),
    Item("g", "Grapes"),
]
RATES = np.array([2.0, 0.0, 1.0, 1.5, 0.0, np.nan, 1.0], np.float32)


def cover() -> StockCover:
    return StockCover(RATES.copy(), 14)


def days_of(cover: StockCover, catalog: Catalog, *item_ids: str) -> list[str]:
    return [f"{one:g}" for one in cover.days(catalog, catalog.rows(item_ids))]


def test_days_are_pieces_by_pieces_a_day() -> None:
    catalog = Catalog.of(ITEMS, TextConfig())
    found = days_of(cover(), catalog, *"abcdefg")
    # Three days; nothing of nothing wanted; no number; cannot be bought; nobody wants it; no forecast;
    # no stock stated.
    assert found == ["3", "0", "nan", "0", "inf", "nan", "nan"]


def test_a_live_change_of_stock_counts_at_once_and_a_new_item_has_no_forecast() -> None:
    catalog = Catalog.of(ITEMS, TextConfig())
    catalog.upsert(replace(ITEMS[0], attributes={"stock": "1"}))
    catalog.upsert(Item("new", "Nuts", attributes={"stock": "4"}))
    assert days_of(cover(), catalog, "a", "new", "b") == ["0.5", "nan", "0"]


def test_it_comes_back_from_a_folder_and_moves_to_another_catalogue(tmp_path: Path) -> None:
    assert StockCover.load(tmp_path / "none") is None
    cover().save(tmp_path / "demand")
    again = StockCover.load(tmp_path / "demand")
    assert again is not None and again.horizon_days == 14
    assert again.rates.tobytes() == RATES.tobytes()
    old = Catalog.of(ITEMS, TextConfig())
    new = Catalog.of([Item("new", "Nuts"), *reversed(ITEMS[:3])], TextConfig())
    moved = again.rebased(old, new)
    assert days_of(moved, new, "a", "new") == ["3", "nan"]
    assert moved.rates[1:].tolist() == [1.0, 0.0, 2.0]


def test_a_condition_is_evaluated_once_a_change_of_the_catalogue() -> None:
    catalog, stock = Catalog.of(ITEMS, TextConfig()), cover()
    found = stock.within(catalog, 4.0, -np.inf)
    assert [catalog.item_ids[row] for row in np.flatnonzero(found)] == ["a", "b", "d"]
    assert stock.within(catalog, 4.0, -np.inf) is found
    long = stock.within(catalog, np.inf, 2.0)
    assert [catalog.item_ids[row] for row in np.flatnonzero(long)] == ["a", "e"]
    catalog.upsert(replace(ITEMS[0], attributes={"stock": "8"}))
    changed = stock.within(catalog, 4.0, -np.inf)
    assert [catalog.item_ids[row] for row in np.flatnonzero(changed)] == ["b", "d"]
    catalog.update_facts(
        catalog.rows(["a"]), Facts(np.ones(1, np.float32), np.zeros(1), np.zeros(1, bool))
    )
    sold = stock.within(catalog, 4.0, -np.inf)
    assert [catalog.item_ids[row] for row in np.flatnonzero(sold)] == ["a", "b", "d"]
    other = Catalog.of(ITEMS[1:2], TextConfig())
    # Rates go by row: that of "a" is two a day.
    assert stock.within(other, 4.0, -np.inf).tolist() == [True]
