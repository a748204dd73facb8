"""The current session of each visitor, in memory and bounded; restored from the event log."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable

from data.errors import ConfigError
from data.records import Event
from towers.sessions.session import Session

VISITOR_LIMIT = 1_000_000
HELD_EVENT_LIMIT = 5_000_000


class SessionStore:
    """``visitor_id`` to ``Session``, with least-recently-used eviction.

    Args:
        visitor_limit: Maximum number of sessions.
        held_event_limit: Maximum number of events and bought items over all sessions. With a limit
            on visitors alone, long sessions could take fifty times the memory of short ones.
    """

    def __init__(
        self, *, visitor_limit: int = VISITOR_LIMIT, held_event_limit: int = HELD_EVENT_LIMIT
    ) -> None:
        if visitor_limit < 1:
            raise ConfigError(f"visitor_limit: expected 1 or more, received {visitor_limit}")
        if held_event_limit < 1:
            raise ConfigError(f"held_event_limit: expected 1 or more, received {held_event_limit}")
        self._visitor_limit = visitor_limit
        self._held_event_limit = held_event_limit
        self._held_event_count = 0
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, visitor_id: str) -> Session:
        """The session of a visitor; empty for an unknown one, who is not added to the store."""
        with self._lock:
            session = self._sessions.get(visitor_id)
            if session is None:
                return Session.empty(visitor_id)
            self._sessions.move_to_end(visitor_id)
            return session

    def apply(self, event: Event) -> Session:
        """Adds ``event`` to the visitor's session and returns the new session."""
        with self._lock:
            earlier = self._sessions.get(event.visitor_id) or Session.empty(event.visitor_id)
            session = earlier.after(event)
            self._sessions[event.visitor_id] = session
            self._sessions.move_to_end(event.visitor_id)
            self._held_event_count += _size(session) - _size(earlier)
            self._evict()
            return session

    def restore(self, events: Iterable[Event]) -> None:
        """Applies events in log order, as at server start."""
        for event in events:
            self.apply(event)

    def all(self) -> list[Session]:
        """Every session, the least recently used first."""
        with self._lock:
            return [*self._sessions.values()]

    def put_all(self, sessions: Iterable[Session]) -> None:
        """Replaces all sessions, given the least recently used first."""
        with self._lock:
            self._sessions = OrderedDict((session.visitor_id, session) for session in sessions)
            self._held_event_count = sum(map(_size, self._sessions.values()))
            self._evict()

    @property
    def visitor_count(self) -> int:
        """Number of visitors with a session in the store."""
        return len(self._sessions)

    def _evict(self) -> None:
        while len(self._sessions) > self._visitor_limit or (
            self._held_event_count > self._held_event_limit and len(self._sessions) > 1
        ):
            _, session = self._sessions.popitem(last=False)
            self._held_event_count -= _size(session)


def _size(session: Session) -> int:
    return len(session.events) + len(session.bought)
