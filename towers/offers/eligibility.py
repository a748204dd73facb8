"""Which offers a visitor may have now, and why not the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from data.offers.offer import Offer, OfferKind
from towers.offers.offer_book import OfferBook
from towers.offers.offer_uses import OfferUses
from towers.offers.placed_offers import PlacedOffers

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
_NONE = -1


@dataclass(frozen=True)
class Eligible:
    """The offers that a visitor may have, and how many were left out for each of ``REASONS``."""

    offers: PlacedOffers
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
    every = book.all()
    reasons = np.full(len(every), _NONE)

    def leave_out(name: str, is_out: np.ndarray) -> None:
        reasons[(reasons == _NONE) & is_out] = REASONS.index(name)

    if kinds:
        leave_out("kind", ~np.isin(every.kinds, [int(kind) for kind in kinds]))
    leave_out("not_started", time < every.start_times)
    leave_out("ended", time >= every.end_times)
    leave_out("audience", ~every.in_audiences(book.audiences, visitor_id))
    for place in np.flatnonzero((reasons == _NONE) & every.is_limited).tolist():
        offer = every[place].offer
        if is_used_up(offer, book.uses, visitor_id):
            reasons[place] = REASONS.index("visitor_limit")
        elif is_spent(offer, book.uses):
            reasons[place] = REASONS.index("budget")
    leave_out("unknown_items", ~every.has_items)
    held = reasons == _NONE
    holding = every.only(held)
    can_be_bought = holding.can_be_bought(book.catalog)
    reasons[np.flatnonzero(held)[~can_be_bought]] = REASONS.index("out_of_stock")
    counts = np.bincount(reasons[reasons != _NONE], minlength=len(REASONS)).tolist()
    left_out = {name: count for name, count in zip(REASONS, counts, strict=True) if count}
    return Eligible(holding.only(can_be_bought), left_out)


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
