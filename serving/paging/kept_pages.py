"""One page of a kept order, which goes on where an earlier page ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from serving.api.requests import SortOrder
from serving.paging.kept_orders import KeptOrder
from serving.paging.page import Page
from towers.ranking.shortlist import Shortlist

EXTENSION_COUNT = 256
"""Results by which an order grows at least when a page needs more than are kept."""


@dataclass(frozen=True)
class Extension:
    """Results that follow a kept order; the first ``relevant_count`` are relevant."""

    rows: np.ndarray
    scores: np.ndarray
    relevant_count: int = 0


@dataclass(frozen=True)
class OrderSource:
    """What may be shown now, and what follows an order.

    Args:
        shows: Which of some rows may be shown now, ``[n] bool``.
        left_count: How many items that may be shown now are not in an order yet.
        further: The next results after a kept order, at most as many as asked for.
        holding_left: How many items that may be shown now and hold the words of a search are not in
            an order yet; of groups, how many groups.
    """

    shows: Callable[[np.ndarray], np.ndarray]
    left_count: Callable[[KeptOrder], int]
    further: Callable[[KeptOrder, int], Extension]
    holding_left: Callable[[KeptOrder], int]


@dataclass(frozen=True)
class KeptPage:
    """A page of a kept order.

    Args:
        page: Its results; no position in the shortlist is set.
        order: The order, extended as far as the page needed it.
        next_position: Where the next page starts in the order; None on the last page.
        relevant_count: Results before the first that is only related, where that is known; those
            before the page's begin count as they were shown.
    """

    page: Page
    order: KeptOrder
    next_position: int | None
    relevant_count: int | None


def kept_page(
    order: KeptOrder,
    source: OrderSource,
    span: tuple[int, int],
    keep: Callable[[KeptOrder, KeptOrder], KeptOrder],
    shortlist: Shortlist,
) -> KeptPage:
    """The page that starts at a position of a kept order.

    Items that must not be shown any more are left out, and those that follow move up.

    Args:
        span: The page's begin, a position in the order from 0, and begin plus page size.
        keep: Keeps an extended order in place of the one before; returns the one that is kept, which
            another thread may have extended meanwhile.
    """
    begin, end = span
    size = end - begin
    while True:
        is_shown = _shown(order.rows, source)
        positions = begin + np.flatnonzero(is_shown[begin:])[:size]
        left_count = source.left_count(order)
        if len(positions) == size or left_count <= 0:
            break
        wanted = max(EXTENSION_COUNT, end - len(order.rows))
        extension = source.further(order, wanted)
        if not len(extension.rows):
            break
        longer = order.extended(
            extension.rows, extension.scores, relevant_count=extension.relevant_count
        )
        order = keep(order, longer)
    next_position = int(positions[-1]) + 1 if len(positions) else len(order.rows)
    has_next = len(positions) > 0 and (is_shown[next_position:].any() or left_count > 0)
    rows = order.rows[positions].astype(np.int64)
    is_by_relevance = order.sort_by is SortOrder.RELEVANCE
    scores = order.scores[positions] if is_by_relevance else np.zeros(len(rows), np.float32)
    page = Page(rows, scores, shortlist.positions_of(rows))
    relevant_count = None
    if order.relevant_end is not None:
        left = source.holding_left(order)
        shown_count = np.count_nonzero(is_shown[begin : order.relevant_end])
        relevant_count = int(min(begin, order.relevant_end) + shown_count + left)
    return KeptPage(page, order, next_position if has_next else None, relevant_count)


def _shown(rows: np.ndarray, source: OrderSource) -> np.ndarray:
    is_shown = rows >= 0
    is_shown[is_shown] = source.shows(rows[is_shown].astype(np.int64))
    return is_shown
