"""Session-kNN: items of the most similar past sessions.

The variant with position and inverse-frequency weights, VSKNN in Ludewig and Jannach,
"Evaluation of Session-based Recommendation Algorithms", 2018 (arXiv 1803.09587). Unlike there, an
item finds only a few sessions of the same visitor, so that no visitor outvotes the others.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import F32, I32, I64, compiled, merged, read
from towers.config import SourcesConfig
from towers.falling_order import falling_keys, unpacked
from towers.radix_sort import smallest_keys
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.hashed_sums import PAIRS, ascending, distinct_sums
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source, TrainingData
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session_log import SessionLog

_RECENT_ITEM_COUNT = 10

_VISITOR_LIMIT = 5
"""Newest sessions of one visitor that an item finds, as in co-occurrence."""

_NEWEST = 2**31 - 1

_FINDS_NAME = "session_row_finds.npy"


class SessionKnn(Source):
    """Past sessions, with an inverted index by item.

    Args:
        log: Past sessions; of its visitors only ``finds`` is kept.
        item_count: Number of item rows; later rows are ignored.
        finds: ``[total] bool`` whether the item of each row of ``log`` finds its session. None: from
            the log's visitors, and sessions that no item finds are left out.
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
        finds: np.ndarray | None = None,
        sessions_per_item: int = 500,
        neighbour_count: int = 200,
    ) -> None:
        if finds is None:
            log, finds = _limited(log)
        self.log = log
        self.item_count = item_count
        self.sessions_per_item = sessions_per_item
        self.neighbour_count = neighbour_count
        self._finds = finds
        session_of = np.repeat(np.arange(log.session_count), np.diff(log.offsets))[finds]
        rows = log.rows[finds]
        # Newest session first within each item, so that a prefix holds the newest ones.
        order = np.lexsort((-session_of, rows))
        counts = np.bincount(rows, minlength=item_count)
        self._item_offsets = np.concatenate([[0], np.cumsum(counts)])
        self._item_sessions = session_of[order].astype(np.int32)
        self._rarity = np.log((1 + log.session_count) / (1 + counts)).astype(np.float32)

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """From the sessions."""
        return cls(data.session_log, data.catalog.count)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The ``config.neighbour_count`` items of the most votes; for a search scores only."""
        if not len(encoded.summary.rows):
            return Found()
        return self.refound(self.votes(encoded.summary.rows), encoded, allowed, config)

    def refound(
        self,
        scores: SparseScores,
        encoded: EncodedRequest,
        allowed: AllowedItems,
        config: SourcesConfig,
    ) -> Found:
        """The votes depend on the session only."""
        if encoded.is_search:
            return Found(scores=scores)
        return Found(allowed.top(scores, config.neighbour_count), scores)

    def votes(self, rows: np.ndarray) -> SparseScores:
        """Items of the most similar sessions, with their votes.

        Args:
            rows: ``[n] int64`` item rows of the current session, newest first.
        """
        return SparseScores(
            *_votes(
                *(rows, self._item_offsets, self._item_sessions, self._rarity),
                *(self.log.offsets, self.log.rows, self.sessions_per_item, self.neighbour_count),
            )
        )

    def save(self, folder: Path) -> None:
        """Writes the sessions and what finds them, without any visitor data."""
        np.save(folder / "session_offsets.npy", self.log.offsets)
        np.save(folder / "session_rows.npy", self.log.rows)
        np.save(folder / _FINDS_NAME, self._finds)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """The index over the sessions that ``save`` wrote."""
        log = SessionLog(
            np.load(folder / "session_offsets.npy", allow_pickle=False),
            np.load(folder / "session_rows.npy", allow_pickle=False),
        )
        finds = np.load(folder / _FINDS_NAME, allow_pickle=False)
        return cls(log, catalog.count, finds=finds)

    def rebased(self, rebase: Rebase) -> Self:
        """The same sessions by their items' new rows."""
        log = self.log
        sessions = np.repeat(np.arange(log.session_count), np.diff(log.offsets))
        rows = rebase.moved[log.rows]
        moved = SessionLog.of(sessions, rows)
        return type(self)(moved, rebase.catalog.count, finds=self._finds[rows >= 0])


def _limited(log: SessionLog) -> tuple[SessionLog, np.ndarray]:
    """A log without visitors and without sessions that no item finds, and its ``finds``."""
    finds = log.newest_of_visitors(_VISITOR_LIMIT)
    lengths = np.diff(log.offsets)
    sessions = np.repeat(np.arange(log.session_count), lengths)
    found = np.bincount(sessions[finds], minlength=log.session_count) > 0
    # Empty sessions stay: they are part of the number of sessions in the items' rarity.
    found |= lengths == 0
    rows_kept = found[sessions]
    offsets = np.concatenate([[0], np.cumsum(lengths[found])])
    return SessionLog(offsets, log.rows[rows_kept]), finds[rows_kept]


@merged
def _recent_items(rows: np.ndarray, item_count: int) -> np.ndarray:
    """The first of the distinct ``rows`` that are below ``item_count``, in their order."""
    recent, count = np.empty(_RECENT_ITEM_COUNT, np.int64), 0
    for row in rows:
        if row < item_count and count < len(recent):
            is_new = True
            for place in range(count):
                is_new &= recent[place] != row
            if is_new:
                recent[count] = row
                count += 1
    return recent[:count]


@merged
def _similar_sessions(
    recent: np.ndarray,
    item_offsets: np.ndarray,
    item_sessions: np.ndarray,
    rarity: np.ndarray,
    sessions_per_item: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The sessions that hold any of the recent items, with the votes of these."""
    limit = sessions_per_item * len(recent)
    found, values = np.empty(limit, np.int64), np.empty(limit, np.float64)
    count = 0
    for place in range(len(recent)):
        row = recent[place]
        begin = item_offsets[row]
        end = min(item_offsets[row + 1], begin + sessions_per_item)
        weight = (1.0 - place / len(recent)) * rarity[row]
        for position in range(begin, end):
            found[count], values[count] = item_sessions[position], weight
            count += 1
    return distinct_sums(found[:count], values[:count])


_INDEX = (read(I64), read(I64), read(I32), read(F32))
_SESSIONS = (read(I64), read(I32), I64, I64)


@compiled(PAIRS, *_INDEX, *_SESSIONS)
def _votes(
    rows: np.ndarray,
    item_offsets: np.ndarray,
    item_sessions: np.ndarray,
    rarity: np.ndarray,
    offsets: np.ndarray,
    session_rows: np.ndarray,
    sessions_per_item: int,
    neighbour_count: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Items of the sessions that share most with ``rows``, ascending, and their votes.

    A session's vote is shared among its items.
    """
    recent = _recent_items(rows, len(item_offsets) - 1)
    sessions, sums = _similar_sessions(
        recent, item_offsets, item_sessions, rarity, sessions_per_item
    )
    votes, places = np.empty(len(sums), np.float32), np.empty(len(sums), np.int64)
    for place in range(len(sessions)):
        votes[place] = sums[place]
        # Ties go to the newer session, so that the order is deterministic.
        places[place] = _NEWEST - sessions[place]
    best = smallest_keys(falling_keys(votes, places), neighbour_count)
    votes, places = unpacked(best)
    limit = 0
    for place in range(len(places)):
        sessions[place] = _NEWEST - places[place]
        limit += offsets[sessions[place] + 1] - offsets[sessions[place]]
    items, shares = np.empty(limit, np.int64), np.empty(limit, np.float64)
    count = 0
    for place in range(len(places)):
        begin, end = offsets[sessions[place]], offsets[sessions[place] + 1]
        share = votes[place] / math.sqrt(end - begin)
        for position in range(begin, end):
            row = session_rows[position]
            items[count], shares[count] = row, share * rarity[row]
            count += 1
    distinct, totals = distinct_sums(items, shares)
    return ascending(distinct, totals)
