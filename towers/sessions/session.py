"""The session of a visitor: a fold over the visitor's events.

Serving stores the newest session of each visitor; training replays the log and uses the session just
before each event. Both run this code, so that there is no skew, and no leak from the future.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from data.records import Event, EventType
from towers.sessions.feedback import feedback, remembered

IDLE_GAP_SECONDS = 30 * 60
EVENT_LIMIT = 50
BOUGHT_LIMIT = 1_000
DISLIKED_LIMIT = 100


class Bought(NamedTuple):
    """How often a visitor bought an item, and when last (seconds since 1970)."""

    purchase_count: int
    last_time: float


@dataclass(frozen=True, slots=True)
class Session:
    """The current session of one visitor, with past purchases and negative feedback.

    Args:
        visitor_id: The visitor.
        events: Events of the current session in time order, at most ``EVENT_LIMIT``, newest last.
        bought: Purchases by item id; at most ``BOUGHT_LIMIT``, the least recent is evicted first.
        visit_count: Number of sessions with a purchase.
        last_purchase_time: Seconds since 1970; 0 before the first purchase.
        disliked: Time of the newest negative feedback by item id, unless positive feedback followed;
            at most ``DISLIKED_LIMIT`` items, the oldest is evicted first.
    """

    visitor_id: str
    events: tuple[Event, ...] = ()
    bought: dict[str, Bought] = field(default_factory=dict)
    visit_count: int = 0
    last_purchase_time: float = 0.0
    disliked: dict[str, float] = field(default_factory=dict)

    @classmethod
    def empty(cls, visitor_id: str) -> Session:
        """The session of a new or anonymous visitor."""
        return cls(visitor_id)

    def after(self, event: Event) -> Session:
        """The session after ``event``.

        An event after an idle gap of ``IDLE_GAP_SECONDS`` starts a new session; a late one is inserted
        at its time, or ignored if it belongs to an ended session. Of a review only the rating is
        stored, not the text.
        """
        event = remembered(event)
        events, bought = self.events, self.bought
        visit_count, last_purchase_time = self.visit_count, self.last_purchase_time
        if events and event.time - events[-1].time > IDLE_GAP_SECONDS:
            events = ()
        if not events or event.time >= events[-1].time:
            events = (*events, event)
        elif event.time >= events[0].time - IDLE_GAP_SECONDS:
            position = sum(1 for earlier in events if earlier.time <= event.time)
            events = (*events[:position], event, *events[position:])
        if event.type is EventType.PURCHASE:
            bought = _with_purchase(bought, event)
            visit_count += event.time - last_purchase_time > IDLE_GAP_SECONDS
            last_purchase_time = max(last_purchase_time, event.time)
        elif event.type is EventType.RETURN:
            bought = _with_return(bought, event.item_id)
        # Hot path of training: `replace` would take twice as long.
        return Session(
            self.visitor_id,
            events[-EVENT_LIMIT:],
            bought,
            visit_count,
            last_purchase_time,
            _with_feedback(self.disliked, event),
        )

    def at(self, time: float) -> Session:
        """The session as of ``time``: without events after an idle gap."""
        if self.events and time - self.events[-1].time > IDLE_GAP_SECONDS:
            return replace(self, events=())
        return self

    def without(self, position: int) -> Session:
        """The session without the event at ``position``; past purchases stay."""
        gone = self.events[position]
        disliked = self.disliked
        if feedback(gone) < 0 and disliked.get(gone.item_id) == gone.time:
            disliked = {key: time for key, time in disliked.items() if key != gone.item_id}
        events = self.events[:position] + self.events[position + 1 :]
        return replace(self, events=events, disliked=disliked)

    @property
    def search_text(self) -> str:
        """The last query of this session; empty if there is none."""
        for event in reversed(self.events):
            if event.type is EventType.SEARCH:
                return event.query
        return ""

    @property
    def pending_search(self) -> str:
        """The query of the newest event if that is a search, else empty."""
        newest = self.events[-1] if self.events else None
        return newest.query if newest is not None and newest.type is EventType.SEARCH else ""

    @property
    def basket(self) -> frozenset[str]:
        """Items put into the cart or bought in this session, and not removed or returned."""
        inside: set[str] = set()
        for event in self.events:
            if event.type in (EventType.ADD_TO_CART, EventType.PURCHASE):
                inside.add(event.item_id)
            elif event.type in (EventType.REMOVE_FROM_CART, EventType.RETURN):
                inside.discard(event.item_id)
        return frozenset(inside)


def _with_purchase(bought: dict[str, Bought], event: Event) -> dict[str, Bought]:
    # `copy` is faster than `dict(bought)`, which reinserts every item.
    bought = bought.copy()
    earlier = bought.pop(event.item_id, Bought(0, 0.0))
    # Popped and reinserted, so that the dict is ordered by last purchase.
    bought[event.item_id] = Bought(earlier.purchase_count + 1, max(earlier.last_time, event.time))
    if len(bought) > BOUGHT_LIMIT:
        del bought[next(iter(bought))]
    return bought


def _with_feedback(disliked: dict[str, float], event: Event) -> dict[str, float]:
    sign = feedback(event)
    if not sign or (sign > 0 and disliked.get(event.item_id, math.inf) > event.time):
        return disliked
    disliked = dict(disliked)
    earlier = disliked.pop(event.item_id, 0.0)
    if sign < 0:
        # Popped and reinserted, so that the dict is ordered by newest feedback.
        disliked[event.item_id] = max(earlier, event.time)
        if len(disliked) > DISLIKED_LIMIT:
            del disliked[next(iter(disliked))]
    return disliked


def _with_return(bought: dict[str, Bought], item_id: str) -> dict[str, Bought]:
    earlier = bought.get(item_id)
    if earlier is None:
        return bought
    bought = bought.copy()
    if earlier.purchase_count > 1:
        bought[item_id] = earlier._replace(purchase_count=earlier.purchase_count - 1)
    else:
        del bought[item_id]
    return bought
