"""Response types of the engine, independent of gRPC and protobuf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from serving.api.offers.offer_requests import OfferResult as OfferResult
from towers.search_box.relaxation import Relaxation as Relaxation
from towers.search_box.relaxation import RelaxationKind as RelaxationKind
from towers.search_box.suggestions import Suggestion as Suggestion
from towers.sessions.segments import Segment as Segment
from towers.text.understood import Understood as Understood
from towers.text.understood import UnderstoodKind as UnderstoodKind
from towers.text.understood import UnderstoodUse as UnderstoodUse


@dataclass(frozen=True, slots=True)
class Completed:
    """Suggestions; ``corrected_text`` is the typed text after spelling correction, else empty."""

    suggestions: tuple[Suggestion, ...]
    corrected_text: str
    bundle_id: str


class EmptyReason(IntEnum):
    """Why an answer has no results; the numbers are those of the protobuf enum."""

    UNSPECIFIED = 0
    NO_ITEM_PASSES_FILTER = 1
    NO_ITEM_LEFT = 2
    NOTHING_ON_OFFER = 3
    NOTHING_GOES_ON = 4


@dataclass(frozen=True, slots=True)
class SourceHit:
    """A candidate source that retrieved the item, and the item's rank there (from 1)."""

    source: str
    rank: int


@dataclass(frozen=True, slots=True)
class ScorePart:
    """What one named adjustment or merchandising rule adds to the item's score."""

    name: str
    amount: float


@dataclass(frozen=True, slots=True)
class ModalityShare:
    """Share of an item's words, its picture or its sound in its vector."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """A step of the shop's policy that changed the order, and how many results it moved."""

    name: str
    moved_count: int


@dataclass(frozen=True, slots=True)
class EventEffect:
    """Effect of one session event on the model's score: score with it minus score without it."""

    event_type: str
    item_id: str
    query: str
    effect: float


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """Effect of one feature on the model's score: with its value minus with its training mean."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True, slots=True)
class ActionProbability:
    """Probability, 0 to 1, that the visitor does something with an item: ``click``, ``purchase`` …"""

    action: str
    probability: float


@dataclass(frozen=True, slots=True)
class Result:
    """One item of an answer. Effects are filled only if the request has ``explain``.

    ``score`` is the sum of ``model_score``, ``adjustments`` (fixed rules of the ranker) and
    ``merchandising`` (the shop's own rules); all are 0 when sorted by anything but relevance.
    ``rules`` names the query rules that determined its position.
    ``purchase_probability`` is None where the training log held too few purchases to calibrate.
    ``reason`` is a sentence for the shopper, filled with the effects. ``offer_id`` is the offer that the
    item is on, ``earlier_price`` what it is reduced from; both for the promotion placement only.
    ``actions`` is filled only if the request has ``predict_actions``. ``modalities`` are filled with the
    effects, for an item with a picture or a sound. ``predicted_attributes`` are the names of its fields
    whose values were predicted. ``variant_count`` is the number of further members of its group that
    match the request, and ``variant_ids`` are the first of them; 0 and empty without groups.
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
    reason: str = ""
    actions: tuple[ActionProbability, ...] = ()
    offer_id: str = ""
    earlier_price: float | None = None
    modalities: tuple[ModalityShare, ...] = ()
    predicted_attributes: tuple[str, ...] = ()
    variant_count: int = 0
    variant_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetValue:
    """One value of a facet and the number of matching items that have it.

    A category fills ``category`` with its path, a price range fills ``min_price`` and
    ``max_price``; all others fill ``value``.
    """

    count: int
    value: str = ""
    category: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one facet, most frequent first; price ranges in ascending order."""

    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of results.

    Args:
        results: In order, best first.
        attribution_token: Identifies this answer; events caused by it carry the token.
        bundle_id: The bundle that produced it.
        next_offset: Where the next page starts in the order, from 0; None on the last page.
        missing: Pipeline stages that failed or were unavailable, ``("reranker",)``; else empty.
        facets: The requested facets, in the order of the request.
        match_count: Size of the match set, which facets count and non-relevance orders sort; None
            where its stage failed.
        relaxations: How the query was relaxed, in order.
        understood: Parts of the query that are conditions or names of the catalogue.
        empty_reason: Why there are no results; ``UNSPECIFIED`` where there are any.
        redirect_uri: Redirect target of a rule; empty for none.
        rules: Names of the query rules that changed the answer, by kind, then in file order.
        rules_version: Version of the rules file; empty without one.
        session_event_count: Events of the current session that the answer used; only the
            newest are kept.
        order_key: Key under which the order is kept for the next page; empty on the last page.
        is_order_expired: Whether the order that the page should have continued is not kept any more:
            the page is of the order as of now, and may repeat or skip items.
        is_match_count_lower_bound: Whether the match set has ``match_count`` items or more.
        relevant_count: Results of a search, on all pages, before the first from which on all are only
            related; None where nothing can be told.
        segment: The visitor's segment; ``UNSPECIFIED`` where its stage failed.
        policy_steps: Steps of the shop's policy that changed the order, in their order.
        group_by: What the results are groups of, as in the request; empty: they are single items.
        group_count: Groups, and items that stand alone, among the ``match_count`` items; None without
            groups, or where it is not known.
        services: Services for what was bought, best first; for the after-sales placement only.
        interleaved_bundle_id: The bundle that contributed some of the results where two are compared;
            else empty.
    """

    results: Sequence[Result]
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
    order_key: str = ""
    is_order_expired: bool = False
    is_match_count_lower_bound: bool = False
    relevant_count: int | None = None
    understood: tuple[Understood, ...] = ()
    segment: Segment = Segment.UNSPECIFIED
    policy_steps: tuple[PolicyStep, ...] = ()
    services: tuple[OfferResult, ...] = ()
    interleaved_bundle_id: str = ""
    group_by: str = ""
    group_count: int | None = None
