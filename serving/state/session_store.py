"""The newest session of each visitor, in memory and bounded; the log can restore it."""

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
    """``visitor_id`` to ``Session``; whoever was not heard of for longest leaves first.

    Args:
        visitor_limit: Sessions held at most.
        held_event_limit: Events and bought items held at most, over all sessions. A cap on visitors
            alone would let few of them with long sessions take fifty times the memory.
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
        """The session of a visitor; empty for one unknown, who is not remembered for asking."""
        with self._lock:
            session = self._sessions.get(visitor_id)
            if session is None:
                return Session.empty(visitor_id)
            self._sessions.move_to_end(visitor_id)
            return session

    def apply(self, event: Event) -> Session:
        """The visitor's session once ``event`` has happened; the next ``get`` returns it."""
        with self._lock:
            earlier = self._sessions.get(event.visitor_id) or Session.empty(event.visitor_id)
            session = earlier.after(event)
            self._sessions[event.visitor_id] = session
            self._sessions.move_to_end(event.visitor_id)
            self._held_event_count += _size(session) - _size(earlier)
            self._shrink()
            return session

    def restore(self, events: Iterable[Event]) -> None:
        """Applies events of the log in its order, as at the start of a server."""
        for event in events:
            self.apply(event)

    @property
    def visitor_count(self) -> int:
        """Visitors whose session is held."""
        return len(self._sessions)

    def _shrink(self) -> None:
        while len(self._sessions) > self._visitor_limit or (
            self._held_event_count > self._held_event_limit and len(self._sessions) > 1
        ):
            _, session = self._sessions.popitem(last=False)
            self._held_event_count -= _size(session)


def _size(session: Session) -> int:
    return len(session.events) + len(session.bought)
