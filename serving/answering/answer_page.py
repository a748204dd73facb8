"""The page of an answer: of the order that an earlier page came from, or of the order as of now."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from data.errors import RequestError
from serving.answering.merchandising import Merchandising, merchandised_page
from serving.api.requests import RecommendRequest, SearchRequest, SortOrder
from serving.api.result_columns import Variants
from serving.paging.further_results import FurtherResults
from serving.paging.grouped_results import GroupedFurther, leading_rows
from serving.paging.grouping import Grouping, first_of_groups, group_codes
from serving.paging.kept_orders import KeptOrder, KeptOrders
from serving.paging.kept_pages import kept_page
from serving.paging.match_set import MatchSet
from serving.paging.order_source import order_source
from serving.paging.page import Page
from serving.paging.relevance import end_of, is_among, others_than, relevant_end
from towers.bundle.bundle import Bundle
from towers.ranking.shortlist import Shortlist


class RankedResults(NamedTuple):
    """The results of a request as ranked now.

    Args:
        shortlist: Without hidden and pinned items.
        further: What follows the shortlist.
        with_pins: The shortlist with pinned items, as far as they were retrieved.
        matches: The match set, pinned items included.
        fits: ``[count] bool`` of the match set; None where it was not enumerated.
        sorted_rows: ``[n] int64`` first rows of the match set in the requested order; None for
            relevance.
        grouping: Groups of which each is shown once; the shortlist and ``further`` hold each once, and
            ``fits`` and ``sorted_rows`` only items that stand for their groups. None without groups.
        holding: ``[n] int64`` items that hold the words of a search, pinned ones included; None
            where nothing can be told.
    """

    shortlist: Shortlist
    further: FurtherResults
    with_pins: Shortlist
    merchandising: Merchandising
    matches: MatchSet
    fits: np.ndarray | None
    sorted_rows: np.ndarray | None
    holding: np.ndarray | None
    grouping: Grouping | None = None


class AnswerPage(NamedTuple):
    """The page of an answer and how the next one is asked for.

    Args:
        sort_by: What the results are sorted by.
        next_offset: Where the next page starts; None on the last page.
        order_key: Key of the kept order that the next page continues; empty on the last page.
        is_kept: Whether the page is of a kept order.
        relevant_count: Results on all pages before the first that is only related; None where that
            is not known.
    """

    page: Page
    sort_by: SortOrder
    next_offset: int | None
    order_key: str
    is_kept: bool
    relevant_count: int | None


def grouped(ranked: RankedResults, bundle: Bundle, name: str, sort_by: SortOrder) -> RankedResults:
    """The results with each group once; of several pinned items of a group the first.

    Args:
        name: What they are groups of, as in ``group_by`` of a request.

    Raises:
        LookupError: The bundle has no such groups.
    """
    codes = group_codes(bundle, name)
    if codes is None:
        return ranked
    matches, fits, further = ranked.matches, ranked.fits, ranked.further
    pins = ranked.merchandising.pins
    at = np.array(sorted(pins), np.int64)
    pinned = np.array([pins[position].row for position in at.tolist()], np.int64)
    is_kept = first_of_groups(codes, pinned)
    merchandising = replace(
        ranked.merchandising,
        pins=MappingProxyType({position: pins[position] for position in at[is_kept].tolist()}),
    )
    matching = matches.holding_flags(ranked.holding)
    if fits is not None and ranked.sorted_rows is not None:
        matching = fits
    grouping = Grouping(
        codes,
        allowed=matches.allowed_flags(),
        matching=matching,
        in_stock=bundle.catalog.in_stock,
        pinned=pinned,
    )
    if fits is not None and ranked.sorted_rows is not None:
        rows, fits = leading_rows(matches, grouping, fits, sort_by)
        sorted_rows = rows[: len(ranked.sorted_rows)]
        return ranked._replace(
            merchandising=merchandising,
            fits=fits,
            sorted_rows=sorted_rows,
            grouping=grouping,
        )
    return ranked._replace(
        shortlist=grouping.only_leads(ranked.shortlist),
        further=GroupedFurther(further.sources, further.encoded, further.matching, grouping),
        merchandising=merchandising,
        grouping=grouping,
    )


def variants_of(ranked: RankedResults, page: Page, sort_by: SortOrder) -> tuple[Variants, ...]:
    """The further members of the group of each result; empty without groups."""
    grouping, matches = ranked.grouping, ranked.matches
    if grouping is None:
        return ()

    def ordered(rows: np.ndarray) -> np.ndarray:
        if sort_by is not SortOrder.RELEVANCE:
            flags = np.zeros(matches.sources.catalog.count, bool)
            flags[rows] = True
            return matches.sorted_rows(flags, sort_by, len(rows))
        positions = ranked.with_pins.positions_of(rows)
        unlisted = len(ranked.with_pins.rows)
        return rows[np.argsort(np.where(positions < 0, unlisted, positions), kind="stable")]

    item_ids = matches.sources.catalog.item_ids
    return grouping.variants(page.rows, item_ids.__getitem__, ordered)


def group_count(ranked: RankedResults, fits: np.ndarray | None) -> int | None:
    """Groups among the items that ``match_count`` counts; None without groups or if not known.

    Args:
        fits: ``[count] bool`` of the match set; None where it was not enumerated.
    """
    if ranked.grouping is None:
        return None
    counted = ranked.matches.counted(ranked.holding) if fits is None else fits
    return None if counted is None else ranked.grouping.count(counted)


def shortlist_and_further(
    shortlist: Shortlist, matches: MatchSet, holding: np.ndarray | None, pinned_rows: np.ndarray
) -> tuple[Shortlist, FurtherResults]:
    """A shortlist and what follows it.

    Where more items hold the query's words than are on the shortlist, it is cut where relevance ends,
    so that they come before results that are only related.
    """
    sources, encoded = matches.sources, shortlist.encoded
    if holding is None:
        return shortlist, FurtherResults(sources, encoded)
    left = others_than(shortlist.rows, holding)
    if len(pinned_rows):
        left = others_than(pinned_rows, left)
    if len(left):
        shortlist = shortlist.first(relevant_end(shortlist, holding))
    return shortlist, FurtherResults(sources, encoded, left)


def answer_page(
    ranked: RankedResults,
    request: SearchRequest | RecommendRequest,
    token: str,
    orders: KeptOrders,
) -> AnswerPage:
    """The requested page; its order is kept where another page follows.

    Args:
        token: The attribution token, which nobody can guess: the key of a new order.

    Raises:
        RequestError: The order is that of another request.
    """
    now = ranked.matches.encoded.rank_request.time
    kept = orders.get(request.order_key, now) if request.order_key else None
    request_hash = _hash_of(request)
    if kept is not None:
        if kept.request_hash != request_hash:
            raise RequestError("order_key", "the key of the same request", request.order_key)
        return _page_of_kept(ranked, request, orders, kept)
    begin, end = request.offset, request.offset + request.page_size
    if ranked.sorted_rows is None or ranked.fits is None:
        order, whole = _order_by_relevance(ranked, end, request_hash)
        has_next = end < len(whole.rows) or end < _result_count(ranked)
    else:
        whole = Page(
            ranked.sorted_rows,
            np.zeros(len(ranked.sorted_rows), np.float32),
            ranked.shortlist.positions_of(ranked.sorted_rows),
        )
        item_ids = ranked.matches.sources.catalog.item_ids
        total_count = int(np.count_nonzero(ranked.fits))
        is_complete, has_next = len(whole.rows) == total_count, end < total_count
        order = KeptOrder(
            item_ids,
            whole.rows,
            request.sort_by,
            request_hash=request_hash,
            is_complete=is_complete,
        )
    relevant_count = None
    if order.relevant_end is not None:
        relevant_count = order.relevant_end + ranked.further.left_count(whole.rows)
    page = whole.only(begin, end)
    if not has_next:
        return AnswerPage(page, order.sort_by, None, "", False, relevant_count)
    orders.put(token, order, now)
    return AnswerPage(page, order.sort_by, end, token, False, relevant_count)


def _hash_of(request: SearchRequest | RecommendRequest) -> int:
    """Of what makes the order of a request; equal within this process only."""
    if isinstance(request, SearchRequest):
        page: tuple[object, ...] = (request.query,)
    else:
        page = (request.placement, request.item_ids)
    return hash((page, request.visitor_id, request.filter, request.sort_by, request.group_by))


def _order_by_relevance(
    ranked: RankedResults, end: int, request_hash: int
) -> tuple[KeptOrder, Page]:
    """The order of the shortlist with its pins, at least to ``end``, and all of it as one page."""
    shortlist, pins = ranked.shortlist, ranked.merchandising.pins
    length = max(end, len(shortlist.rows) + len(pins), max(pins, default=-1) + 1)
    whole = merchandised_page(shortlist, ranked.further, ranked.with_pins, pins, (0, length))
    relevant = None if ranked.holding is None else _relevant_end(ranked, whole)
    order = KeptOrder(
        ranked.matches.sources.catalog.item_ids,
        whole.rows,
        SortOrder.RELEVANCE,
        whole.scores,
        ranked.matches.encoded.query_embedding,
        request_hash=request_hash,
        relevant_end=relevant,
    )
    return order, whole


def _result_count(ranked: RankedResults) -> int:
    """Results by relevance on all pages."""
    rank_request = ranked.shortlist.encoded.rank_request
    return ranked.further.total_count(rank_request) + len(ranked.merchandising.pins)


def _relevant_end(ranked: RankedResults, whole: Page) -> int:
    """Results before the first that is only related; a pin right after them is relevant too."""
    shortlist, holding = ranked.shortlist, ranked.holding
    assert holding is not None
    end = relevant_end(shortlist, holding)
    pins = ranked.merchandising.pins
    if not pins and not len(ranked.further.matching):
        return end
    # Ascending, and most of the catalogue for some queries: not to be sorted again.
    is_relevant = is_among(whole.rows, ranked.further.matching)
    if not pins:
        return max(end, end_of(is_relevant))
    is_relevant |= is_among(whole.rows, np.sort(shortlist.rows[:end]))
    end = end_of(is_relevant)
    while end in pins:
        end += 1
    return end


def _page_of_kept(
    ranked: RankedResults,
    request: SearchRequest | RecommendRequest,
    orders: KeptOrders,
    kept: KeptOrder,
) -> AnswerPage:
    matches, key = ranked.matches, request.order_key
    catalog, now = matches.sources.catalog, matches.encoded.rank_request.time
    missing: list[str] = []
    source = order_source(
        matches, kept, missing, fits=ranked.fits, holding=ranked.holding, grouping=ranked.grouping
    )

    def keep(earlier: KeptOrder, longer: KeptOrder) -> KeptOrder:
        return orders.put_after(key, earlier, longer, now).of_catalog(catalog)

    found = kept_page(
        # Every use prolongs the time that the order is kept.
        keep(kept, kept.of_catalog(catalog)),
        source,
        (request.offset, request.offset + request.page_size),
        keep,
        ranked.shortlist,
    )
    page = replace(found.page, missing=tuple(dict.fromkeys(missing)))
    next_key = key if found.next_position is not None else ""
    return AnswerPage(page, kept.sort_by, found.next_position, next_key, True, found.relevant_count)
