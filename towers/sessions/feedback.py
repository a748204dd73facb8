"""What one event says of its item: for it, against it, or neither."""

from __future__ import annotations

from dataclasses import replace

from data.records import Event, EventType
from towers.text.sentiment import implied_rating

GOOD_RATING = 4.0
BAD_RATING = 2.0

_FOR = frozenset({EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE})


def remembered(event: Event) -> Event:
    """The event as sessions keep it: a review's words become stars where it has none, and go."""
    if not event.text:
        return event
    rating = event.rating
    if rating is None and event.type is EventType.REVIEW:
        rating = implied_rating(event.text)
    return replace(event, rating=rating, text="")


def feedback(event: Event) -> int:
    """1 for the item, −1 against it, 0 neither.

    Four stars and more are for it, two and fewer against it; what is sent back was not liked. Taking
    something out of the cart or off the wish list takes a deed back, but says nothing bad.
    """
    if event.type in _FOR:
        return 1
    if event.type is EventType.RETURN:
        return -1
    if event.type is EventType.REVIEW and event.rating is not None:
        return (event.rating >= GOOD_RATING) - (event.rating <= BAD_RATING)
    return 0
