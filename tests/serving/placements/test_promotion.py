"""A real server shows what is on offer, names the offer, and says why there is nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import RequestError
from data.offers.offer import Offer, OfferKind
from data.records import Event, EventType, Item
from serving.api.answers import Answer, EmptyReason
from serving.api.requests import Filter, Placement, RecommendRequest
from serving.edge.client import Client
from tests.serving.offers.test_offer_server import running
from tests.towers import shelf

NOW = float(int(time.time()))
DAY = 86_400.0
IN_STOCK = [item for item in shelf.items() if item.in_stock and item.price]
GONE = replace(IN_STOCK[-1], in_stock=False)
COUPON = Offer("c1", OfferKind.COUPON, (IN_STOCK[0].item_id, GONE.item_id), amount_off=1.0)
SALE = Offer(
    "s1", OfferKind.PROMOTION, tuple(one.item_id for one in IN_STOCK[1:4]), percent_off=20.0
)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with running(tmp_path / "state") as client:
        client.update_items([GONE])
        yield client


def promotion(client: Client, visitor: str = "v", **fields: object) -> Answer:
    return client.recommend(RecommendRequest(Placement.PROMOTION, visitor, **fields))  # type: ignore[arg-type]


def offers_of(answer: Answer) -> dict[str, str]:
    return {result.item_id: result.offer_id for result in answer.results}


def test_only_what_is_on_offer_and_in_stock_is_shown_with_the_offer(client: Client) -> None:
    nothing = promotion(client)
    assert (nothing.results, nothing.empty_reason) == ((), EmptyReason.NOTHING_ON_OFFER)
    service = Offer("r1", OfferKind.SERVICE, (IN_STOCK[9].item_id,))
    early = Offer("e1", OfferKind.COUPON, (IN_STOCK[8].item_id,), start_time=NOW + DAY)
    client.update_offers([COUPON, SALE, service, early])
    expected = {one.item_id: "s1" for one in IN_STOCK[1:4]} | {IN_STOCK[0].item_id: "c1"}
    answer = promotion(client)
    assert offers_of(answer) == expected
    assert answer.match_count == 4 and not answer.missing
    assert all(one.earlier_price is None and not one.reason for one in answer.results)
    client.update_offers([], ["s1"])
    assert offers_of(promotion(client)) == {IN_STOCK[0].item_id: "c1"}


def test_what_is_in_the_basket_or_fails_the_filter_is_not_shown(client: Client) -> None:
    client.update_offers([COUPON, SALE])
    first = IN_STOCK[1]
    client.record([Event("e1", EventType.ADD_TO_CART, "v", NOW, first.item_id)])
    assert first.item_id not in offers_of(promotion(client))
    elsewhere = next(one for one in IN_STOCK if one.category[0] != IN_STOCK[0].category[0])
    empty = promotion(client, filter=Filter(category=elsewhere.category))
    assert (empty.results, empty.empty_reason) == ((), EmptyReason.NOTHING_ON_OFFER)
    nowhere = promotion(client, filter=Filter(max_price=0.0001))
    assert (nowhere.results, nowhere.empty_reason) == ((), EmptyReason.NO_ITEM_PASSES_FILTER)


def test_a_used_up_offer_and_a_spent_one_are_off_the_page(client: Client) -> None:
    item_id = IN_STOCK[0].item_id
    spent = replace(SALE, amount_off=1.0, percent_off=None, budget=1.0)
    client.update_offers([replace(COUPON, visitor_limit=1), spent])
    use = Event("e1", EventType.PURCHASE, "v", NOW, IN_STOCK[20].item_id, offer_id="c1")
    spend = replace(use, event_id="e2", visitor_id="w", offer_id="s1")
    client.record([use, spend])
    assert offers_of(promotion(client)) == {}
    assert offers_of(promotion(client, "w")) == {item_id: "c1"}


def test_a_lower_price_is_on_offer_at_once_and_says_what_it_was(client: Client) -> None:
    item = IN_STOCK[5]
    assert item.price is not None
    client.update_items([replace(item, price=item.price / 2)])
    (one,) = promotion(client, explain=True).results
    assert (one.item_id, one.offer_id) == (item.item_id, "")
    assert one.earlier_price == pytest.approx(item.price, abs=0.01)
    assert one.price == pytest.approx(item.price / 2, abs=0.01)
    assert one.reason == f"reduced from {item.price:,.2f}"


@pytest.mark.parametrize(
    ("fields", "english", "chinese"),
    [
        ({"text": "5 for 4"}, "on offer: 5 for 4", "优惠中：5 for 4"),
        ({"percent_off": 12.5}, "on offer: 12.5 % off", "优惠中：立减12.5%"),
        ({"amount_off": 3.0}, "on offer: 3.00 off", "优惠中：立减3.00"),
        ({}, "on offer now", "正在优惠"),
    ],
)
def test_the_reason_is_the_offer_in_the_language_of_the_title(
    client: Client, fields: dict[str, object], english: str, chinese: str
) -> None:
    chinese_item = next(one for one in IN_STOCK if not one.title.isascii())
    both = Offer("b1", OfferKind.PROMOTION, (IN_STOCK[0].item_id, chinese_item.item_id), **fields)  # type: ignore[arg-type]
    client.update_offers([both])
    reasons = {one.item_id: one.reason for one in promotion(client, explain=True).results}
    assert reasons == {IN_STOCK[0].item_id: english, chinese_item.item_id: chinese}


def test_items_are_not_taken_with_it(client: Client) -> None:
    with pytest.raises(RequestError, match="item_ids: expected none with placement PROMOTION"):
        promotion(client, item_ids=("p0001",))


def test_pages_end_where_the_offers_do(client: Client) -> None:
    client.update_offers([COUPON, SALE])
    first = promotion(client, page_size=3)
    assert first.next_offset == 3
    rest = promotion(client, page_size=3, offset=3, order_key=first.order_key)
    assert len(rest.results) == 1 and rest.next_offset is None
    assert rest.empty_reason is EmptyReason.UNSPECIFIED
    assert rest.results[0].offer_id in ("c1", "s1")


def test_a_new_item_can_be_on_offer(client: Client) -> None:
    client.update_offers([Offer("n1", OfferKind.COUPON, ("new",))])
    assert offers_of(promotion(client)) == {}
    client.update_items([Item("new", "Brand new kettle", price=9.0)])
    assert offers_of(promotion(client)) == {"new": "n1"}
