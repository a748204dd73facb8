"""The placement cross-sell: what goes with the cart, and could take the place of nothing in it."""

from __future__ import annotations

from dataclasses import replace

from data.errors import RequestError
from serving.api.requests import RecommendRequest
from serving.placements.browse_pages import with_cart
from serving.placements.page_plan import PagePlan, page_request
from towers.bundle.bundle import Bundle
from towers.catalog.substitutes import substitutes
from towers.sessions.session import Session


def cross_sell_page(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> PagePlan:
    """Complements of the cart.

    Raises:
        RequestError: No item is known that they could go with.
    """
    catalog = bundle.catalog
    rank_request = page_request(request, with_cart(request, session, time), time, catalog)
    if not len(rank_request.excluded):
        expected = "1 or more items of the catalogue, or a visitor with a basket"
        raise RequestError("item_ids", expected, len(request.item_ids))
    return PagePlan(replace(rank_request, outside=substitutes(catalog, rank_request.excluded)))
