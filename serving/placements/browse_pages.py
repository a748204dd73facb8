"""The placements home, category, item and cart: whatever the visitor may want there."""

from __future__ import annotations

from data.records import EventType
from serving.api.requests import RecommendRequest
from serving.placements.page_plan import PagePlan, page_request, with_items
from towers.bundle.bundle import Bundle
from towers.sessions.session import Session


def browse_page(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> PagePlan:
    """The home page or a category's."""
    return PagePlan(page_request(request, session, time, bundle.catalog))


def item_page(request: RecommendRequest, session: Session, time: float, bundle: Bundle) -> PagePlan:
    """The page of an item, which counts as just viewed, in this request only."""
    newest = session.at(time).events[-1:]
    missing = [one for one in request.item_ids if not newest or newest[0].item_id != one]
    viewing = with_items(session, EventType.VIEW, missing, time)
    return PagePlan(page_request(request, viewing, time, bundle.catalog))


def cart_page(request: RecommendRequest, session: Session, time: float, bundle: Bundle) -> PagePlan:
    """The page of a cart, whose items count as just added, in this request only."""
    return PagePlan(page_request(request, with_cart(request, session, time), time, bundle.catalog))


def with_cart(request: RecommendRequest, session: Session, time: float) -> Session:
    """The session with the request's items in the cart."""
    inside = session.at(time).basket
    missing = [item_id for item_id in request.item_ids if item_id not in inside]
    return with_items(session, EventType.ADD_TO_CART, missing, time)
