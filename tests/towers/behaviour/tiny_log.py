"""Tables written out by hand, and random ones, for the behaviour tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from data.records import Event, EventType, Item
from data.split import Split
from data.tables import Tables, events_table, items_table, judgments_table

ITEMS = (
    Item("tea", "Tea", category=("Drinks", "Tea"), brand="Leaf", price=3.0),
    Item("mate", "Mate", category=("Drinks", "Tea"), brand="Yerba", price=4.0),
    Item("cup", "Cup", category=("Kitchen",), brand="Leaf", price=9.0),
    Item("pot", "Pot", category=("Kitchen",), price=20.0),
)


def tables(events: Iterable[Event], *, test_from: float, items: Sequence[Item] = ITEMS) -> Tables:
    """The events in time order, with a split at ``test_from``."""
    ordered = sorted(events, key=lambda event: event.time)
    return Tables(
        Path("tiny"),
        items_table(items),
        events_table(ordered),
        judgments_table([]),
        Split(test_from, test_from),
        {},
    )


def event(
    type_: EventType, time: float, item: str = "", *, visit: str = "v1", visitor: str = "ann",
    price: float | None = None,
) -> Event:  # fmt: skip
    return Event(
        f"{visit}-{time}-{item}", type_, visitor, time, item, session_id=visit, price=price
    )


def random_events(count: int, *, seed: int) -> list[Event]:
    """Visits of five visitors, a minute between events."""
    rng = np.random.default_rng(seed)
    types = [EventType.SEARCH, EventType.VIEW, EventType.VIEW, EventType.ADD_TO_CART]
    types += [EventType.REMOVE_FROM_CART, EventType.PURCHASE]
    found = []
    for number in range(count):
        visitor = int(rng.integers(5))
        type_ = types[rng.integers(len(types))]
        item = "" if type_ is EventType.SEARCH else ITEMS[rng.integers(4)].item_id
        price = float(rng.integers(1, 30)) if rng.random() < 0.5 else None
        visit = f"{visitor}-{number // 40}"
        found.append(
            event(type_, 60.0 * number, item, visit=visit, visitor=f"n{visitor}", price=price)
        )
    return found
