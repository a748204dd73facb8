"""Where the further pages of an answer come from: its kept order, and what follows that as of now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from serving.api.requests import SortOrder
from serving.paging.further_results import FurtherResults
from serving.paging.grouped_results import GroupedFurther
from serving.paging.grouping import Grouping
from serving.paging.kept_orders import KeptOrder
from serving.paging.kept_pages import Extension, OrderSource
from serving.paging.match_set import MatchSet

_NO_ROWS = np.zeros(0, np.int64)


def order_source(
    matches: MatchSet,
    kept: KeptOrder,
    missing: list[str],
    *,
    fits: np.ndarray | None,
    holding: np.ndarray | None,
    grouping: Grouping | None,
) -> OrderSource:
    """What may be shown now, and what follows a kept order.

    Args:
        missing: Receives the names of stages that failed.
        fits: ``[count] bool`` of the match set, of groups those that stand for them; None where it was
            not enumerated.
        holding: ``[n] int64`` items that hold the words of a search; None where nothing can be told.
        grouping: Groups of which each is shown once; None without groups.
    """
    sources, rank_request = matches.sources, matches.encoded.rank_request
    allowed = sources.allowed(rank_request)
    holders = _NO_ROWS if holding is None else holding

    def shows(rows: np.ndarray) -> np.ndarray:
        is_allowed = allowed.has(rows)
        return is_allowed if grouping is None else grouping.firsts(rows, is_allowed)

    def shown(order: KeptOrder) -> np.ndarray:
        # A group whose leader is gone may be shown again, by another member.
        known = order.known_rows
        return known if grouping is None else allowed.only(known)

    def further_of(order: KeptOrder) -> FurtherResults:
        encoded = matches.encoded
        if len(order.query_embedding):
            encoded = replace(encoded, query_embedding=order.query_embedding)
        if grouping is None:
            return FurtherResults(sources, encoded, holders)
        return GroupedFurther(sources, encoded, holders, grouping)

    def holding_left(order: KeptOrder) -> int:
        return further_of(order).left_count(shown(order))

    def left_by_relevance(order: KeptOrder) -> int:
        if grouping is not None:
            return grouping.result_count(grouping.closed(shown(order)))
        return allowed.count() - int(np.count_nonzero(allowed.has(order.known_rows)))

    def further_by_relevance(order: KeptOrder, count: int) -> Extension:
        last_score = order.scores[-1] if len(order.scores) else np.float32(0)
        rows, scores = further_of(order).after(shown(order), last_score, count, missing)
        return Extension(rows, scores, int(np.count_nonzero(np.isin(rows, holders))))

    def left_fits(order: KeptOrder) -> np.ndarray:
        left = np.zeros(0, bool) if fits is None or order.is_complete else fits.copy()
        if grouping is not None:
            closed = grouping.closed(shown(order))
            left[: len(closed)] &= ~closed[: len(left)]
        known = order.known_rows
        left[known[known < len(left)]] = False
        return left

    def further_by_request(order: KeptOrder, count: int) -> Extension:
        left = left_fits(order)
        rows = sources.stages.run(
            "match_set", lambda: matches.sorted_rows(left, order.sort_by, count), _NO_ROWS, missing
        )
        return Extension(rows, np.zeros(0, np.float32))

    if kept.sort_by is SortOrder.RELEVANCE:
        return OrderSource(shows, left_by_relevance, further_by_relevance, holding_left)
    return OrderSource(
        shows,
        lambda order: int(np.count_nonzero(left_fits(order))),
        further_by_request,
        holding_left,
    )
