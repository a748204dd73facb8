"""What the engine answers, free of gRPC and of protos."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from towers.search_box.completion import Suggestion as Suggestion
from towers.search_box.relaxation import Relaxation as Relaxation
from towers.search_box.relaxation import RelaxationKind as RelaxationKind


@dataclass(frozen=True, slots=True)
class Completed:
    """Suggestions; ``corrected_text`` is what was typed as it was mended, else empty."""

    suggestions: tuple[Suggestion, ...]
    corrected_text: str
    bundle_id: str


class EmptyReason(IntEnum):
    """Why an answer has no results; the numbers are those of the wire."""

    UNSPECIFIED = 0
    NO_ITEM_PASSES_FILTER = 1
    NO_ITEM_LEFT = 2


@dataclass(frozen=True, slots=True)
class SourceHit:
    """A candidate source that found the item, and the rank it gave (from 1)."""

    source: str
    rank: int


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one adjustment or one rule of the shop, by name, adds to the item's score."""

    name: str
    amount: float


@dataclass(frozen=True, slots=True)
class EventEffect:
    """How much one event of the session moved the model's score: with it minus without it."""

    event_type: str
    item_id: str
    query: str
    effect: float


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """How much one feature moved the model's score: with it minus at its training mean."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class Result:
    """One item of an answer. The effects are filled when an explanation was asked for.

    ``score`` is ``model_score`` and what ``adjustments`` (fixed rules of the ranker) and
    ``merchandising`` (the shop's own rules) add to it; all are 0 in an order other than relevance.
    ``rules`` names the query rules that put it where it is.
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
    rules: tuple[str, ...] = ()
    purchase_probability: float | None = None
    model_score: float = 0.0
    adjustments: tuple[ScorePart, ...] = ()
    merchandising: tuple[ScorePart, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet and the number of matching items that have it.

    A category has its path in ``category``, a range of prices its lowest and its highest price; all
    others have their name in ``value``.
    """

    count: int
    value: str = ""
    category: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one facet, the most frequent first; prices from the lowest."""

    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of results.

    Args:
        results: In order, best first.
        attribution_token: Names this answer; events echo it.
        bundle_id: The bundle that made it.
        next_offset: Where the next page starts; None where there is none.
        missing: Parts of the pipeline that were away or failed: ``("reranker",)``; empty when whole.
        facets: Those asked for, in the order asked.
        match_count: Items that facets and orders other than relevance are about; None where
            neither was asked for.
        relaxations: What of the query had to be given up.
        empty_reason: Why there are no results; ``UNSPECIFIED`` where there are any.
        redirect_uri: Where a rule sends the shopper; empty for nowhere.
        rules: Names of the query rules that changed the answer, in the order of the file.
        rules_version: Of the rules file; empty without one.
        session_event_count: Events of the visit that the answer knew of; the oldest are forgotten.
    """

    results: tuple[Result, ...]
    attribution_token: str
    bundle_id: str
    next_offset: int | None
    missing: tuple[str, ...] = ()
    facets: tuple[Facet, ...] = ()
    match_count: int | None = None
    relaxations: tuple[Relaxation, ...] = ()
    empty_reason: EmptyReason = EmptyReason.UNSPECIFIED
    redirect_uri: str = ""
    rules: tuple[str, ...] = ()
    rules_version: str = ""
    session_event_count: int = 0
