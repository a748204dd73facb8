"""Feedback of an event on its item: positive, negative or none."""

from __future__ import annotations

from dataclasses import replace

from data.records import Event, EventType
from towers.text.sentiment import implied_rating

GOOD_RATING = 4.0
BAD_RATING = 2.0

_FOR = frozenset({EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE})


def remembered(event: Event) -> Event:
    """The event as sessions store it: without review text, which gives the rating if it has none."""
    if not event.text:
        return event
    rating = event.rating
    if rating is None and event.type is EventType.REVIEW:
        rating = implied_rating(event.text)
    return replace(event, rating=rating, text="")


def feedback(event: Event) -> int:
    """1 for positive feedback, −1 for negative, 0 for none.

    Reviews of at least four stars are positive, of at most two negative; a return is negative. Removal
    from the cart or the wish list undoes an interaction, but is not negative feedback.
    """
    if event.type in _FOR:
        return 1
    if event.type is EventType.RETURN:
        return -1
    if event.type is EventType.REVIEW and event.rating is not None:
        return (event.rating >= GOOD_RATING) - (event.rating <= BAD_RATING)
    return 0
