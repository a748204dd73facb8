"""Item co-occurrence in sessions: a table of each item's most related items (companions)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import F32, F64, I32, I64, compiled, read
from towers.config import SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.hashed_sums import PAIRS, ascending, distinct_sums
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source, TrainingData
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session_log import SessionLog

_SHRINKAGE = 5.0
"""Prior sessions in the denominators, so that one common session is weak evidence."""

_VISITOR_LIMIT = 5.0
"""A visitor counts for an item, and for a pair, as this many sessions at most: habits tell what goes
together (on a grocer's year a limit of 1 costs a third of the NDCG@10 of this source alone, 5 a
tenth), and yet one visitor makes no more of a pair than five others do."""

_STEP_LIMIT = 4
"""Largest distance within a session at which an item counts as a follower of another."""


_NEWEST_COUNT = 10
_DECAYS = 0.8 ** np.arange(_NEWEST_COUNT)
"""Weight of an item relative to the next newer one of the session."""


@dataclass(frozen=True)
class Cooccurrence(Source):
    """Each item's companions (co-occurring items), best first.

    Args:
        companions: ``[items, k] int32`` rows, −1 where there are fewer.
        scores: ``[items, k] float32`` shrunk cosine of the two items' session sets, 0 … 1.
        follow_shares: ``[items, k] float32`` how often the companion came after the item, weighted
            ``1 / d`` at distance ``d``, over the shrunk number of the item's sessions, those of one
            visitor up to the limit.
    """

    name: ClassVar[str] = "covisited"
    scored_as: ClassVar[str] = "covisited"

    companions: np.ndarray
    scores: np.ndarray
    follow_shares: np.ndarray

    @classmethod
    def of(cls, log: SessionLog, item_count: int, *, companion_count: int = 40) -> Self:
        """Counts item pairs; each pair of a session of ``n`` items adds ``1 / log2(1 + n)``.

        A visitor counts for an item as ``_VISITOR_LIMIT`` sessions at most: of ``n`` that hold it
        each counts ``limit / n`` where ``n`` is larger, and for a pair the geometric mean of what
        it counts for the two items.
        """
        from scipy.sparse import csr_matrix  # Training only: serving reads the finished table.

        lengths = np.diff(log.offsets)
        weights = np.repeat(1.0 / np.log2(1.0 + np.maximum(lengths, 1)), lengths)
        shape = (log.session_count, item_count)
        shares = log.visitor_shares(_VISITOR_LIMIT)
        parts = np.sqrt(shares).astype(np.float32)
        present = csr_matrix((parts, log.rows, log.offsets), shape=shape)
        weighted = csr_matrix(
            (weights.astype(np.float32) * parts, log.rows, log.offsets), shape=shape
        )
        item_weights = np.bincount(log.rows, weights=weights * shares, minlength=item_count)
        companions = np.full((item_count, companion_count), -1, np.int32)
        scores = np.zeros((item_count, companion_count), np.float32)
        follow_shares = np.zeros((item_count, companion_count), np.float32)
        follows = _follow_counts(log, item_count, shares)
        session_counts = np.bincount(log.rows, weights=shares, minlength=item_count)
        by_item = present.T.tocsr()
        for start in range(0, item_count, 4_096):
            block = (by_item[start : start + 4_096] @ weighted).tocsr()
            # Skips items that never co-occur with another one.
            for offset in np.flatnonzero(np.diff(block.indptr) > 1).tolist():
                row = start + offset
                span = slice(block.indptr[offset], block.indptr[offset + 1])
                others, together = block.indices[span], block.data[span]
                kept = others != row
                others, together = others[kept], together[kept]
                norm = np.sqrt(
                    (item_weights[row] + _SHRINKAGE) * (item_weights[others] + _SHRINKAGE)
                )
                cosine = together / norm
                best = np.lexsort((others, -cosine))[:companion_count]
                companions[row, : len(best)] = others[best]
                scores[row, : len(best)] = cosine[best]
                after = SparseScores(*_csr_row(follows, row)).at(others[best])
                follow_shares[row, : len(best)] = after / (session_counts[row] + _SHRINKAGE)
        return cls(companions, scores, follow_shares)

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """From the sessions."""
        return cls.of(data.session_log, data.catalog.count)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The ``config.covisited_count`` best companions of the session's newest items.

        For a search scores only.
        """
        summary = encoded.summary
        if not len(summary.rows):
            return Found()
        newest = summary.rows[:_NEWEST_COUNT]
        weights = summary.interest[:_NEWEST_COUNT] * _DECAYS[: len(newest)]
        return self.refound(self.together(newest, weights), encoded, allowed, config)

    def refound(
        self,
        scores: SparseScores,
        encoded: EncodedRequest,
        allowed: AllowedItems,
        config: SourcesConfig,
    ) -> Found:
        """The scores depend on the session only."""
        if encoded.is_search:
            return Found(scores=scores)
        return Found(allowed.top(scores, config.covisited_count), scores)

    def together(self, rows: np.ndarray, weights: np.ndarray) -> SparseScores:
        """Weighted sum of the companion scores of several items.

        Args:
            rows: ``[n] int64`` item rows; rows beyond the table have no companions.
            weights: ``[n] float32`` weight of each.
        """
        # Compiled loops do not check.
        if self.scores.shape != self.companions.shape:
            shapes = f"{self.companions.shape}, received {self.scores.shape}"
            raise IndexError(f"companion scores: expected {shapes}")
        return SparseScores(
            *_companion_sums(self.companions, self.scores, rows, weights.astype(np.float64))
        )

    def followers(self, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Companions of several items and their weighted follow shares, not summed.

        Returns:
            ``[n] int32`` rows, one for each item that the companion follows, and ``[n] float32``.
        """
        known = rows < len(self.companions)
        rows, weights = rows[known], weights[known]
        companions = self.companions[rows].ravel()
        values = (self.follow_shares[rows] * weights[:, None]).ravel()
        present = companions >= 0
        return companions[present], values[present]

    def save(self, folder: Path) -> None:
        """Writes the tables into an existing folder."""
        np.save(folder / "companions.npy", self.companions)
        np.save(folder / "companion_scores.npy", self.scores)
        np.save(folder / "companion_follow_shares.npy", self.follow_shares)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """The tables that ``save`` wrote, mapped into memory: an answer reads few of their rows."""
        names = ("companions", "companion_scores", "companion_follow_shares")
        return cls(
            *(
                np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))
                for name in names
            )
        )

    def rebased(self, rebase: Rebase) -> Self:
        """The table by new rows, without removed items."""
        moved, shape = rebase.moved, (rebase.catalog.count, self.companions.shape[1])
        kept = np.flatnonzero(moved[: len(self.companions)] >= 0)
        old = self.companions[kept]
        new = np.where(old >= 0, moved[np.maximum(old, 0)], -1)
        companions = np.full(shape, -1, np.int32)
        companions[moved[kept]] = new
        tables = []
        for table in (self.scores, self.follow_shares):
            values = np.zeros(shape, np.float32)
            values[moved[kept]] = np.where(new >= 0, table[kept], 0.0)
            tables.append(values)
        return type(self)(companions, *tables)


@compiled(PAIRS, read(I32, 2), read(F32, 2), read(I64), read(F64))
def _companion_sums(
    companions: np.ndarray, scores: np.ndarray, rows: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The companions of several items, ascending, and their summed scores."""
    limit = len(rows) * companions.shape[1]
    found, values = np.empty(limit, np.int64), np.empty(limit, np.float64)
    count = 0
    for place in range(len(rows)):
        if rows[place] < len(companions):
            for column in range(companions.shape[1]):
                row = companions[rows[place], column]
                if row >= 0:
                    found[count], values[count] = row, scores[rows[place], column] * weights[place]
                    count += 1
    distinct, sums = distinct_sums(found[:count], values[:count])
    return ascending(distinct, sums)


def _follow_counts(log: SessionLog, item_count: int, shares: np.ndarray) -> Any:
    """``[items, items]`` sparse: how often the column's item came after the row's, by ``1 / d``.

    Each session is weighted by its visitor share ``shares`` of the row's item.
    """
    from scipy.sparse import csr_matrix

    sessions = np.repeat(np.arange(log.session_count), np.diff(log.offsets))
    total = csr_matrix((item_count, item_count), dtype=np.float32)
    for distance in range(1, _STEP_LIMIT + 1):
        same = sessions[:-distance] == sessions[distance:]
        pairs = (log.rows[:-distance][same], log.rows[distance:][same])
        values = (shares[:-distance][same] / distance).astype(np.float32)
        total = total + csr_matrix((values, pairs), shape=total.shape)
    total.sort_indices()
    return total


def _csr_row(matrix: Any, row: int) -> tuple[np.ndarray, np.ndarray]:
    span = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return matrix.indices[span], matrix.data[span]
