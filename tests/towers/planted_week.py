"""A shop whose items sell by the day of the week."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.records import Event, EventType, Item
from data.split import Split
from data.tables import Tables, events_table, items_table, judgments_table

DAY = 86_400
START = 1_704_067_200.0
"""A Monday, 2024-01-01."""

WEEK = np.array([1.0, 1, 1, 2, 4, 8, 0.2])
"""Relative sales from Monday to Sunday."""


def planted_shop(*, item_count: int, day_count: int, seed: int) -> Tables:
    """Poisson sales around item level × day of the week; two categories under one."""
    rng = np.random.default_rng(seed)
    items = [
        Item(f"i{number}", category=("All", "Even" if number % 2 == 0 else "Odd"), price=4.0)
        for number in range(item_count)
    ]
    levels = rng.uniform(0.5, 3.0, item_count)
    events = []
    for day in range(day_count):
        for number in range(item_count):
            for line in range(rng.poisson(levels[number] * WEEK[day % 7])):
                time = START + day * DAY + 60.0 * line + number
                key = f"{day}-{number}-{line}"
                events.append(
                    Event(key, EventType.PURCHASE, f"n{line}", time, f"i{number}", price=4.0)
                )
    events.sort(key=lambda event: event.time)
    return Tables(
        Path("planted"),
        items_table(items),
        events_table(events),
        judgments_table([]),
        Split(0.0, 0.0),
        {},
    )
