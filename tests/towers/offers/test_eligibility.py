"""Who may have an offer, and when: by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.offers.offer import Offer, OfferKind
from data.records import Event, EventType, Item
from tests.towers.offers.grocer import BEER, CREAM, DAY, MILK, NOW, NUTS, book, coupon, use
from towers.offers.eligibility import eligible_offers
from towers.offers.offer_book import OfferBook


def held(found: OfferBook, visitor: str = "v", time: float = NOW, **only: object) -> list[str]:
    offers = eligible_offers(found, visitor, time, **only).offers  # type: ignore[arg-type]
    return [one.offer.offer_id for one in offers]


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (coupon("o", MILK, start_time=NOW + 1), "not_started"),
        (coupon("o", MILK, end_time=NOW), "ended"),
        (coupon("o", MILK, audience="vip"), "audience"),
        (coupon("o", MILK, audience="nobody"), "audience"),
        (coupon("o", MILK, visitor_limit=2), "visitor_limit"),
        (coupon("o", MILK, amount_off=1.0, budget=2.5), "budget"),
        (coupon("o", MILK, percent_off=50.0, budget=2.0), "budget"),
        (coupon("o", "gone"), "unknown_items"),
        (coupon("o", BEER), "out_of_stock"),
        (Offer("o", OfferKind.SERVICE, (MILK,)), "kind"),
    ],
)
def test_an_offer_is_left_out_for_its_reason(offer: Offer, reason: str) -> None:
    # Two redemptions of milk at 2.0 each: they cost 2.0 at 1.0 off, and 2.0 at half the price.
    found = book([offer], [use("1", "o"), use("2", "o")], {"vip": frozenset({"w"})})
    eligible = eligible_offers(found, "v", NOW, (OfferKind.COUPON, OfferKind.PROMOTION))
    assert [*eligible.offers] == []
    assert eligible.left_out == {reason: 1}


@pytest.mark.parametrize(
    "offer",
    [
        coupon("o", MILK, start_time=NOW, end_time=NOW + 1),
        coupon("o", MILK, audience="family"),
        coupon("o", MILK, visitor_limit=3),
        coupon("o", MILK, amount_off=1.0, budget=3.0),
        coupon("o", MILK, percent_off=50.0, budget=2.01),
        coupon("o", MILK, budget=0.0),
        coupon("o", MILK, BEER),
        Offer("o", OfferKind.COUPON, categories=(("Dairy",),)),
    ],
)
def test_at_the_edge_it_still_holds(offer: Offer) -> None:
    found = book([offer], [use("1", "o"), use("2", "o")], {"family": frozenset({"v"})})
    assert held(found) == ["o"]


def test_a_limit_is_each_visitors_own_and_nobodys_for_the_anonymous() -> None:
    found = book([coupon("o", MILK, visitor_limit=1)], [use("1", "o")])
    assert held(found, "v") == []
    assert held(found, "w") == ["o"]
    assert held(found, "") == ["o"]


def test_an_id_counts_once_whichever_way_a_redemption_comes() -> None:
    found = book([coupon("o", MILK, visitor_limit=2)], [use("e1", "o")])
    purchase = Event("e1", EventType.PURCHASE, "v", NOW, MILK, offer_id="o")
    found.record(purchase)
    assert found.uses.count("o") == 1
    found.record(Event("e2", EventType.VIEW, "v", NOW, MILK, offer_id="o"))
    found.record(Event("e3", EventType.PURCHASE, "v", NOW, MILK))
    assert held(found) == ["o"]
    found.record(Event("e4", EventType.PURCHASE, "v", NOW, MILK, offer_id="o"))
    assert held(found) == []


def test_an_unknown_price_costs_what_was_paid() -> None:
    offer = coupon("o", BEER, percent_off=10.0, budget=1.0)
    found = book([offer])
    found.record(Event("e", EventType.PURCHASE, "v", NOW, BEER, price=7.0, offer_id="o"))
    assert found.uses.cost(offer) == pytest.approx(0.7)


def test_an_item_added_later_belongs_to_the_offers_of_its_id_and_category() -> None:
    found = book([coupon("a", "new"), Offer("b", OfferKind.COUPON, categories=(("Dairy",),))])
    assert [len(one.rows) for one in found.all()] == [0, 2]
    found.catalog.upsert(Item("new", category=("Dairy", "Milk")))
    assert [len(one.rows) for one in found.all()] == [1, 3]


def test_changes_replace_add_and_delete_and_uses_stay() -> None:
    found = book([coupon("a", MILK), coupon("b", CREAM)], [use("1", "a")])
    assert found.change([coupon("a", NUTS), coupon("c", NUTS)], ["b", "gone"]) == (1, 1)
    assert held(found) == ["a", "c"]
    assert found.uses.of_visitor("v") == {"a": 1}


def test_a_saved_book_is_the_same_book(tmp_path: Path) -> None:
    offer = Offer(
        "a",
        OfferKind.SERVICE,
        (MILK,),
        (("Snacks",),),
        5.0,
        None,
        "vip",
        1.0,
        NOW * 2,
        9.0,
        3,
        "券",
    )
    found = book([offer], [use("1", "a")], {"vip": frozenset({"v"})})
    found.save(tmp_path)
    loaded = OfferBook.load(tmp_path, found.catalog)
    assert [one.offer for one in loaded.all()] == [offer]
    assert loaded.audiences == found.audiences
    assert loaded.uses.of_visitor("v") == {"a": 1}
    assert loaded.uses.last_time("v") == NOW - DAY
    assert loaded.knows_audience("vip") and not loaded.knows_audience("others")
