"""Results after the shortlist: other items that match the query, then the nearest of all others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from serving.paging.relevance import NO_ROWS, is_among, others_than
from towers.falling_order import falling_order
from towers.optional_stages import finite
from towers.read_only import read_only
from towers.retrieval.candidates import Sources
from towers.retrieval.fusion import fused_scores
from towers.retrieval.rank_request import EncodedRequest, RankRequest

_NO_SCORES = np.zeros(0, np.float32)
NO_RESULTS = (NO_ROWS, _NO_SCORES)
_GAP = np.float32(1e-3)
"""Difference between the score of the last known result and that of the next one."""
_BM25_LIMIT = 10_000
"""Most items whose BM25 score is looked up; those of lower rank are ordered by embedding alone."""


@dataclass(frozen=True)
class FurtherResults:
    """The allowed items that are not on the shortlist, in a fixed order.

    Args:
        encoded: The request; its query embedding orders the items.
        matching: ``[n] int64`` allowed rows that hold the query's words, ascending; they come first.
    """

    sources: Sources
    encoded: EncodedRequest
    matching: np.ndarray = field(default_factory=lambda: NO_ROWS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matching", read_only(self.matching))

    def total_count(self, rank_request: RankRequest) -> int:
        """Number of results on all pages that a request allows."""
        return self.sources.allowed_count(rank_request)

    def left_count(self, known: np.ndarray) -> int:
        """Number of ``matching`` rows that are not among known ones ``[k] int64``."""
        return len(others_than(known, self.matching))

    def after(
        self, known: np.ndarray, last_score: np.float32, count: int, missing: list[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The next results after those already known.

        Args:
            known: ``[k] int64`` rows of earlier results.
            last_score: The lowest of their scores.
            missing: Receives the names of stages that failed.

        Returns:
            Rows and scores, ``[≤ count] int64`` and ``float32``; the scores fall from ``last_score``.
        """
        run, nothing = self.sources.stages.run, NO_RESULTS
        matching = others_than(known, self.matching)
        rows, scores = nothing
        if len(matching) and count > 0:
            rows, scores = run(
                "lexical", lambda: self._by_fusion(matching, count), nothing, missing
            )
            scores = below(last_score, scores)
        if len(rows) < count:
            known = np.concatenate([known, rows])
            near, similarities = run(
                "learnt", lambda: self._nearest(known, count - len(rows)), nothing, missing
            )
            last_score = scores[-1] if len(scores) else last_score
            rows = np.concatenate([rows, near])
            scores = np.concatenate([scores, below(last_score, similarities)])
        return rows, scores

    def _by_fusion(self, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        encoded, sources = self.encoded, self.sources
        bm25 = np.zeros(len(rows), np.float32)
        if sources.lexical is not None:
            synonyms = encoded.rank_request.synonyms
            hits, scores = sources.lexical.search(encoded.query, _BM25_LIMIT, synonyms)
            bm25 = _at(rows, hits, scores)
        learnt = sources.index.scores(encoded.query_embedding, rows)
        scores = fused_scores(bm25, learnt, sources.semantic_scores(encoded.query, rows))
        first = falling_order(scores, rows)[:count]
        return rows[first], finite(scores[first])

    def _nearest(self, known: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.sources.nearest(self.encoded, count + len(known))
        rows = rows[~is_among(rows, np.sort(known))][:count]
        return rows, finite(self.sources.index.scores(self.encoded.query_embedding, rows))


def _at(rows: np.ndarray, hits: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The scores of ``rows``, 0 where they are not among the hits, ``[n] float32``.

    By a table of all rows, in a tenth of the time that it takes to sort thousands of hits.

    Args:
        hits: ``[m] int64`` rows in any order, each once.
        scores: ``[m] float32`` of the hits.
    """
    table = np.zeros(1 + max(rows.max(initial=-1), hits.max(initial=-1)), np.float32)
    table[hits] = scores
    return table[rows]


def below(last_score: np.float32, scores: np.ndarray) -> np.ndarray:
    """Falling scores moved as a whole to just below another one."""
    if not len(scores):
        return _NO_SCORES
    return (last_score - _GAP + scores - scores.max()).astype(np.float32)
