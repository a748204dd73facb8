"""Which items are on offer, by which offer, and which are reduced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Item
from tests.towers.offers.grocer import (
    BEER,
    CREAM,
    EMBEDDINGS,
    MILK,
    NOW,
    NUTS,
    book,
    coupon,
    session,
)
from tests.towers.offers.test_offer_ranking import stump
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.offers.item_offers import ItemOffers
from towers.offers.offer_book import OfferBook
from towers.offers.offer_features import OfferTables
from towers.offers.offer_model import OfferModel
from towers.offers.reductions import earlier_prices
from towers.offers.visitor_state import VisitorState
from towers.retrieval.popularity import Popularity


def on_offer(found: OfferBook, model: OfferModel | None = None) -> dict[str, tuple[str, float]]:
    """The offer of each item, and its log odds."""
    tables = OfferTables(found, Popularity(30.0, np.ones(4), NOW, NOW), EMBEDDINGS)
    state = VisitorState.of(session(), NOW, found.catalog, EMBEDDINGS)
    items = ItemOffers.of(state, found.all(), tables, model)
    return {
        found.catalog.item_ids[row]: (items.offers[place].offer.offer_id, float(odds))
        for row, place, odds in zip(items.rows, items.places, items.log_odds, strict=True)
    }


def test_without_a_model_the_offer_that_saves_more_is_an_items_best() -> None:
    ten_percent = coupon("a", MILK, CREAM, percent_off=10.0)
    quarter = coupon("b", CREAM, MILK, BEER, amount_off=0.25)
    # Milk costs 2, so a tenth is .2; cream costs 3. Beer is not in stock.
    assert on_offer(book([ten_percent, quarter])) == {MILK: ("b", 0.0), CREAM: ("a", 0.0)}
    assert on_offer(book([])) == {}


def test_with_a_model_the_likeliest_is_and_the_mean_offer_lifts_nothing() -> None:
    dear = coupon("a", MILK, NUTS, percent_off=50.0)
    cheap = coupon("b", MILK, percent_off=5.0)
    # Offers of few items are redeemed: logit 2 against 0, which are 1 above and below their mean.
    model = OfferModel(stump("item_count", 5.0, 2.0, 0.0), None, 0.0)
    model_of_two = OfferModel(stump("item_count", 0.9, 2.0, 0.0), None, 0.0)
    found = on_offer(book([dear, cheap]), model_of_two)
    assert found[MILK][0] == "b" and found[NUTS][0] == "a"
    assert found[MILK][1] == pytest.approx(1.0) and found[NUTS][1] == pytest.approx(-1.0)
    # All the same: none lifts.
    assert on_offer(book([dear, cheap]), model)[MILK] == ("a", pytest.approx(0.0))


def test_an_item_is_reduced_below_its_list_price_or_the_price_of_the_release(
    tmp_path: Path,
) -> None:
    items = [
        Item("was-12", price=10.0, attributes={"list_price": "12"}),
        Item("no-number", price=10.0, attributes={"list_price": "soon"}),
        Item("cheaper", price=10.0),
        Item("rounded", price=10.0),
        Item("dearer", price=10.0),
        Item("unknown"),
    ]
    catalog = Catalog.of(items, TextConfig(bucket_count=64))
    released = catalog.price.copy()
    assert np.isnan(earlier_prices(catalog, released)[1:]).all()
    for name, price in (("cheaper", 8.0), ("rounded", 9.95), ("dearer", 11.0), ("unknown", 3.0)):
        old = items[catalog.row_of[name]]
        catalog.upsert(replace(old, price=price))
    catalog.upsert(Item("new", price=1.0))
    found = earlier_prices(catalog, released)
    prices = dict(zip(catalog.item_ids, found.tolist(), strict=True))
    assert prices["was-12"] == 12.0 and prices["cheaper"] == 10.0
    others = ("no-number", "rounded", "dearer", "unknown", "new")
    assert all(np.isnan(prices[name]) for name in others)
