"""Which offers a visitor may have now, and why not the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from data.offers.offer import Offer, OfferKind
from towers.offers.offer_book import OfferBook
from towers.offers.offer_uses import OfferUses
from towers.offers.placed_offer import PlacedOffer

REASONS = (
    "kind",
    "not_started",
    "ended",
    "audience",
    "visitor_limit",
    "budget",
    "unknown_items",
    "out_of_stock",
)
"""Why an offer is left out, in the order in which it is asked."""


@dataclass(frozen=True)
class Eligible:
    """The offers that a visitor may have, and how many were left out for each of ``REASONS``."""

    offers: list[PlacedOffer]
    left_out: dict[str, int] = field(default_factory=dict)


def eligible_offers(
    book: OfferBook,
    visitor_id: str,
    time: float,
    kinds: Collection[OfferKind] = (),
) -> Eligible:
    """The offers that hold for a visitor at a time.

    Args:
        book: All offers.
        visitor_id: Empty for an anonymous visitor, who is in no audience.
        time: Seconds since 1970.
        kinds: Only these; empty: all.
    """
    offers: list[PlacedOffer] = []
    left_out: dict[str, int] = {}
    for placed in book.all():
        reason = _reason(book, placed, visitor_id, time, kinds)
        if reason is None:
            offers.append(placed)
        else:
            left_out[reason] = left_out.get(reason, 0) + 1
    return Eligible(offers, left_out)


def _reason(
    book: OfferBook,
    placed: PlacedOffer,
    visitor_id: str,
    time: float,
    kinds: Collection[OfferKind],
) -> str | None:
    offer = placed.offer
    if kinds and offer.kind not in kinds:
        return "kind"
    if not offer.is_live(time):
        is_early = offer.start_time is not None and time < offer.start_time
        return "not_started" if is_early else "ended"
    if not book.may_have(offer, visitor_id):
        return "audience"
    if is_used_up(offer, book.uses, visitor_id):
        return "visitor_limit"
    if is_spent(offer, book.uses):
        return "budget"
    if not len(placed.rows):
        return "unknown_items"
    catalog = book.catalog
    can_be_bought = catalog.in_stock[placed.rows] & catalog.listed[placed.rows]
    return None if np.any(can_be_bought) else "out_of_stock"


def is_used_up(offer: Offer, uses: OfferUses, visitor_id: str) -> bool:
    """Whether a visitor has redeemed an offer as often as one may. Nobody counts for the anonymous."""
    if offer.visitor_limit is None or not visitor_id:
        return False
    return uses.of_visitor(visitor_id).get(offer.offer_id, 0) >= offer.visitor_limit


def is_spent(offer: Offer, uses: OfferUses) -> bool:
    """Whether the next redemption of an offer would cost more than its budget leaves.

    What the next one of a percentage costs is not known before: it needs a budget above what the
    earlier ones cost.
    """
    if offer.budget is None:
        return False
    cost = uses.cost(offer)
    if offer.amount_off is not None:
        return cost + offer.amount_off > offer.budget
    return offer.percent_off is not None and cost >= offer.budget
