"""Replay of the log, event by event, with each visitor's session just before each event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from data.records import Event
from towers.sessions.session import EVENT_LIMIT, Session


class Moment(NamedTuple):
    """One event of the log, and the visitor's session before it."""

    number: int
    session: Session
    event: Event


def replay(events: Iterable[Event], sessions: dict[str, Session] | None = None) -> Iterator[Moment]:
    """Folds events in order; ``sessions`` maps visitors to their sessions, and is updated."""
    sessions = {} if sessions is None else sessions
    for number, event in enumerate(events):
        before = sessions.get(event.visitor_id) or Session.empty(event.visitor_id)
        yield Moment(number, before, event)
        sessions[event.visitor_id] = before.after(event)


def with_intent_shift(session: Session, other: Session, *, kept: int) -> Session:
    """Simulates an intent shift: the events of ``other``, then the newest ``kept`` own events.

    Logs have few sessions with an intent shift. These train the models to weigh the newest events
    against many older ones.
    """
    own = session.events[len(session.events) - kept :]
    if not other.events or not own:
        return session
    # A minute between the two, within one session.
    later = own[0].time - 60.0 - other.events[-1].time
    before = tuple(replace(event, time=event.time + later) for event in other.events)
    return replace(session, events=(*before, *own)[-EVENT_LIMIT:])
