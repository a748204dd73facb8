"""Dwell time of the item views of a session."""

from __future__ import annotations

import math
from collections.abc import Sequence

from data.records import Event, EventType

LIMIT_SECONDS = 600.0
"""Longer dwell times are clipped: the visitor may be away."""


def dwells(events: Sequence[Event]) -> list[float]:
    """Log-scaled dwell time of each event of a session in time order, 0 to 1.

    Of a view: its ``dwell_seconds`` where the shop sends them, else the time until the next event.
    0 for other events, and for the newest event until the next one.
    """
    shares = [0.0] * len(events)
    for index, event in enumerate(events):
        if event.type is not EventType.VIEW:
            continue
        seconds = event.dwell_seconds
        if seconds is None:
            seconds = events[index + 1].time - event.time if index + 1 < len(events) else 0.0
        shares[index] = math.log1p(min(seconds, LIMIT_SECONDS)) / math.log1p(LIMIT_SECONDS)
    return shares
