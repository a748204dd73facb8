"""One page of an answer: its rows and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from serving.paging.further_results import FurtherResults
from towers.ranking.shortlist import Shortlist
from towers.read_only import freeze


@dataclass(frozen=True)
class Page:
    """Rows of one page, their scores, and their positions in the shortlist (−1: beyond it).

    The arrays are read-only, also for who passed them. ``missing`` names failed stages.
    """

    rows: np.ndarray
    scores: np.ndarray
    positions: np.ndarray
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze(self.rows, self.scores, self.positions)

    @property
    def is_listed(self) -> bool:
        """Whether all of it is on the shortlist."""
        return -1 not in self.positions.tolist()

    def only(self, begin: int, end: int) -> Page:
        """The results from ``begin`` to before ``end``."""
        part = slice(begin, end)
        columns = self.rows[part], self.scores[part], self.positions[part]
        return Page(*columns, self.missing)


def page_of(shortlist: Shortlist, further: FurtherResults, span: tuple[int, int]) -> Page:
    """The page of ranks ``span`` (begin and end, from 0), which may extend beyond the shortlist."""
    offset, end = span
    listed_count = len(shortlist.rows)
    listed = slice(offset, max(offset, min(end, listed_count)))
    positions = np.arange(listed.start, listed.stop)
    rows, scores = shortlist.rows[listed], shortlist.scores[listed]
    missing: list[str] = []
    if end > listed_count:
        beyond = max(0, offset - listed_count)
        lowest = shortlist.scores[-1] if listed_count else np.float32(0)
        more, more_scores = further.after(shortlist.rows, lowest, end - listed_count, missing)
        rows = np.concatenate([rows, more[beyond:]])
        scores = np.concatenate([scores, more_scores[beyond:]])
        positions = np.concatenate([positions, np.full(len(more[beyond:]), -1, np.int64)])
    return Page(rows, scores, positions, tuple(missing))
