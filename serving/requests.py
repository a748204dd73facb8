"""What the engine is asked and what it answers, free of gRPC and of protos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from towers.catalog import Filter as Filter


class Placement(IntEnum):
    """Where recommendations are shown; the numbers are those of the wire."""

    UNSPECIFIED = 0
    HOME = 1
    CATEGORY = 2
    ITEM = 3
    CART = 4


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search box request. An empty ``visitor_id`` asks without a session.

    ``record`` adds the search to the session and to the log, as a search event.
    """

    query: str
    visitor_id: str = ""
    page_size: int = 20
    offset: int = 0
    filter: Filter = field(default_factory=Filter)
    explain: bool = False
    record: bool = True


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """One browse request. ``item_ids`` are the item of an item page or the items of a cart."""

    placement: Placement
    visitor_id: str = ""
    item_ids: tuple[str, ...] = ()
    page_size: int = 20
    offset: int = 0
    filter: Filter = field(default_factory=Filter)
    explain: bool = False


@dataclass(frozen=True, slots=True)
class SourceHit:
    """A candidate source that found the item, and the rank it gave (from 1)."""

    source: str
    rank: int


@dataclass(frozen=True, slots=True)
class EventEffect:
    """How much one event of the session moved the item's score: with it minus without it."""

    event_type: str
    item_id: str
    query: str
    effect: float


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """How much one feature moved the item's score: with it minus at its training mean."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class Result:
    """One item of an answer. The effects are filled when an explanation was asked for.

    ``purchase_probability`` is None where the bundle learnt of too few purchases to tell.
    """

    item_id: str
    title: str
    category: tuple[str, ...]
    brand: str
    price: float | None
    in_stock: bool
    score: float
    sources: tuple[SourceHit, ...] = ()
    event_effects: tuple[EventEffect, ...] = ()
    feature_effects: tuple[FeatureEffect, ...] = ()
    purchase_probability: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of results.

    Args:
        results: In order, best first.
        attribution_token: Names this answer; events echo it.
        bundle_id: The bundle that made it.
        next_offset: Where the next page starts; None where there is none.
        missing: Parts of the pipeline that were away: ``("reranker",)``; empty when whole.
        session_event_count: Events of the visit that the answer knew of; the oldest are forgotten.
    """

    results: tuple[Result, ...]
    attribution_token: str
    bundle_id: str
    next_offset: int | None
    missing: tuple[str, ...] = ()
    session_event_count: int = 0


@dataclass(frozen=True, slots=True)
class RecordReport:
    """What became of a batch of events."""

    recorded_count: int
    duplicate_count: int
    unknown_item_count: int


@dataclass(frozen=True, slots=True)
class CatalogReport:
    """What became of a batch of catalogue changes."""

    added_count: int
    updated_count: int
    removed_count: int


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a running engine."""

    bundle_id: str
    bundle_path: str
    previous_bundle_path: str
    item_count: int
    live_item_count: int
    visitor_count: int
    logged_event_count: int
    unknown_item_event_count: int
    uptime_seconds: float
    versions: Mapping[str, str] = field(default_factory=dict)
