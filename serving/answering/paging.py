"""One page of an answer: its rows and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.answering.match_set import MatchSet
from serving.api.requests import SortOrder
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.read_only import read_only

_NO_ROWS = np.zeros(0, np.int64)
_NO_SCORES = np.zeros(0, np.float32)


@dataclass(frozen=True)
class Page:
    """Rows of one page, their scores, and their positions in the shortlist (−1: beyond it).

    ``total_count`` is the number of results on all pages; ``missing`` names failed stages.
    """

    rows: np.ndarray
    scores: np.ndarray
    positions: np.ndarray
    total_count: int
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", read_only(self.rows))
        object.__setattr__(self, "scores", read_only(self.scores))
        object.__setattr__(self, "positions", read_only(self.positions))


def page_of(ranker: Ranker, shortlist: Shortlist, span: tuple[int, int]) -> Page:
    """The page of ranks ``span`` (begin and end, from 0), which may extend beyond the shortlist."""
    offset, end = span
    positions = np.arange(offset, min(end, len(shortlist.rows)))
    rows, scores = shortlist.rows[positions], shortlist.scores[positions]
    missing: list[str] = []
    if end > len(shortlist.rows):
        beyond = max(0, offset - len(shortlist.rows))
        more, more_scores = ranker.sources.stages.run(
            "learnt",
            lambda: ranker.further(shortlist, end - len(shortlist.rows)),
            (_NO_ROWS, _NO_SCORES),
            missing,
        )
        rows = np.concatenate([rows, more[beyond:]])
        scores = np.concatenate([scores, more_scores[beyond:]])
        positions = np.concatenate([positions, np.full(len(more[beyond:]), -1)])
    total_count = ranker.sources.allowed_count(shortlist.encoded.rank_request)
    return Page(rows, scores, positions.astype(np.int64), total_count, tuple(missing))


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
    scores = np.zeros(len(rows), np.float32)
    return Page(rows, scores, shortlist.positions_of(rows), int(np.count_nonzero(fits)))
