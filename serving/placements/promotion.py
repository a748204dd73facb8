"""The placement promotion: what is on offer to the visitor now, what they would like first.

Sources: items of the coupons and promotions that the visitor may have, and items whose price is below
an earlier one. Objective: the odds of a purchase by the ranker. Of several offers an item is on the one
that the visitor most likely redeems. Excluded: what is out of stock, in the basket or bought for good;
offers past their budget or the visitor's limit. The odds of redemption do not order the items: times
those of a purchase they found less of what was bought (see ``serving/evaluation/promotion``), and uplift
cannot be told better than by chance (see ``evaluate --offers``).

Where the bundle holds a forecast of demand, what needs a push is raised by name: items of which more are
in stock than are forecast to be bought while they are on offer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from data.offers.offer import Offer, OfferKind
from serving.api.answers import EmptyReason
from serving.api.requests import RecommendRequest
from serving.placements.page_plan import Note, PagePlan, page_request
from serving.placements.sentences import Saying, Sentence
from towers.bundle.bundle import Bundle
from towers.offers.eligibility import eligible_offers
from towers.offers.item_offers import ItemOffers
from towers.offers.offer_features import OfferTables
from towers.offers.reductions import earlier_prices
from towers.offers.visitor_state import VisitorState
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session import Session

NEEDS_PUSH = "needs_push"
"""Name of the score adjustment."""

_LARGEST_PUSH = 0.5
"""Logarithm of the odds that an item gains of which none would be sold; less, the more would be."""
_DAY_SECONDS = 86_400.0

KINDS = (OfferKind.COUPON, OfferKind.PROMOTION)


def promotion_page(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> PagePlan:
    """What is on offer; empty, with its reason, where nothing is."""
    catalog = bundle.catalog
    missing: list[str] = []
    run = bundle.ranker.sources.stages.run
    on_offer = run(
        "offers", lambda: items_on_offer(session, time, bundle), ItemOffers.none(), missing
    )
    earlier = earlier_prices(catalog, bundle.released_prices)
    outside = np.isnan(earlier) | ~catalog.in_stock[: len(earlier)]
    known = on_offer.rows[on_offer.rows < len(outside)]
    outside[known] = False

    def note_of(row: int) -> Note | None:
        place = int(np.searchsorted(on_offer.rows, row))
        price = float(earlier[row]) if row < len(earlier) and earlier[row] == earlier[row] else None
        if place < len(on_offer.rows) and on_offer.rows[place] == row:
            offer = on_offer.offers[on_offer.places[place]].offer
            return Note(_of_offer(offer), offer.offer_id, price)
        # Neither: an item that was added meanwhile.
        return None if price is None else Note(Sentence(Saying.REDUCED, f"{price:,.2f}"), "", price)

    pushed = partial(_pushed, on_offer, outside, time, bundle)
    nothing: Mapping[str, SparseScores] = {}
    lifts = run("demand", pushed, nothing, missing)
    return PagePlan(
        replace(page_request(request, session, time, catalog), outside=outside, lifts=lifts),
        note_of,
        EmptyReason.NOTHING_ON_OFFER,
        is_in_log=False,
        missing=tuple(missing),
    )


def items_on_offer(session: Session, time: float, bundle: Bundle) -> ItemOffers:
    """The items of the offers that a visitor may have, in stock, each with its best offer."""
    sources = bundle.ranker.sources
    embeddings = sources.index.embeddings
    state = VisitorState.of(session, time, bundle.catalog, embeddings)
    eligible = eligible_offers(bundle.offers, session.visitor_id, time, KINDS)
    tables = OfferTables(bundle.offers, sources.popular.popularity, embeddings)
    return ItemOffers.of(state, eligible.offers, tables, bundle.offer_model)


def _pushed(
    on_offer: ItemOffers, outside: np.ndarray, time: float, bundle: Bundle
) -> Mapping[str, SparseScores]:
    """What items gain of which more are in stock than will be bought in the time of their offer.

    An offer without an end, and a price that is below an earlier one, hold for the days of the forecast.

    Args:
        outside: ``[count] bool``, false for what is on offer.
    """
    cover = bundle.stock_cover
    if cover is None:
        return {}
    rows = np.flatnonzero(~outside)
    days = np.full(len(rows), float(cover.horizon_days))
    for place in np.flatnonzero(np.isin(rows, on_offer.rows)).tolist():
        number = int(np.searchsorted(on_offer.rows, rows[place]))
        end = on_offer.offers[on_offer.places[number]].offer.end_time
        if end is not None:
            days[place] = min(days[place], (end - time) / _DAY_SECONDS)
    pieces, demand = cover.pieces(bundle.catalog, rows), cover.rates_of(rows) * days
    # Not by the negated comparison: what is not known needs none.
    surplus = pieces > demand
    amounts = _LARGEST_PUSH * (1 - demand[surplus] / pieces[surplus]) / bundle.score_weight
    return {NEEDS_PUSH: SparseScores(rows[surplus], amounts.astype(np.float32))}


def _of_offer(offer: Offer) -> Sentence:
    if offer.text:
        return Sentence(Saying.ON_OFFER, offer.text)
    if offer.percent_off is not None:
        return Sentence(Saying.PERCENT_OFF, f"{offer.percent_off:g}")
    if offer.amount_off is not None:
        return Sentence(Saying.AMOUNT_OFF, f"{offer.amount_off:,.2f}")
    return Sentence(Saying.ANY_OFFER)
