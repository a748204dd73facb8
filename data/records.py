"""The record types: items, events, judgments and impressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class EventType(IntEnum):
    """What a shopper did; the numbers are part of the protobuf format and of trained models.

    ``IMPRESSION`` is recorded by the service itself: the items of one answer.
    """

    UNSPECIFIED = 0
    SEARCH = 1
    VIEW = 2
    FAVORITE = 3
    UNFAVORITE = 4
    ADD_TO_CART = 5
    REMOVE_FROM_CART = 6
    PURCHASE = 7
    REVIEW = 8
    RETURN = 9
    IMPRESSION = 10

    @property
    def label(self) -> str:
        """The name used in files: ``add_to_cart``."""
        return self.name.lower()


RECORDABLE_TYPES = tuple(
    type_ for type_ in EventType if type_ not in (EventType.UNSPECIFIED, EventType.IMPRESSION)
)
"""The types allowed in files and in requests."""

ID_LENGTH_LIMIT = 128
"""Maximum length of item, event, visitor and session ids and attribution tokens, in characters, and
so at most 512 bytes of UTF-8: the same limit for files, requests, bundles and the state folder."""

CONTROL_CHARACTER = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Not allowed in ids, line breaks included, since some formats store one id per line. Allowed are
blanks, quotes, commas, U+2028 and U+2029. The pattern is valid in Python and in RE2."""

PRICE_LIMIT = 1e12
"""Maximum price in files and requests: models use float32, where much larger prices would be
infinite."""

EVENT_TYPE_BY_LABEL: Mapping[str, EventType] = {type_.label: type_ for type_ in RECORDABLE_TYPES}


STOCK_ATTRIBUTE = "stock"
"""Name of the attribute that holds the number of pieces in stock: a fact as the price is, no words."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing the shop sells.

    Args:
        item_id: The shop's own key, not empty.
        title: What the shopper reads first; may be empty.
        description: Longer text; may be empty.
        category: Path from the broadest to the narrowest, ``("Grocery", "Cereal")``.
        brand: Brand or maker; may be empty.
        price: In units of ``currency``; None where it is not known.
        currency: ISO 4217 code; may be empty.
        in_stock: Whether it can be bought now.
        attributes: Further facts by name, ``{"size": "12 OZ"}``; ``STOCK_ATTRIBUTE`` among them is the
            number of pieces in stock.
        image: Path or URL of the picture, or its place in the tables (``data.media``); may be empty.
        created_time: When the shop began to list it, UTC; None where not known.
        audio: The same of what it sounds like.
        predicted: Fields whose values are predictions, by name (``data.predicted.fields``). The shop's
            own files and logs have none: values are filled in where a catalogue is built or changed.
    """

    item_id: str
    title: str = ""
    description: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    price: float | None = None
    currency: str = ""
    in_stock: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    created_time: datetime | None = None
    audio: str = ""
    predicted: tuple[str, ...] = ()

    @property
    def worded_attributes(self) -> Mapping[str, str]:
        """The attributes whose values are words of the item: all but the number of pieces in stock."""
        if STOCK_ATTRIBUTE not in self.attributes:
            return self.attributes
        return {name: text for name, text in self.attributes.items() if name != STOCK_ATTRIBUTE}


@dataclass(frozen=True, slots=True)
class Event:
    """One interaction of one shopper.

    Args:
        event_id: Unique; a second event with the same id is a duplicate and is ignored.
        type: One of ``RECORDABLE_TYPES``.
        visitor_id: The shop's pseudonym of the shopper or device.
        time: Seconds since 1970, UTC.
        item_id: The item; empty for a search.
        query: The query text; for a search only.
        session_id: The shop's own session key; empty where it has none.
        quantity: Pieces, 1 or more.
        price: Price paid per piece; None if unknown.
        rating: 1 to 5, for a review; None elsewhere.
        text: Text of a review.
        dwell_seconds: How long a viewed page stayed open; None where not known.
        offer_id: The offer that a purchase was made with; empty for none.
        surface: Where it happened: ``search``, ``home``, ``item`` …
        attribution_token: The token of the answer that showed the item.
    """

    event_id: str
    type: EventType
    visitor_id: str
    time: float
    item_id: str = ""
    query: str = ""
    session_id: str = ""
    quantity: int = 1
    price: float | None = None
    rating: float | None = None
    text: str = ""
    surface: str = ""
    attribution_token: str = ""
    dwell_seconds: float | None = None
    offer_id: str = ""


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A live change of an item at ``time``, seconds since 1970; None: the item was deleted."""

    time: float
    item: Item | None


class LogPosition(NamedTuple):
    """An entry of the server's event log: its sequence number, and its checksum, by which a log in
    which another entry has that number is recognised as another log."""

    sequence: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Judgment:
    """A person's grade of how relevant an item is to a query; the scale is the shop's own."""

    query: str
    item_id: str
    grade: float


def as_datetime(seconds: float) -> datetime:
    """Seconds since 1970 as a UTC datetime."""
    return datetime.fromtimestamp(seconds, tz=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Impression:
    """The items of one answer, as they were shown.

    Args:
        attribution_token: Identifies the answer; events that it led to carry the token.
        visitor_id: The visitor; empty if anonymous.
        time: Seconds since 1970, UTC.
        surface: Where it was shown: ``search``, ``home``, ``item`` …
        query: The query text; for a search only.
        bundle_id: The bundle that made the answer.
        item_ids: The items, in the order shown.
        offset: Rank of the first item, from 0: above 0 on later pages.
        features: ``[shown, feature_count] float32``, the reranker's input in the order of the
            bundle's feature names; None if not logged.
        context_item_ids: The item of an item page, or the items of a cart.
        filter: Conditions of the request's filter, by name; empty for none.
        sort_by: The sort order, ``price_low``; empty for relevance.
        literal: Whether no part of the query was to be read as a condition.
        propensities: Probability with which each item was shown in its place, 1 where nothing was up to
            chance; empty where the policy did not explore, and in logs older than this field.
        interleaved_bundle_id: The bundle that the answer was interleaved with; empty for none.
        teams: Of an interleaved answer a letter for each item: ``a`` where the bundle of the answer
            contributed it, ``b`` where the other one did, ``-`` where a rule pinned it.
    """

    attribution_token: str
    visitor_id: str
    time: float
    surface: str
    query: str
    bundle_id: str
    item_ids: tuple[str, ...]
    offset: int = 0
    features: NDArray[np.float32] | None = None
    context_item_ids: tuple[str, ...] = ()
    filter: Mapping[str, Any] = field(default_factory=dict)
    sort_by: str = ""
    literal: bool = False
    propensities: tuple[float, ...] = ()
    interleaved_bundle_id: str = ""
    teams: str = ""
