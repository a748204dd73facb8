"""The placement promotion: what is on offer to the visitor now, what they would like first.

Sources: items of the coupons and promotions that the visitor may have, and items whose price is below
an earlier one. Objective: the odds of a purchase by the ranker, times the odds that the visitor redeems
the item's offer, where a model of offers knows them. Excluded: what is out of stock, in the basket or
bought for good; offers past their budget or the visitor's limit. Uplift orders nothing here: on the logs
tried so far it cannot be told better than by chance (see ``evaluate --offers``).
"""

from __future__ import annotations

from dataclasses import replace

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

LIFT = "offer"
_REDEMPTION_WEIGHT = 0.0
"""Power of the odds of redemption: taste speaks in them too, and would count twice."""

KINDS = (OfferKind.COUPON, OfferKind.PROMOTION)


def promotion_page(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> PagePlan:
    """What is on offer; empty, with its reason, where nothing is."""
    catalog, sources = bundle.catalog, bundle.ranker.sources
    rank_request = page_request(request, session, time, catalog)
    state = VisitorState.of(session, time, catalog, sources.index.embeddings)
    eligible = eligible_offers(bundle.offers, request.visitor_id, time, KINDS)
    tables = OfferTables(bundle.offers, sources.popular.popularity, sources.index.embeddings)
    on_offer = ItemOffers.of(state, eligible.offers, tables, bundle.offer_model)
    earlier = earlier_prices(catalog, bundle.released_prices)
    outside = np.isnan(earlier) | ~catalog.in_stock[: len(earlier)]
    known = on_offer.rows[on_offer.rows < len(outside)]
    outside[known] = False
    lifts = {}
    if on_offer.log_odds.any():
        values = (_REDEMPTION_WEIGHT * on_offer.log_odds / bundle.score_slope).astype(np.float32)
        lifts[LIFT] = SparseScores(on_offer.rows, values)

    def note_of(row: int) -> Note:
        place = int(np.searchsorted(on_offer.rows, row))
        price = float(earlier[row]) if row < len(earlier) and earlier[row] == earlier[row] else None
        if place < len(on_offer.rows) and on_offer.rows[place] == row:
            offer = on_offer.offers[on_offer.places[place]].offer
            return Note(_of_offer(offer), offer.offer_id, price)
        return Note(Sentence(Saying.REDUCED, f"{price:,.2f}"), "", price)

    return PagePlan(
        replace(rank_request, outside=outside, lifts=lifts),
        note_of,
        EmptyReason.NOTHING_ON_OFFER,
        is_in_log=False,
    )


def _of_offer(offer: Offer) -> Sentence:
    if offer.text:
        return Sentence(Saying.ON_OFFER, offer.text)
    if offer.percent_off is not None:
        return Sentence(Saying.PERCENT_OFF, f"{offer.percent_off:g}")
    if offer.amount_off is not None:
        return Sentence(Saying.AMOUNT_OFF, f"{offer.amount_off:,.2f}")
    return Sentence(Saying.ANY_OFFER)
