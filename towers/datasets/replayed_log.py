"""A log as item rows, sessions and targets, event by event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.records import Event
from towers.sessions.feedback import remembered
from towers.sessions.query_input import type_code
from towers.sessions.session_log import SessionLog
from towers.sessions.targets import Targets


@dataclass(frozen=True, slots=True)
class ReplayedLog:
    """A part of the log, prepared for training.

    Args:
        events: In time order.
        rows: ``[events] int64`` item rows, −1 for none.
        sessions: ``[events] int64`` session numbers, by the session's first event.
        targets: Items that follow each event in its session.
        known_types: Type codes that the towers are trained on; others are read as ``GENERIC_TYPE``.
        learn_from: First event that gives examples; earlier ones only build sessions.
    """

    events: Sequence[Event]
    rows: np.ndarray
    sessions: np.ndarray
    targets: Targets
    known_types: frozenset[int]
    learn_from: int = 0

    @classmethod
    def of(
        cls,
        events: Sequence[Event],
        row_of: Mapping[str, int],
        *,
        learn_from_time: float = float("-inf"),
        known_until: float = float("inf"),
    ) -> ReplayedLog:
        """From events in time order.

        Args:
            learn_from_time: Earlier events only build sessions.
            known_until: Types are known if they occur before.
        """
        names: dict[tuple[str, str], int] = {}
        sessions = np.array(
            [names.setdefault((e.visitor_id, e.session_id), len(names)) for e in events], np.int64
        )
        rows = np.array([row_of.get(event.item_id, -1) for event in events], np.int64)
        types = np.array([event.type for event in events], np.int8)
        times = np.array([event.time for event in events], np.float64)
        targets = Targets(sessions, types, rows, times)
        learn_from = int(np.searchsorted(times, learn_from_time, side="left"))
        known_types = frozenset(
            int(type_code(remembered(event))) for event in events if event.time < known_until
        )
        return cls(events, rows, sessions, targets, known_types, learn_from)

    @property
    def interaction_count(self) -> int:
        """Views, purchases and other interactions with items, from ``learn_from`` on."""
        return int(self.targets.is_item_event[self.learn_from :].sum())

    def newest_from(self, share: float) -> int:
        """Number of the first event of the newest ``share`` of those from ``learn_from`` on."""
        return len(self.events) - int((len(self.events) - self.learn_from) * share)

    def session_log(self) -> SessionLog:
        """Its sessions as lists of items, with visitors as plain numbers."""
        rows = np.where(self.targets.is_item_event, self.rows, -1)
        numbers: dict[str, int] = {}
        visitors = [numbers.setdefault(e.visitor_id, len(numbers)) for e in self.events]
        of_sessions = np.zeros(int(self.sessions.max(initial=-1)) + 1, np.int64)
        of_sessions[self.sessions] = visitors
        return SessionLog.of(self.sessions, rows, of_sessions)
