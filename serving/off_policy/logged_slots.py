"""Slots of logged answers whose item was up to chance, with what followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError
from data.records import EventType, Impression
from data.sources.own_log import LOG_NAME, iter_events, iter_impressions

_CLICKS = frozenset((EventType.VIEW, EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE))


@dataclass(frozen=True, slots=True)
class LoggedSlot:
    """The slot of one answer whose item was up to chance.

    Args:
        token: The attribution token of the answer.
        visitor_id: Empty if anonymous.
        place: Rank of the slot on the page, from 0.
        item_id: The item that was shown there.
        propensity: Probability that it was, given the slot.
        is_clicked: Whether an event with the answer's token viewed, favoured, carted or bought it.
        is_bought: Whether one bought it.
    """

    token: str
    visitor_id: str
    place: int
    item_id: str
    propensity: float
    is_clicked: bool = False
    is_bought: bool = False


def chance_place(impression: Impression) -> int:
    """Rank on the page of the item that was up to chance; −1 where none was."""
    return next((n for n, one in enumerate(impression.propensities) if one < 1.0), -1)


def read_slots(state: Path) -> Sequence[LoggedSlot]:
    """The slots of a log that were up to chance, in log order, joined to events by their token.

    Args:
        state: State folder of a server, or the log in it.

    Raises:
        InputError: There is no log, it is damaged, or nothing in it was up to chance.
    """
    followed: dict[tuple[str, str], set[EventType]] = defaultdict(set)
    for event in iter_events(state):
        if event.attribution_token and event.type in _CLICKS:
            followed[event.attribution_token, event.item_id].add(event.type)
    slots, count = [], 0
    for shown in iter_impressions(state):
        count += 1
        place = chance_place(shown)
        if place >= 0:
            item_id = shown.item_ids[place]
            types = followed.get((shown.attribution_token, item_id), set())
            slots.append(
                LoggedSlot(
                    shown.attribution_token,
                    shown.visitor_id,
                    place,
                    item_id,
                    shown.propensities[place],
                    bool(types),
                    EventType.PURCHASE in types,
                )
            )
    if not slots:
        raise InputError(
            f"{LOG_NAME}: expected answers with propensities below 1, which a policy with exploration "
            f"logs, received {count:,} answers without any"
        )
    return slots
