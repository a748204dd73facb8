"""Dwell time of the item views of a session."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data.records import Event, EventType

LIMIT_SECONDS = 600.0
"""Longer dwell times are clipped: the visitor may be away."""
_LOG_LIMIT = math.log1p(LIMIT_SECONDS)
_VIEW = EventType.VIEW


def dwells(events: Sequence[Event]) -> list[float]:
    """Log-scaled dwell time of each event of a session in time order, 0 to 1.

    Of a view: its ``dwell_seconds`` where the shop sends them, else the time until the next event.
    0 for other events, and for the newest event until the next one.
    """
    shares = [0.0] * len(events)
    for index, event in enumerate(events, 1):
        if event.type is not _VIEW:
            continue
        seconds = event.dwell_seconds
        if seconds is None:
            seconds = events[index].time - event.time if index < len(events) else 0.0
        shares[index - 1] = math.log1p(min(seconds, LIMIT_SECONDS)) / _LOG_LIMIT
    return shares
