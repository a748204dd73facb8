"""The ranker's request, built from a request and a session: shared by serving and log replay."""

from __future__ import annotations

from dataclasses import replace

from data.records import Event, EventType
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from towers.catalog.items import Catalog
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session


def search_rank_request(
    request: SearchRequest, session: Session, time: float, catalog: Catalog
) -> RankRequest:
    """The rank request of a search, which is the newest event of its session.

    Args:
        session: Of the visitor; it ends with the search if that was recorded, else it is added.
        time: Seconds since 1970.
    """
    now = session.at(time)
    newest = now.events[-1] if now.events else None
    if newest is None or newest.type is not EventType.SEARCH or newest.query != request.query:
        now = now.after(search_event(request, "", time))
    mask = catalog.mask(request.filter)
    return RankRequest(now, time, request.query, mask, is_literal=request.is_literal)


def search_event(request: SearchRequest, event_id: str, time: float) -> Event:
    """A search as an event."""
    return Event(event_id, EventType.SEARCH, request.visitor_id, time, query=request.query)


def recommend_rank_request(
    request: RecommendRequest, session: Session, time: float, catalog: Catalog
) -> RankRequest:
    """The rank request of a browse page.

    The item of an item page counts as just viewed, and the items of a cart as just added, in this
    request only. Items on the page or in the basket are excluded.
    """
    now = session.at(time)
    for event in _context_events(request, now, time):
        now = now.after(event)
    known = catalog.rows(sorted(now.basket | set(request.item_ids)))
    mask = catalog.mask(request.filter)
    # A filter on stock alone does not narrow what the shopper is looking for.
    is_narrowed = mask is not None and replace(request.filter, in_stock_only=False) != Filter()
    return RankRequest(
        now,
        time,
        mask=mask,
        excluded=known[known >= 0],
        has_page_hint=is_narrowed or bool(request.item_ids),
    )


def _context_events(request: RecommendRequest, session: Session, time: float) -> list[Event]:
    if request.placement is Placement.ITEM:
        type_, seen = EventType.VIEW, {event.item_id for event in session.events[-1:]}
    elif request.placement is Placement.CART:
        type_, seen = EventType.ADD_TO_CART, set(session.basket)
    else:
        return []
    # Not before the newest event: the page's item is what the shopper looks at now.
    moment = max(time, session.events[-1].time) if session.events else time
    template = Event("", type_, request.visitor_id, moment)
    missing = dict.fromkeys(item_id for item_id in request.item_ids if item_id not in seen)
    return [replace(template, item_id=item_id) for item_id in missing]
