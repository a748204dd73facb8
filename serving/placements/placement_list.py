"""The list of all placements, which serving, evaluation and log replay go through.

A new placement is a file of this room, an entry here, and its number and item count in
``serving/api/requests`` and the protos.
"""

from __future__ import annotations

from collections.abc import Mapping

from serving.api.requests import Placement, RecommendRequest
from serving.placements.after_sales import after_sales_page
from serving.placements.browse_pages import browse_page, cart_page, item_page
from serving.placements.cross_sell import cross_sell_page
from serving.placements.page_plan import PagePlan, Planner
from serving.placements.promotion import promotion_page
from towers.bundle.bundle import Bundle
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

PLANNERS: Mapping[Placement, Planner] = {
    Placement.HOME: browse_page,
    Placement.CATEGORY: browse_page,
    Placement.ITEM: item_page,
    Placement.CART: cart_page,
    Placement.CROSS_SELL: cross_sell_page,
    Placement.PROMOTION: promotion_page,
    Placement.AFTER_SALES: after_sales_page,
}


def page_plan(request: RecommendRequest, session: Session, time: float, bundle: Bundle) -> PagePlan:
    """What the request's placement shows.

    Raises:
        RequestError: The placement needs something that neither request nor session has.
    """
    return PLANNERS[request.placement](request, session, time, bundle)


def recommend_rank_request(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> RankRequest:
    """The ranker's request of ``page_plan``."""
    return page_plan(request, session, time, bundle).rank_request
