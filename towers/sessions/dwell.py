"""How long a visitor looked at each item of a session."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data.records import Event, EventType

LIMIT_SECONDS = 600.0
"""A page open for longer says no more: the shopper may have gone for a coffee."""


def dwells(events: Sequence[Event]) -> list[float]:
    """For each event of a session in time order the length of its look, 0 to 1, log-scaled.

    Of a view: its ``dwell_seconds`` where the shop sent them, else the time until the next event.
    0 for what is no view, and for the newest event as long as nothing has followed it.
    """
    looks = [0.0] * len(events)
    for place, event in enumerate(events):
        if event.type is not EventType.VIEW:
            continue
        seconds = event.dwell_seconds
        if seconds is None:
            seconds = events[place + 1].time - event.time if place + 1 < len(events) else 0.0
        looks[place] = math.log1p(min(seconds, LIMIT_SECONDS)) / math.log1p(LIMIT_SECONDS)
    return looks
