"""Offers as columns: what is kept of them holds for as long as they do; random offers by brute force."""

from __future__ import annotations

import weakref
from dataclasses import replace

import numpy as np

from data.offers.offer import Offer, OfferKind
from data.records import Item
from tests.towers.offers.grocer import EMBEDDINGS, MILK, NOW, NUTS, book, coupon, session
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.offers.eligibility import eligible_offers
from towers.offers.item_offers import ItemOffers
from towers.offers.offer_book import OfferBook
from towers.offers.offer_features import OfferTables
from towers.offers.placed_offers import PlacedOffers
from towers.offers.visitor_state import VisitorState
from towers.retrieval.popularity import Popularity


def test_selections_are_made_once_and_end_with_a_change_of_offers_or_stock() -> None:
    found = book([coupon("a", MILK), coupon("b", MILK, audience="vip"), coupon("c", NUTS)])
    first = eligible_offers(found, "v", NOW).offers
    assert [one.offer.offer_id for one in first] == ["a", "c"]
    # Another visitor of the same audiences reads the same columns.
    assert eligible_offers(found, "w", NOW).offers.items is first.items
    found.catalog.upsert(Item(NUTS, "Nuts", in_stock=False))
    assert [one.offer.offer_id for one in eligible_offers(found, "v", NOW).offers] == ["a"]
    found.change([coupon("d", MILK)], ["a"])
    assert [one.offer.offer_id for one in eligible_offers(found, "v", NOW).offers] == ["d"]


def test_the_best_offer_of_each_item_is_that_of_brute_force() -> None:
    draw = np.random.default_rng(5)
    items = [
        Item(f"i{n}", "Thing", price=None if n % 9 == 0 else 1.0 + n % 4, in_stock=n % 7 != 0)
        for n in range(40)
    ]
    catalog = Catalog.of(items, TextConfig())
    offers = []
    for number in range(30):
        of = tuple(f"i{n}" for n in sorted(draw.choice(40, draw.integers(1, 15), replace=False)))
        one = Offer(f"o{number}", OfferKind.COUPON, of)
        value = float(draw.choice([10.0, 25.0, 50.0]))
        is_percent = draw.random() < 0.5
        offers.append(
            replace(one, percent_off=value) if is_percent else replace(one, amount_off=value / 25)
        )
    found = OfferBook(catalog, offers)
    embeddings = np.tile(EMBEDDINGS[:1], (len(items), 1))
    tables = OfferTables(found, Popularity(30.0), embeddings)
    state = VisitorState.of(session(), NOW, catalog, embeddings)
    told = ItemOffers.of(state, found.all(), tables, None)

    expected = {}
    for item in items:
        holding = [one for one in offers if item.item_id in one.item_ids]
        if not holding or not item.in_stock:
            continue
        price = item.price or 0.0
        saved = [(one.percent_off or 0) / 100 * price + (one.amount_off or 0) for one in holding]
        # ``index`` finds the first of the largest.
        expected[item.item_id] = holding[saved.index(max(saved))].offer_id
    chosen = zip(told.rows.tolist(), told.places.tolist(), strict=True)
    assert {items[row].item_id: offers[place].offer_id for row, place in chosen} == expected


def test_offers_that_nobody_uses_any_more_leave_the_memory_at_once() -> None:
    offers = PlacedOffers([*book([coupon("a", MILK), coupon("b", NUTS)]).all()])
    assert len(offers.only(np.array([True, False]))) == 1
    left = weakref.ref(offers)
    del offers
    assert left() is None
