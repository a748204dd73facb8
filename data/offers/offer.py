"""The records of offers: an offer, and its redemption by a visitor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from data.records import CONTROL_CHARACTER, ID_LENGTH_LIMIT, PRICE_LIMIT, Event, EventType

ITEM_COUNT_LIMIT = 50_000
"""Maximum number of items that one offer names; more are better named by categories."""

CATEGORY_COUNT_LIMIT = 1_000
TEXT_LENGTH_LIMIT = 1_024
USE_COUNT_LIMIT = 1_000_000
_FIRST_TIME = -62_135_596_800.0
_BEYOND_TIME = 253_402_300_800.0


class OfferKind(IntEnum):
    """What an offer is; the numbers are part of the protobuf format."""

    UNSPECIFIED = 0
    COUPON = 1
    PROMOTION = 2
    SERVICE = 3

    @property
    def label(self) -> str:
        """The name used in files: ``coupon``."""
        return self.name.lower()


KIND_BY_LABEL: Mapping[str, OfferKind] = {
    kind.label: kind for kind in OfferKind if kind is not OfferKind.UNSPECIFIED
}


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a shop offers beside its items' plain prices.

    Args:
        offer_id: The shop's own key, not empty.
        kind: Coupon, promotion or service.
        item_ids: Items that it applies to.
        categories: Categories, as paths from the broadest, whose items it applies to. An offer has
            items, categories or both.
        percent_off: Share of the price that the visitor saves, above 0 to 100; None if it is an
            amount or not known.
        amount_off: Amount that the visitor saves, above 0, in the currency of the items; likewise.
        audience: Name of the visitors who may have it; empty: everybody.
        start_time: Seconds since 1970, UTC, from which on it holds; None: it has always held.
        end_time: From which on it does not hold any more; None: it has no end.
        budget: What its redemptions may cost the shop in all, 0 or more; None: no limit.
        visitor_limit: How often one visitor may redeem it, 1 or more; None: no limit.
        text: What the visitor reads; may be empty.
    """

    offer_id: str
    kind: OfferKind
    item_ids: tuple[str, ...] = ()
    categories: tuple[tuple[str, ...], ...] = ()
    percent_off: float | None = None
    amount_off: float | None = None
    audience: str = ""
    start_time: float | None = None
    end_time: float | None = None
    budget: float | None = None
    visitor_limit: int | None = None
    text: str = ""

    def is_live(self, time: float) -> bool:
        """Whether it holds at ``time``, seconds since 1970."""
        has_started = self.start_time is None or self.start_time <= time
        return has_started and (self.end_time is None or time < self.end_time)


@dataclass(frozen=True, slots=True)
class Redemption:
    """A visitor used an offer.

    Args:
        redemption_id: Unique, the id of the purchase event where there is one; a second redemption
            with the same id is a duplicate.
        offer_id: The offer.
        visitor_id: The visitor.
        time: Seconds since 1970, UTC.
        item_id: What was bought with it; empty where not known.
        price: Price paid per piece; None where not known.
    """

    redemption_id: str
    offer_id: str
    visitor_id: str
    time: float
    item_id: str = ""
    price: float | None = None

    @classmethod
    def of(cls, event: Event) -> Redemption | None:
        """The redemption that a purchase with an offer is; None for any other event."""
        if event.type is not EventType.PURCHASE or not event.offer_id:
            return None
        return cls(
            event.event_id, event.offer_id, event.visitor_id, event.time, event.item_id, event.price
        )


class Fault(NamedTuple):
    """Why a record is refused: the field, what was expected there, and what came."""

    field: str
    expected: str
    received: object


def fault_of(offer: Offer) -> Fault | None:
    """The first reason to refuse an offer, the same for files and for live changes; None if it is
    valid."""
    return next(iter(_faults(offer)), None)


def _faults(offer: Offer) -> Iterable[Fault]:
    yield from _text_faults("offer_id", offer.offer_id, ID_LENGTH_LIMIT, required=True)
    if offer.kind is OfferKind.UNSPECIFIED:
        yield Fault("kind", f"one of {', '.join(KIND_BY_LABEL)}", offer.kind.label)
    if not offer.item_ids and not offer.categories:
        yield Fault("item_ids", "items, or categories beside them", "neither")
    if len(offer.item_ids) > ITEM_COUNT_LIMIT:
        yield Fault("item_ids", f"at most {ITEM_COUNT_LIMIT:,}", len(offer.item_ids))
    for item_id in offer.item_ids:
        yield from _text_faults("item_ids", item_id, ID_LENGTH_LIMIT, required=True)
    if len(offer.categories) > CATEGORY_COUNT_LIMIT:
        yield Fault("categories", f"at most {CATEGORY_COUNT_LIMIT:,}", len(offer.categories))
    for path in offer.categories:
        if not path or not all(path):
            yield Fault("categories", "paths of one level or more, none empty", path)
    yield from _value_faults(offer)
    yield from _text_faults("audience", offer.audience, ID_LENGTH_LIMIT)
    yield from _time_faults(offer)
    if offer.budget is not None and not (math.isfinite(offer.budget) and offer.budget >= 0):
        yield Fault("budget", "0 or more and finite", offer.budget)
    if offer.visitor_limit is not None and not 1 <= offer.visitor_limit <= USE_COUNT_LIMIT:
        yield Fault("visitor_limit", f"1 to {USE_COUNT_LIMIT:,}", offer.visitor_limit)
    yield from _text_faults("text", offer.text, TEXT_LENGTH_LIMIT)


def _value_faults(offer: Offer) -> Iterable[Fault]:
    percent, amount = offer.percent_off, offer.amount_off
    if percent is not None and not 0 < percent <= 100:
        yield Fault("percent_off", "above 0 to 100", percent)
    if amount is not None and not 0 < amount <= PRICE_LIMIT:
        yield Fault("amount_off", f"above 0 to {PRICE_LIMIT:,.0f}", amount)
    if percent is not None and amount is not None:
        yield Fault("amount_off", "none beside percent_off", amount)


def _time_faults(offer: Offer) -> Iterable[Fault]:
    for name in ("start_time", "end_time"):
        time = getattr(offer, name)
        if time is not None and not _FIRST_TIME <= time < _BEYOND_TIME:
            yield Fault(name, "a year of 1 to 9999", time)
    if offer.start_time is not None and offer.end_time is not None:
        lasts = offer.end_time - offer.start_time
        if lasts <= 0:
            yield Fault("end_time", "a time after start_time", f"{-lasts:,.0f} s before or at it")


def _text_faults(
    field: str, text: str, length_limit: int, *, required: bool = False
) -> Iterable[Fault]:
    if required and not text:
        yield Fault(field, f"1 to {length_limit:,} characters", text)
    if len(text) > length_limit:
        # The length, not the text, so that a message stays readable.
        yield Fault(field, f"at most {length_limit:,} characters", len(text))
    if CONTROL_CHARACTER.search(text):
        yield Fault(field, "no control characters", text)
