"""A grocer of four items, two in each of two categories, whose embeddings are by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from data.offers.offer import Offer, OfferKind, Redemption
from data.records import Event, EventType, Item
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.offers.offer_book import OfferBook
from towers.sessions.session import Session

DAY = 86_400.0
NOW = 100 * DAY
MILK, CREAM, NUTS, BEER = "milk", "cream", "nuts", "beer"
EMBEDDINGS = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 1, 0], [0, 0, 1]], np.float32)


def catalog() -> Catalog:
    return Catalog.of(
        [
            Item(MILK, "Fresh milk", category=("Dairy", "Milk"), price=2.0),
            Item(CREAM, "Cream", category=("Dairy", "Milk"), price=3.0),
            Item(NUTS, "Nuts", category=("Snacks",), price=4.0),
            Item(BEER, "Beer", category=("Snacks",), in_stock=False),
        ],
        TextConfig(bucket_count=64),
    )


def coupon(id_: str, *item_ids: str, **fields: object) -> Offer:
    return Offer(id_, OfferKind.COUPON, item_ids, **fields)  # type: ignore[arg-type]


def use(
    id_: str, offer: str, visitor: str = "v", time: float = NOW - DAY, item: str = MILK
) -> Redemption:
    return Redemption(id_, offer, visitor, time, item)


def book(
    offers: Iterable[Offer],
    redemptions: Iterable[Redemption] = (),
    audiences: Mapping[str, frozenset[str]] | None = None,
) -> OfferBook:
    return OfferBook(catalog(), offers, audiences, redemptions)


def session(*events: tuple[EventType, str, float], visitor: str = "v") -> Session:
    """The session after events, each a type, an item and days before now."""
    found = Session.empty(visitor)
    for number, (type_, item_id, days) in enumerate(events):
        found = found.after(Event(f"e{number}", type_, visitor, NOW - days * DAY, item_id))
    return found
