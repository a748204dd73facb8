"""The eligible offers that a visitor may want, ranked, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from data.offers.offer import OfferKind
from towers.catalog.items import Catalog
from towers.offers.offer_features import OfferTables, column, offer_features
from towers.offers.offer_model import OfferModel
from towers.offers.placed_offer import PlacedOffer
from towers.offers.visitor_state import VisitorState
from towers.text.writing.folding import has_chinese

_DEFAULT_THRESHOLD = 0.3
"""Least affinity without a model."""


class OfferOrder(IntEnum):
    """What offers are ranked by; the numbers are part of the protobuf format."""

    PROBABILITY = 0
    UPLIFT = 1


class ReasonKind(IntEnum):
    """Why an offer is made; the numbers are part of the protobuf format."""

    UNSPECIFIED = 0
    SESSION = 1
    BOUGHT = 2
    CATEGORY = 3
    SIMILAR = 4
    POPULAR = 5


_SENTENCES: Mapping[ReasonKind, tuple[str, str]] = {
    ReasonKind.SESSION: ("Because you are interested in {}", "因为您对{}感兴趣"),
    ReasonKind.BOUGHT: ("Because you bought {}", "因为您买过{}"),
    ReasonKind.CATEGORY: ("Because you buy from {}", "因为您常买{}"),
    ReasonKind.SIMILAR: ("It is like what you buy and look at", "与您购买和浏览的商品相似"),
    ReasonKind.POPULAR: ("Many shoppers buy what it is for", "适用商品近期热销"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an offer is made to a visitor.

    Args:
        kind: What speaks for it.
        item_id: The item of the session or of an earlier purchase; empty for the other kinds.
        text: A sentence that the visitor can read.
    """

    kind: ReasonKind
    item_id: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class RankedOffer:
    """An offer for a visitor.

    Args:
        placed: The offer.
        affinity: 1 where one of its items was bought before, or is in the session or the cart; else
            the largest cosine of the visitor's taste and its items, at least 0. 0 for a visitor of
            whom nothing is known.
        probability: That the visitor redeems it before it ends; None without a model.
        uplift: By how much it raises the probability that the visitor buys one of its items; None
            without a model of it.
        reason: Why it is made.
    """

    placed: PlacedOffer
    affinity: float
    probability: float | None
    uplift: float | None
    reason: Reason


def rank_offers(
    state: VisitorState,
    offers: Sequence[PlacedOffer],
    tables: OfferTables,
    model: OfferModel | None,
    *,
    order: OfferOrder = OfferOrder.PROBABILITY,
    limit: int,
) -> tuple[list[RankedOffer], int]:
    """The best of the eligible offers, best first, and how many were unwanted.

    Unwanted is an offer whose affinity is below the model's threshold, and one all of whose items
    the visitor has rejected. Of a visitor without history or session nothing is unwanted. Without a
    model, the order is that of affinity and then popularity; ties are in the order of the book.
    """
    if not offers:
        return [], 0
    features = offer_features(state, offers, tables)
    affinities = affinities_of(features)
    threshold = _DEFAULT_THRESHOLD if model is None else model.affinity_threshold
    is_wanted = np.array([not _is_rejected(state, one) for one in offers])
    if state.is_known:
        is_wanted &= affinities >= threshold
    probabilities = None if model is None else model.probabilities(features)
    uplifts = None if model is None else model.uplifts(features)
    score = affinities + 1e-3 * features[:, column("popularity")]
    if order is OfferOrder.UPLIFT and uplifts is not None:
        score = uplifts
    elif probabilities is not None:
        score = probabilities
    wanted = np.flatnonzero(is_wanted)
    best = wanted[np.argsort(-score[wanted], kind="stable")][:limit]
    ranked = [
        RankedOffer(
            offers[place],
            float(affinities[place]) if state.is_known else 0.0,
            None if probabilities is None else float(probabilities[place]),
            None if uplifts is None else float(uplifts[place]),
            reason_of(state, offers[place], tables.catalog, affinities[place] >= threshold),
        )
        for place in best.tolist()
    ]
    return ranked, len(offers) - len(wanted)


def affinities_of(features: np.ndarray) -> np.ndarray:
    """``[n] float64``, 0 to 1, of ``features [n, len(FEATURE_NAMES)]``: see ``RankedOffer``."""
    is_own = (features[:, column("own_count")] > 0) | (features[:, column("session_share")] > 0)
    cosines = np.clip(features[:, column("largest_cosine")].astype(np.float64), 0.0, 1.0)
    return np.where(is_own, 1.0, cosines)


def reason_of(
    state: VisitorState, placed: PlacedOffer, catalog: Catalog, is_similar: bool
) -> Reason:
    """The strongest reason for an offer: the session, a purchase, a category, a likeness, demand.

    In Chinese where the offer's text is, or without a text what is named; else in English.
    """
    in_session = state.rows[np.isin(state.rows, placed.rows)]
    if len(in_session):
        return _of_item(ReasonKind.SESSION, placed, in_session[0], catalog)
    own = np.flatnonzero(np.isin(state.bought_rows, placed.rows))
    if len(own):
        most = own[np.argmax(state.bought_counts[own])]
        return _of_item(ReasonKind.BOUGHT, placed, state.bought_rows[most], catalog)
    leaves = catalog.leaf[state.bought_rows]
    shared = leaves[np.isin(leaves, placed.leaves)]
    path = catalog.category_path(int(np.bincount(shared).argmax())) if len(shared) else ()
    if path:
        return Reason(ReasonKind.CATEGORY, "", _sentence(ReasonKind.CATEGORY, placed, path[-1]))
    is_like = state.is_known and is_similar
    kind = ReasonKind.SIMILAR if is_like else ReasonKind.POPULAR
    # Without a text the items tell the language.
    title = catalog.titles[placed.rows[0]] if len(placed.rows) else ""
    return Reason(kind, "", _sentence(kind, placed, "", title))


def _of_item(kind: ReasonKind, placed: PlacedOffer, row: int, catalog: Catalog) -> Reason:
    item_id = catalog.item_ids[row]
    return Reason(kind, item_id, _sentence(kind, placed, catalog.titles[row] or item_id))


def _sentence(kind: ReasonKind, placed: PlacedOffer, named: str, language_of: str = "") -> str:
    english, chinese = _SENTENCES[kind]
    is_chinese = has_chinese(placed.offer.text or named or language_of)
    return (chinese if is_chinese else english).format(named)


def _is_rejected(state: VisitorState, placed: PlacedOffer) -> bool:
    # Who sent a thing back may want its repair or its insurance all the more.
    if placed.offer.kind is OfferKind.SERVICE or not len(state.disliked_rows):
        return False
    return bool(np.isin(placed.rows, state.disliked_rows).all())
