"""Sessions as lists of JSON values: the rows of a snapshot."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any

from data.records import Event, EventType
from towers.sessions.session import Bought, Session

# From the time on; a new field of events is kept without a change here.
_LATER = fields(Event)[4:]
assert [field.name for field in fields(Event)[:4]] == ["event_id", "type", "visitor_id", "time"]
_later_values = attrgetter(*(field.name for field in _LATER))
_LATER_DEFAULTS = [field.default for field in _LATER]
_TYPES = {int(type_): type_ for type_ in EventType}


def session_row(session: Session) -> list[Any]:
    """The values of a session; ``session_of`` gives an equal one back."""
    return [
        session.visitor_id,
        [_event_row(event) for event in session.events],
        [[item_id, *bought] for item_id, bought in session.bought.items()],
        session.visit_count,
        session.last_purchase_time,
        [*session.disliked.items()],
    ]


def session_of(row: list[Any]) -> Session:
    """The session of a row, its dicts in their order."""
    visitor_id, events, bought, visit_count, last_purchase_time, disliked = row
    return Session(
        visitor_id,
        tuple([Event(id_, _TYPES[type_], visitor_id, *later) for id_, type_, *later in events]),
        {item_id: Bought(count, time) for item_id, count, time in bought},
        visit_count,
        last_purchase_time,
        dict(disliked),
    )


def _event_row(event: Event) -> list[Any]:
    """Without the visitor, which is the session's, and without the last fields where not set."""
    values = list(_later_values(event))
    while values and values[-1] == _LATER_DEFAULTS[len(values) - 1]:
        values.pop()
    return [event.event_id, int(event.type), event.time, *values]
