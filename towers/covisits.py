"""Items that turn up in the same sessions: a table of each item's closest companions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from towers.sparse_scores import SparseScores

_SHRINKAGE = 5.0
"""Sessions added to the denominator, so that two items met once together are no twins."""


@dataclass(frozen=True, slots=True)
class SessionLog:
    """The items of past sessions, oldest session first.

    Args:
        offsets: ``[sessions + 1] int64``; session ``s`` holds ``rows[offsets[s]:offsets[s + 1]]``.
        rows: ``[total] int32`` item rows, each once a session, in the order of the first event.
    """

    offsets: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, sessions: np.ndarray, rows: np.ndarray) -> SessionLog:
        """From one session number and one item row an event, both in time order.

        Session numbers run from 0 in order of the session's start; rows below 0 are left out.
        """
        known = rows >= 0
        sessions, rows = sessions[known], rows[known]
        order = np.argsort(sessions, kind="stable")
        sessions, rows = sessions[order].astype(np.int64), rows[order].astype(np.int64)
        width = int(rows.max(initial=0)) + 1
        _, first = np.unique(sessions * width + rows, return_index=True)
        first.sort()
        sessions, rows = sessions[first], rows[first]
        count = int(sessions.max(initial=-1)) + 1
        offsets = np.concatenate([[0], np.cumsum(np.bincount(sessions, minlength=count))])
        return cls(offsets.astype(np.int64), rows.astype(np.int32))

    @property
    def session_count(self) -> int:
        """Number of sessions."""
        return len(self.offsets) - 1


@dataclass(frozen=True, slots=True)
class Covisits:
    """Each item's companions, best first.

    Args:
        companions: ``[items, k] int32`` rows, −1 where there are fewer.
        scores: ``[items, k] float32`` shrunk cosine of the two items' sets of sessions, 0 … 1.
    """

    companions: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, log: SessionLog, item_count: int, *, companion_count: int = 40) -> Covisits:
        """Counts pairs of items in sessions; a session of ``n`` items gives ``1 / log2(1 + n)`` each."""
        from scipy.sparse import csr_matrix  # Training only: serving reads the finished table.

        lengths = np.diff(log.offsets)
        weights = np.repeat(1.0 / np.log2(1.0 + np.maximum(lengths, 1)), lengths)
        shape = (log.session_count, item_count)
        weighted = csr_matrix((weights.astype(np.float32), log.rows, log.offsets), shape=shape)
        present = csr_matrix((np.ones_like(weighted.data), log.rows, log.offsets), shape=shape)
        item_weights = np.asarray(weighted.sum(axis=0)).ravel()
        companions = np.full((item_count, companion_count), -1, np.int32)
        scores = np.zeros((item_count, companion_count), np.float32)
        by_item = present.T.tocsr()
        for start in range(0, item_count, 4_096):
            block = (by_item[start : start + 4_096] @ weighted).tocsr()
            for place in range(block.shape[0]):
                row = start + place
                span = slice(block.indptr[place], block.indptr[place + 1])
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
        return cls(companions, scores)

    def find(self, rows: np.ndarray, weights: np.ndarray) -> SparseScores:
        """Companions of several items, the scores weighted and added up.

        Args:
            rows: ``[n] int64`` item rows; rows beyond the table have no companions.
            weights: ``[n] float32`` weight of each.
        """
        known = rows < len(self.companions)
        rows, weights = rows[known], weights[known]
        companions = self.companions[rows].ravel()
        values = (self.scores[rows] * weights[:, None]).ravel()
        present = companions >= 0
        return SparseScores.summed(companions[present], values[present])

    def save(self, folder: Path) -> None:
        """Writes both tables into an existing folder."""
        np.save(folder / "companions.npy", self.companions)
        np.save(folder / "companion_scores.npy", self.scores)

    @classmethod
    def load(cls, folder: Path) -> Covisits:
        """The tables that ``save`` wrote."""
        return cls(
            np.load(folder / "companions.npy", allow_pickle=False),
            np.load(folder / "companion_scores.npy", allow_pickle=False),
        )
