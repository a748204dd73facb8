"""Request and response types of offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from data.offers.offer import OfferKind
from towers.offers.offer_ranking import OfferOrder, Reason


@dataclass(frozen=True, slots=True)
class OfferRequest:
    """Which offers to make to a visitor.

    Args:
        visitor_id: Empty for an anonymous visitor.
        kinds: Only these; empty: all.
        item_ids: Items in the cart, or of the page.
        limit: Maximum number of offers; 0 for the default.
        order_by: What they are ordered by.
    """

    visitor_id: str = ""
    kinds: tuple[OfferKind, ...] = ()
    item_ids: tuple[str, ...] = ()
    limit: int = 0
    order_by: OfferOrder = OfferOrder.PROBABILITY


@dataclass(frozen=True, slots=True)
class OfferResult:
    """One offer of an answer.

    Args:
        offer_id, kind, text, percent_off, amount_off, end_time: As in ``Offer``.
        item_ids: Items of it for this visitor, all in stock, best first.
        probability, uplift, affinity, reason: As in ``RankedOffer``.
    """

    offer_id: str
    kind: OfferKind
    text: str
    percent_off: float | None
    amount_off: float | None
    end_time: float | None
    item_ids: tuple[str, ...]
    probability: float | None
    uplift: float | None
    affinity: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class OfferAnswer:
    """The offers for a visitor, best first, and how many were left out for each reason."""

    offers: tuple[OfferResult, ...]
    bundle_id: str
    left_out_counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OfferReport:
    """How many offers a batch added, updated and deleted."""

    added_count: int
    updated_count: int
    deleted_count: int
