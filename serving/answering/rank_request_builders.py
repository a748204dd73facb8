"""The ranker's request of a search, and its conditions: shared by serving and log replay."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from data.records import Event, EventType
from serving.api.requests import Filter, SearchRequest, SortOrder
from towers.catalog.items import Catalog
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.text.parsed_query import ParsedQuery
from towers.text.understood import QueryConditions, Understood, UnderstoodKind, UnderstoodUse

_HOLDER_COUNT = 1_000
"""Items with all words at most that are checked for being allowed."""


class ConditionedSearch(NamedTuple):
    """A search with the conditions of its text applied.

    Args:
        request: With their filter and order; the text stays as typed.
        rank_request: With the filter's mask; literal where the conditions are words to match.
        understood: What the answer tells of the text.
    """

    request: SearchRequest
    rank_request: RankRequest
    understood: tuple[Understood, ...] = ()


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


def with_conditions(
    ranker: Ranker, request: SearchRequest, rank_request: RankRequest
) -> ConditionedSearch:
    """A search with the conditions of its text applied.

    A filter or an order of the request itself wins over one in the text. Where no item that matches
    the other words would be left, conditions do not filter: they are words to match if some item has
    all of the text, else they are dropped.
    """
    query = ranker.parse(request.query, [], is_literal=request.is_literal)
    if not query.conditions.applied or request.is_literal:
        told = query.names if request.is_literal else query.understood
        return ConditionedSearch(request, rank_request, told)
    conditions = _not_overridden(query.conditions, request)
    if query.is_condition_only:
        # There is no relevance that a low price could be weighed against.
        conditions = _with_use(conditions, UnderstoodUse.PREFERENCE, UnderstoodUse.SORT)
    effective = _filter_with(request.filter, conditions)
    catalog = ranker.sources.catalog
    mask = catalog.mask(effective)
    if effective != request.filter and not _leaves_any(ranker, query, rank_request, mask):
        literal = ranker.parse(request.query, [], is_literal=True)
        if not query.surface_words or _has_item(ranker, literal, rank_request):
            words = [replace(part, use=UnderstoodUse.TEXT) for part in conditions.parts]
            as_text = replace(rank_request, is_literal=True)
            return ConditionedSearch(request, as_text, (*words, *literal.names))
        conditions = _with_use(conditions, UnderstoodUse.FILTER, UnderstoodUse.NO_ITEM_LEFT)
        effective, mask = request.filter, rank_request.mask
    order = SortOrder.PRICE_LOW if conditions.has(UnderstoodUse.SORT) else request.sort_by
    return ConditionedSearch(
        replace(request, filter=effective, sort_by=order),
        replace(rank_request, mask=mask),
        (*conditions.parts, *query.names),
    )


def _not_overridden(conditions: QueryConditions, request: SearchRequest) -> QueryConditions:
    """The conditions, those that the request's own filter or order overrides marked so."""
    own = request.filter
    has_own_price = own.min_price is not None or own.max_price is not None
    has_own_order = request.sort_by is not SortOrder.RELEVANCE
    parts = []
    for part in conditions.parts:
        is_price_filter = part.kind is UnderstoodKind.PRICE and part.use is UnderstoodUse.FILTER
        is_order = part.use in (UnderstoodUse.SORT, UnderstoodUse.PREFERENCE)
        if (is_price_filter and has_own_price) or (is_order and has_own_order):
            part = replace(part, use=UnderstoodUse.OVERRIDDEN)
        parts.append(part)
    return replace(conditions, parts=tuple(parts))


def _filter_with(own: Filter, conditions: QueryConditions) -> Filter:
    """The request's filter narrowed by the conditions; the tightest of several bounds."""
    filters = [part for part in conditions.parts if part.use is UnderstoodUse.FILTER]
    lows = [part.min_price for part in filters if part.min_price is not None]
    highs = [part.max_price for part in filters if part.max_price is not None]
    return replace(
        own,
        min_price=max(lows) if lows else own.min_price,
        max_price=min(highs) if highs else own.max_price,
        in_stock_only=own.in_stock_only
        or any(part.kind is UnderstoodKind.STOCK for part in filters),
    )


def _leaves_any(
    ranker: Ranker, query: ParsedQuery, rank_request: RankRequest, mask: np.ndarray | None
) -> bool:
    """Whether an item passes the mask, and matches the words if any item does."""
    sources, masked = ranker.sources, replace(rank_request, mask=mask)
    if sources.lexical is not None and query.surface_words:
        rows = sources.lexical.matching_rows(query)
        if len(sources.only_allowed(rank_request, rows)):
            return bool(len(sources.only_allowed(masked, rows)))
    return bool(sources.allowed_count(masked))


def _has_item(ranker: Ranker, query: ParsedQuery, rank_request: RankRequest) -> bool:
    """Whether an item has all words of a query."""
    lexical = ranker.sources.lexical
    if lexical is None:
        return False
    required = [term.alternatives for term in query.terms if term.is_required]
    rows = lexical.holders(required, _HOLDER_COUNT)
    return bool(len(ranker.sources.only_allowed(rank_request, rows)))


def _with_use(
    conditions: QueryConditions, use: UnderstoodUse, other: UnderstoodUse
) -> QueryConditions:
    """The conditions, those of one use with another."""
    parts = [replace(part, use=other) if part.use is use else part for part in conditions.parts]
    return replace(conditions, parts=tuple(parts))
