"""Results after the shortlist with each group once, and the leaders of a match set in another order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from serving.api.requests import SortOrder
from serving.paging.further_results import NO_RESULTS, FurtherResults, below
from serving.paging.grouping import Grouping
from serving.paging.match_set import MatchSet
from serving.paging.relevance import others_than
from towers.retrieval.rank_request import RankRequest

_SPARE_COUNT = 32
"""Further neighbours fetched at once, since some are of groups that were shown."""
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class GroupedFurther(FurtherResults):
    """``FurtherResults`` without items of groups that were shown.

    ``matching`` includes items that cannot stand for their groups: scores are relative to the best.
    """

    grouping: Grouping | None = None

    def total_count(self, rank_request: RankRequest) -> int:
        """Groups that may be shown, without those of pinned items."""
        assert self.grouping is not None
        return self.grouping.result_count()

    def left_count(self, known: np.ndarray) -> int:
        """Groups of ``matching`` that are not among those of known rows ``[k] int64``."""
        assert self.grouping is not None
        flags = np.zeros(len(self.grouping.may_lead), bool)
        flags[self.matching[self.matching < len(flags)]] = True
        may_lead = self.grouping.may_lead & ~self.grouping.closed(known)
        return self.grouping.count(flags & may_lead)

    def after(
        self, known: np.ndarray, last_score: np.float32, count: int, missing: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As of all results, ``known`` being the shown ones alone."""
        assert self.grouping is not None
        run, grouping = self.sources.stages.run, self.grouping
        closed = grouping.closed(known)
        matching = others_than(known, self.matching)
        rows, scores = NO_RESULTS
        if len(matching) and count > 0:
            every = run(
                "lexical", lambda: self._by_fusion(matching, len(matching)), NO_RESULTS, missing
            )
            kept = grouping.leads(every[0], closed)
            rows = every[0][kept][:count]
            scores = below(last_score, every[1][kept][:count])
        while len(rows) < count:
            closed |= grouping.closed(rows)
            wanted = count - len(rows) + _SPARE_COUNT
            left = self._open(closed)
            near, similarities = run(
                "learnt", partial(left._nearest, _NONE, wanted), NO_RESULTS, missing
            )
            kept = np.flatnonzero(grouping.leads(near, closed))[: count - len(rows)]
            if not len(kept):
                break
            last_score = scores[-1] if len(scores) else last_score
            rows = np.concatenate([rows, near[kept]])
            scores = np.concatenate([scores, below(last_score, similarities[kept])])
        return rows, scores

    def _open(self, closed: np.ndarray) -> FurtherResults:
        """All that may still be shown."""
        assert self.grouping is not None
        rank_request = replace(self.encoded.rank_request, hidden=~self.grouping.may_lead | closed)
        return FurtherResults(self.sources, replace(self.encoded, rank_request=rank_request))


def leading_rows(
    matches: MatchSet, grouping: Grouping, fits: np.ndarray, order: SortOrder
) -> tuple[np.ndarray, np.ndarray]:
    """The members of a match set that stand for their groups in an order other than relevance.

    Args:
        fits: ``[count] bool`` of the match set.

    Returns:
        Their rows in the order, ``[n] int64``, and as flags, ``[count] bool``.
    """
    both = min(len(fits), len(grouping.may_lead))
    may_lead = np.zeros(len(fits), bool)
    may_lead[:both] = fits[:both] & grouping.may_lead[:both]
    rows = matches.sorted_rows(may_lead, order, int(np.count_nonzero(may_lead)))
    rows = rows[grouping.leads(rows)]
    flags = np.zeros(len(fits), bool)
    flags[rows] = True
    return rows, flags
