"""One page of an answer: its rows and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.answering.match_set import MatchSet
from serving.api.requests import SortOrder
from towers.bundle.bundle import Bundle
from towers.ranking.shortlist import Shortlist


@dataclass(frozen=True)
class Page:
    """Rows of one page with their scores, and their places in the shortlist (−1: beyond it).

    ``total_count`` is the number of results on all pages.
    """

    rows: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    total_count: int


def page_of(bundle: Bundle, shortlist: Shortlist, offset: int, size: int) -> Page:
    """The page of ``size`` results from rank ``offset`` (from 0) on, beyond the shortlist too."""
    end = offset + size
    places = np.arange(offset, min(end, len(shortlist.rows)))
    rows, scores = shortlist.rows[places], shortlist.scores[places]
    if end > len(shortlist.rows):
        beyond = max(0, offset - len(shortlist.rows))
        more, more_scores = bundle.ranker.further(shortlist, end - len(shortlist.rows))
        rows = np.concatenate([rows, more[beyond:]])
        scores = np.concatenate([scores, more_scores[beyond:]])
        places = np.concatenate([places, np.full(len(more[beyond:]), -1)])
    total_count = bundle.ranker.sources.allowed_count(shortlist.encoded.rank_request)
    return Page(rows, scores, places.astype(np.int64), total_count)


def sorted_page(
    matches: MatchSet,
    shortlist: Shortlist,
    fits: np.ndarray,
    order: SortOrder,
    span: tuple[int, int],
) -> Page:
    """The page of ranks ``span`` (begin and end, from 0) in an order other than relevance.

    Args:
        fits: ``[count] bool`` of the match set.
    """
    begin, end = span
    rows = matches.sorted_rows(fits, order, end)[begin:]
    place_of = {row: place for place, row in enumerate(shortlist.rows.tolist())}
    places = np.array([place_of.get(row, -1) for row in rows.tolist()], np.int64)
    scores = np.zeros(len(rows), np.float32)
    return Page(rows, scores, places, int(np.count_nonzero(fits)))
