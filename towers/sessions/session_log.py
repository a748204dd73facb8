"""Past sessions as item rows, the data of co-occurrence and session-kNN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class SessionLog:
    """The items of past sessions, oldest session first.

    Args:
        offsets: ``[sessions + 1] int64``; session ``s`` holds ``rows[offsets[s]:offsets[s + 1]]``.
        rows: ``[total] int32`` item rows, distinct within a session, by first event.
        visitors: ``[sessions] int64`` number of each session's visitor, to count distinct visitors;
            never saved. None: every session has a visitor of its own.
    """

    offsets: np.ndarray
    rows: np.ndarray
    visitors: np.ndarray | None = None

    @classmethod
    def of(
        cls, sessions: np.ndarray, rows: np.ndarray, visitors: np.ndarray | None = None
    ) -> SessionLog:
        """From the session number and the item row of each event, both in time order.

        Session numbers run from 0 in order of the session's start; rows below 0 are left out.

        Args:
            visitors: ``[sessions] int64`` by session number; surplus ones are ignored.
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
        of_sessions = None if visitors is None else visitors[:count]
        return cls(offsets.astype(np.int64), rows.astype(np.int32), of_sessions)

    def visitor_shares(self, limit: float) -> np.ndarray:
        """What each row counts for, so that no visitor counts for more than ``limit`` sessions.

        Returns:
            ``[total] float64``: 1, or less where the row's visitor has the item in more sessions.
        """
        if self.visitors is None:
            return np.ones(len(self.rows))
        width = int(self.rows.max(initial=0)) + 1
        of_rows = np.repeat(self.visitors, np.diff(self.offsets))
        _, pairs, counts = np.unique(
            of_rows * width + self.rows, return_inverse=True, return_counts=True
        )
        shares: np.ndarray = np.minimum(1.0, limit / counts[pairs])
        return shares

    def newest_of_visitors(self, limit: int) -> np.ndarray:
        """Whether each row is among the ``limit`` newest sessions with the item of its visitor.

        Returns:
            ``[total] bool``.
        """
        if self.visitors is None:
            return np.ones(len(self.rows), bool)
        lengths = np.diff(self.offsets)
        width = int(self.rows.max(initial=0)) + 1
        pairs = np.repeat(self.visitors, lengths) * width + self.rows
        sessions = np.repeat(np.arange(self.session_count), lengths)
        order = np.lexsort((-sessions, pairs))
        _, starts, counts = np.unique(pairs[order], return_index=True, return_counts=True)
        newest = np.empty(len(pairs), bool)
        newest[order] = np.arange(len(pairs)) - np.repeat(starts, counts) < limit
        return newest

    @property
    def session_count(self) -> int:
        """Number of sessions."""
        return len(self.offsets) - 1
