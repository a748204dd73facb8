"""What a shopper may do with an item that was shown, and how a log tells it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data.records import EventType


@dataclass(frozen=True)
class ShopperAction:
    """One action.

    Args:
        name: As answers, reports and files have it.
        event_types: Events of the item that count as it.
        needs: The action that comes before it, if the log holds that: its probability is a factor.
        is_later: Whether it follows days later, in another session.
    """

    name: str
    event_types: frozenset[EventType]
    needs: str = ""
    is_later: bool = False


CLICK = "click"
PURCHASE = "purchase"

_TAKEN = (EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE)

ACTIONS = (
    # Whoever puts an item into the cart from a list has chosen it as much as one who looked at it.
    ShopperAction(CLICK, frozenset((EventType.VIEW, *_TAKEN))),
    ShopperAction("favorite", frozenset((EventType.FAVORITE,)), CLICK),
    ShopperAction("add_to_cart", frozenset((EventType.ADD_TO_CART,)), CLICK),
    ShopperAction(PURCHASE, frozenset((EventType.PURCHASE,)), CLICK),
    ShopperAction("return", frozenset((EventType.RETURN,)), PURCHASE, is_later=True),
)
"""All actions; each comes after the one that it needs."""


def held_by(types: Collection[EventType]) -> tuple[ShopperAction, ...]:
    """The actions that a log with events of these types can teach.

    Clicks need views: in a log of purchases alone they would be the purchases again.
    """
    named = {CLICK: EventType.VIEW}
    return tuple(
        action
        for action in ACTIONS
        if named.get(action.name, next(iter(action.event_types))) in types
    )


def parents(actions: Sequence[ShopperAction]) -> tuple[int, ...]:
    """For each action the position of the one that it needs among them; −1 where it is not there."""
    names = [action.name for action in actions]
    return tuple(names.index(one.needs) if one.needs in names else -1 for one in actions)
