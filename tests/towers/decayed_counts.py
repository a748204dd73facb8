"""Demand for an item counted by hand: each visitor once a day, with the strongest of their events."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from data.records import Event, EventType

WORTH = {
    EventType.VIEW: 0.1,
    EventType.FAVORITE: 0.4,
    EventType.ADD_TO_CART: 0.5,
    EventType.PURCHASE: 1.0,
}
DAY = 86_400


def additions(events: Iterable[Event], item_id: str) -> list[tuple[float, float]]:
    """Weights and times of all that visitors added to an item's counts and did not take back.

    Args:
        events: In time order.
    """
    ours = [event for event in events if event.item_id == item_id]
    found = []
    for _, of_visitor in groupby(sorted(ours, key=by_visitor), key=by_visitor):
        days = [[*of_day] for _, of_day in groupby(of_visitor, key=lambda event: event.time // DAY)]
        found += _of_visitor(days)
    return found


def by_visitor(event: Event) -> str:
    return event.visitor_id


def _of_visitor(days: list[list[Event]]) -> list[tuple[float, float]]:
    kept: list[tuple[float, float]] = []
    last_purchase: list[tuple[float, float]] = []
    for of_day in days:
        today: list[tuple[float, float]] = []
        for event in of_day:
            if event.type is EventType.RETURN:
                if sum(weight for weight, _ in today) > 0.99:
                    today = []
                else:
                    kept = [one for one in kept if one not in last_purchase]
                last_purchase = []
                continue
            higher = WORTH.get(event.type, 0.0) - sum(weight for weight, _ in today)
            if higher > 1e-9:
                today.append((higher, event.time))
        kept += today
        if sum(weight for weight, _ in today) > 0.99:
            last_purchase = today
    return kept


def decayed(events: Iterable[Event], item_id: str, now: float, half_life_days: float) -> float:
    """The sum of all additions, each halved once for every half-life that it is old."""
    return sum(
        weight * 0.5 ** ((now - time) / (half_life_days * DAY))
        for weight, time in additions(events, item_id)
    )
