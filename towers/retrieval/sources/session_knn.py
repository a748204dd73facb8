"""Session-kNN: items of the most similar past sessions.

The variant with position and inverse-frequency weights, VSKNN in Ludewig and Jannach,
"Evaluation of Session-based Recommendation Algorithms", 2018 (arXiv 1803.09587).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session_log import SessionLog

_RECENT_ITEM_COUNT = 10


class SessionKnn(Source):
    """Past sessions, with an inverted index by item.

    Args:
        log: Past sessions.
        item_count: Number of item rows; later rows are ignored.
        sessions_per_item: Only that many newest sessions of an item are considered.
        neighbour_count: Number of most similar sessions that vote.
    """

    name: ClassVar[str] = "neighbours"
    scored_as: ClassVar[str] = "neighbour"

    def __init__(
        self,
        log: SessionLog,
        item_count: int,
        *,
        sessions_per_item: int = 500,
        neighbour_count: int = 200,
    ) -> None:
        self.log = log
        self.item_count = item_count
        self.sessions_per_item = sessions_per_item
        self.neighbour_count = neighbour_count
        session_of = np.repeat(np.arange(log.session_count), np.diff(log.offsets))
        # Newest session first within each item, so that a prefix holds the newest ones.
        order = np.lexsort((-session_of, log.rows))
        counts = np.bincount(log.rows, minlength=item_count)
        self._item_offsets = np.concatenate([[0], np.cumsum(counts)])
        self._item_sessions = session_of[order].astype(np.int32)
        self._rarity = np.log((1 + log.session_count) / (1 + counts)).astype(np.float32)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The ``config.neighbour_count`` items of the most votes; for a search scores only."""
        if not len(encoded.summary.rows):
            return Found()
        votes = self.votes(encoded.summary.rows)
        if encoded.is_search:
            return Found(scores=votes)
        return Found(allowed.top(votes, config.neighbour_count), votes)

    def votes(self, rows: np.ndarray) -> SparseScores:
        """Items of the most similar sessions, with their votes.

        Args:
            rows: ``[n] int64`` item rows of the current session, newest first.
        """
        rows = rows[rows < self.item_count]
        if not len(rows):
            return SparseScores.summed(rows, np.zeros(0, np.float32))
        recent = np.array([*dict.fromkeys(rows.tolist())][:_RECENT_ITEM_COUNT])
        positions = 1.0 - np.arange(len(recent)) / len(recent)
        starts = self._item_offsets[recent]
        lengths = np.minimum(self._item_offsets[recent + 1] - starts, self.sessions_per_item)
        spans = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
        found = np.concatenate([self._item_sessions[begin:end] for begin, end in spans])
        similar = SparseScores.summed(found, np.repeat(positions * self._rarity[recent], lengths))
        sessions, votes = similar.rows, similar.values
        if len(sessions) > self.neighbour_count:
            # Only votes that reach the k-th largest have to be sorted.
            least = np.partition(votes, -self.neighbour_count)[-self.neighbour_count]
            reaching = votes >= least
            sessions, votes = sessions[reaching], votes[reaching]
            # Ties go to the newer session, so that the order is deterministic.
            best = np.lexsort((-sessions, -votes))[: self.neighbour_count]
            sessions, votes = sessions[best], votes[best]
        starts = self.log.offsets[sessions]
        lengths = self.log.offsets[sessions + 1] - starts
        items = self.log.rows[_ranges(starts, lengths)]
        values = np.repeat(votes / np.sqrt(lengths), lengths) * self._rarity[items]
        return SparseScores.summed(items, values)

    def save(self, folder: Path) -> None:
        """Writes the session log into an existing folder."""
        np.save(folder / "session_offsets.npy", self.log.offsets)
        np.save(folder / "session_rows.npy", self.log.rows)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """The index over the log that ``save`` wrote."""
        log = SessionLog(
            np.load(folder / "session_offsets.npy", allow_pickle=False),
            np.load(folder / "session_rows.npy", allow_pickle=False),
        )
        return cls(log, catalog.count)

    def rebased(self, rebase: Rebase) -> Self:
        """The same sessions by their items' new rows."""
        log = self.log
        sessions = np.repeat(np.arange(log.session_count), np.diff(log.offsets))
        moved = SessionLog.of(sessions, rebase.moved[log.rows])
        return type(self)(moved, rebase.catalog.count)


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Concatenation of several ranges, ``[lengths.sum()] int64``."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
