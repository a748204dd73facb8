"""Validation of requests for offers and of their live changes, as in ``serving.api.validation``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from data.errors import RequestError
from data.offers.offer import KIND_BY_LABEL, Offer, OfferKind, fault_of
from data.records import CONTROL_CHARACTER, ID_LENGTH_LIMIT
from serving.api.offers.offer_requests import OfferRequest
from serving.api.requests import CART_COUNT_LIMIT
from serving.api.validation import BATCH_LIMIT, check_count
from towers.catalog.items import Catalog
from towers.offers.offer_book import OfferBook

DEFAULT_OFFER_COUNT = 10
OFFER_COUNT_LIMIT = 100


def checked_offer_request(request: OfferRequest) -> OfferRequest:
    """The request with its limit clipped to its range."""
    _check_id("visitor_id", request.visitor_id)
    for position, kind in enumerate(request.kinds):
        if kind is OfferKind.UNSPECIFIED or kind in request.kinds[:position]:
            names = ", ".join(KIND_BY_LABEL)
            raise RequestError(f"kinds[{position}]", f"one of {names}, each once", kind.label)
    check_count("item_ids", len(request.item_ids), 0, CART_COUNT_LIMIT)
    for position, item_id in enumerate(request.item_ids):
        _check_id(f"item_ids[{position}]", item_id, required=True)
    if request.limit < 0:
        raise RequestError("limit", "0 or more", request.limit)
    return replace(request, limit=min(request.limit or DEFAULT_OFFER_COUNT, OFFER_COUNT_LIMIT))


def check_cart(request: OfferRequest, catalog: Catalog) -> None:
    """Refuses items that the catalogue does not know."""
    for position, item_id in enumerate(request.item_ids):
        if item_id not in catalog.row_of:
            raise RequestError(f"item_ids[{position}]", "an item of the catalogue", item_id)


def check_offers(offers: Sequence[Offer], deleted_ids: Sequence[str], *, now: float) -> None:
    """Refuses a batch of changes of which one offer is not valid, or two contradict each other.

    Args:
        now: Seconds since 1970: an offer past its end is refused.
    """
    if not offers and not deleted_ids:
        raise RequestError("offers", "an offer, or deleted_offer_ids beside them", "neither")
    check_count("offers", len(offers), 0, BATCH_LIMIT)
    check_count("deleted_offer_ids", len(deleted_ids), 0, BATCH_LIMIT)
    first: dict[str, Offer] = {}
    for position, offer in enumerate(offers):
        fault = fault_of(offer)
        if fault is not None:
            field = f"offers[{position}].{fault.field}"
            raise RequestError(field, fault.expected, fault.received)
        if offer.end_time is not None and offer.end_time <= now:
            ago = f"{now - offer.end_time:,.0f} s ago"
            raise RequestError(f"offers[{position}].end_time", "a time to come", ago)
        if first.setdefault(offer.offer_id, offer) != offer:
            field = f"offers[{position}].offer_id"
            raise RequestError(field, "an id that no other offer has", offer.offer_id)
    for position, offer_id in enumerate(deleted_ids):
        field = f"deleted_offer_ids[{position}]"
        _check_id(field, offer_id, required=True)
        if offer_id in first:
            raise RequestError(field, "an id that is not in offers", offer_id)


def check_audiences(offers: Sequence[Offer], book: OfferBook) -> None:
    """Refuses offers to an audience that the bundle does not know."""
    for position, offer in enumerate(offers):
        if not book.knows_audience(offer.audience):
            field = f"offers[{position}].audience"
            raise RequestError(field, "an audience of the bundle, or nothing", offer.audience)


def _check_id(field: str, text: str, *, required: bool = False) -> None:
    if required and not text:
        raise RequestError(field, f"1 to {ID_LENGTH_LIMIT:,} characters", text)
    if len(text) > ID_LENGTH_LIMIT:
        raise RequestError(field, f"at most {ID_LENGTH_LIMIT:,} characters", len(text))
    if CONTROL_CHARACTER.search(text):
        raise RequestError(field, "no control characters", text)
