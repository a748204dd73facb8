"""Rules on days of stock, on a bundle with a forecast of demand."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import ConfigError
from data.offers.offer import Offer, OfferKind
from data.records import EventType, Item
from data.synthetic import END_TIME
from data.tables import Tables, iter_events
from serving.answering.rules import read_rules
from serving.api.answers import Answer
from serving.api.requests import (
    AttributeCondition,
    CompleteRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from serving.engine import Engine
from tests.towers import shelf
from towers.bundle.bundle import load_bundle
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.stock.stock_cover import StockCover
from towers.training.item_embedding import reembed

NOW = END_TIME + 60.0
DAY = 86_400.0
HOME = RecommendRequest(Placement.HOME, "v", page_size=20)
RATE = 4.0
"""Pieces a day of every item."""


@pytest.fixture(scope="module")
def forecast_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forecast") / "shelf"
    shutil.copytree(shelf.bundle_folder(), folder)
    rates = np.full(len(shelf.items()), RATE, np.float32)
    StockCover(rates, 14).save(Layout(folder).demand)
    sign(folder, END_TIME)
    return folder


Opened = Callable[..., Engine]


@pytest.fixture
def opened(forecast_bundle: Path, tmp_path: Path) -> Iterator[Opened]:
    engines: list[Engine] = []

    def open_(rules: str = "", bundle: Path = forecast_bundle) -> Engine:
        path = tmp_path / f"rules{len(engines)}.toml"
        path.write_text('version = "1"\n' + rules, encoding="utf-8")
        state = tmp_path / f"state{len(engines)}"
        engines.append(Engine.open(bundle, state, rules=path, clock=lambda: NOW))
        return engines[-1]

    yield open_
    for engine in engines:
        engine.close()


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def stock(engine: Engine, pieces: dict[str, int]) -> None:
    by_id = {item.item_id: item for item in shelf.items()}
    engine.update_items(
        [
            replace(by_id[item_id], in_stock=True, attributes={"stock": str(count)})
            for item_id, count in pieces.items()
        ]
    )


def test_what_is_nearly_sold_out_is_buried_by_name_as_of_now(opened: Opened) -> None:
    plain = opened()
    listed = ids(plain.recommend(HOME))
    first, second = listed[:2]
    engine = opened('[[bury]]\nname = "scarce"\ndays_of_stock_below = 3\n')
    assert ids(engine.recommend(HOME)) == listed
    # Eleven pieces at four a day last less than three days, twelve exactly three.
    stock(engine, {first: 11, second: 12})
    stock(plain, {first: 11, second: 12})
    listed = ids(plain.recommend(replace(HOME, page_size=100)))
    answer = engine.recommend(replace(HOME, page_size=100))
    assert answer.rules == ("scarce",)
    moved = next(one for one in answer.results if one.item_id == first)
    (part,) = moved.merchandising
    assert part.name == "scarce" and part.amount < 0 and moved.rules == ("scarce",)
    rest = [one for one in ids(answer) if one != first]
    assert rest == [one for one in listed if one != first] and ids(answer)[0] != first
    stock(engine, {first: 400})
    assert ids(engine.recommend(replace(HOME, page_size=100))) == listed


def test_a_change_of_stock_is_no_change_of_words(opened: Opened) -> None:
    engine = opened()
    catalog, item_id = engine.bundle.catalog, ids(engine.recommend(HOME))[0]
    stock(engine, {item_id: 4711})
    row = catalog.row_of[item_id]
    before = catalog.text_keys[row], catalog.tokens[row].tolist()
    stock(engine, {item_id: 4712})
    assert (catalog.text_keys[row], catalog.tokens[row].tolist()) == before
    assert item_id not in ids(engine.search(SearchRequest("4712", record=False)))[:1]
    of_stock = (AttributeCondition("stock", min_value=4712.0),)
    assert ids(engine.recommend(replace(HOME, filter=Filter(attributes=of_stock)))) == [item_id]
    by_id = {item.item_id: item for item in shelf.items()}
    engine.update_items([replace(by_id[item_id], attributes={})])
    assert not engine.recommend(replace(HOME, filter=Filter(attributes=of_stock))).results


def test_much_stock_is_boosted_among_the_brands_that_a_rule_names(opened: Opened) -> None:
    plain = opened()
    listed = plain.recommend(replace(HOME, page_size=60)).results
    brand, mine = next((one.brand, one.item_id) for one in reversed(listed) if one.brand)
    other = next(one.item_id for one in reversed(listed) if one.brand not in ("", brand))
    rule = f'[[boost]]\nname = "push"\nbrands = ["{brand}"]\ndays_of_stock_above = 30\n'
    engine = opened(rule + "strength = 10\n")
    stock(engine, {mine: 121, other: 500})
    answer = engine.recommend(HOME)
    assert ids(answer)[0] == mine and answer.rules == ("push",)
    assert all(one.item_id == mine or not one.merchandising for one in answer.results)
    stock(engine, {mine: 120})
    assert not engine.recommend(HOME).rules


def test_what_nobody_wants_has_stock_for_more_days_than_any(
    opened: Opened, forecast_bundle: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "unwanted"
    shutil.copytree(forecast_bundle, folder)
    (folder / "manifest.json").unlink()
    shutil.rmtree(Layout(folder).demand)
    StockCover(np.zeros(len(shelf.items()), np.float32), 14).save(Layout(folder).demand)
    sign(folder, END_TIME)
    engine = opened('[[boost]]\nname = "push"\ndays_of_stock_above = 30\nstrength = 10\n', folder)
    mine = ids(engine.recommend(replace(HOME, page_size=60)))[-1]
    stock(engine, {mine: 1})
    answer = engine.recommend(HOME)
    assert ids(answer)[0] == mine and answer.rules == ("push",)


def test_a_hiding_on_stock_holds_for_completion_too(opened: Opened) -> None:
    engine = opened("[[hide]]\ndays_of_stock_below = 1\n")
    item = shelf.items()[0]
    stock(engine, {item.item_id: 8})
    asked = SearchRequest(item.title, "v", record=False)
    assert item.item_id in ids(engine.search(asked))
    stock(engine, {item.item_id: 3})
    assert item.item_id not in ids(engine.search(asked))
    told = engine.complete(CompleteRequest(item.title[:6], 50)).suggestions
    assert item.item_id not in [one.item_id for one in told]


def test_without_a_forecast_such_a_rule_targets_nothing_and_status_says_so(opened: Opened) -> None:
    rule = '[[bury]]\nname = "scarce"\ndays_of_stock_below = 3\n'
    engine = opened(rule, shelf.bundle_folder())
    stock(engine, {ids(engine.recommend(HOME))[0]: 0})
    assert not engine.recommend(HOME).rules
    assert engine.status().rules_error.startswith(
        "scarce: expected a bundle with a forecast of demand ([demand] horizon_days"
    )
    assert not opened(rule).status().rules_error


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            "days_of_stock_below = 0",
            "days_of_stock_below: expected a number above 0 and at most 3650",
        ),
        ('days_of_stock_above = "x"', "days_of_stock_above: expected a number above 0"),
        (
            "days_of_stock_below = 3\ndays_of_stock_above = 3",
            "days_of_stock_above: expected fewer days than days_of_stock_below, received 3",
        ),
        ("strength = 1", "items: expected items, brands, categories or days_of_stock_below or"),
    ],
)
def test_a_wrong_number_of_days_is_refused_by_name(tmp_path: Path, keys: str, message: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f'version = "1"\n[[bury]]\n{keys}\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"rules.toml, bury 1, {message}"):
        read_rules(path)


def test_a_promotion_pushes_what_will_not_be_sold_while_it_is_on_offer(opened: Opened) -> None:
    engine = opened()
    many, few, unknown = ids(engine.recommend(HOME))[:3]
    stock(engine, {many: 80, few: 8})
    offer = Offer(
        "o", OfferKind.PROMOTION, (many, few, unknown), percent_off=5.0, end_time=NOW + 2 * DAY
    )
    engine.offers.update([offer])
    page = {
        one.item_id: {part.name: part.amount for part in one.adjustments}
        for one in engine.recommend(RecommendRequest(Placement.PROMOTION, "v")).results
    }
    # Of eighty pieces, eight are forecast to go in two days: nine tenths of the largest push.
    weight = engine.bundle.score_weight
    assert page[many]["needs_push"] == pytest.approx(0.45 / weight, abs=1e-6)
    assert "needs_push" not in page[few] and "needs_push" not in page[unknown]
    engine.offers.update([replace(offer, end_time=None)])
    answer = engine.recommend(RecommendRequest(Placement.PROMOTION, "v"))
    amounts = {
        one.item_id: part.amount
        for one in answer.results
        for part in one.adjustments
        if part.name == "needs_push"
    }
    # Without an end, the fourteen days of the forecast: 56 of 80.
    assert amounts == {many: pytest.approx(0.5 * (1 - 56 / 80) / weight, abs=1e-6)}


def test_training_puts_the_forecast_of_the_most_bought_items_into_the_bundle(
    shop_bundle: Path, shop_tables: Tables, shop_metrics: dict[str, Any], opened: Opened
) -> None:
    bundle = load_bundle(shop_bundle)
    cover = bundle.stock_cover
    assert cover is not None and cover.horizon_days == 2
    end = shop_tables.split.test_from
    events = [event for event in iter_events(shop_tables.events) if event.time < end]
    bought = [event for event in events if event.type is EventType.PURCHASE]
    # Chosen by the first six tenths of the whole days, so that the comparison has not seen the rest.
    first, last = (int(one.time // DAY) for one in (bought[0], bought[-1]))
    known_end = (first + 1 + (last - first - 1) * 0.6) * DAY
    counts = Counter(one.item_id for one in bought if (first + 1) * DAY <= one.time < known_end)
    told = [bundle.catalog.item_ids[row] for row in np.flatnonzero(np.isfinite(cover.rates))]
    assert len(told) == 20 and min(counts[one] for one in told) >= sorted(counts.values())[-20]
    assert all(cover.rates[np.isfinite(cover.rates)] >= 0)
    assert {group["kind"] for group in shop_metrics["demand"]["groups"]} == {"item", "category"}
    rule = "[[bury]]\ndays_of_stock_below = 3\n"
    assert not opened(rule, shop_bundle).status().rules_error


def test_a_changed_catalogue_keeps_the_forecast(forecast_bundle: Path, tmp_path: Path) -> None:
    items = [Item("new", "Blue lantern"), *shelf.items()[5:]]
    reembed(forecast_bundle, items, tmp_path / "b", items_time=NOW, created_time=NOW)
    cover = load_bundle(tmp_path / "b").stock_cover
    assert cover is not None and np.isnan(cover.rates[0])
    assert cover.rates[1:].tolist() == [RATE] * (len(items) - 1)
