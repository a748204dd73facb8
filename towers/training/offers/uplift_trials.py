"""Visitors who had an offer and visitors who had not, and what they bought meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data.records import EventType
from towers.offers.placed_offer import PlacedOffer
from towers.training.offers.offer_replay import OfferLog, OfferMoment, Report, replay_offers

_SIDE_LIMIT = 250
_OFFER_LIMIT = 8
_HISTORY_SECONDS = 14 * 86_400.0
"""Offers that start earlier in the log find visitors without a history to compare."""


@dataclass(frozen=True, eq=False)
class UpliftCases:
    """Pairs of a visitor and an offer.

    Args:
        features: ``[n, columns] float32`` when the offer started.
        treated: ``[n] bool``: the visitor is in the offer's audience.
        outcomes: ``[n] bool``: bought one of its items before it, or the log, ended.
        visitors: ``[n] int64`` number of the visitor.
    """

    features: np.ndarray
    treated: np.ndarray
    outcomes: np.ndarray
    visitors: np.ndarray


def uplift_cases(
    log: OfferLog,
    progress: Report,
    *,
    seed: int,
    since: float = float("-inf"),
) -> UpliftCases | None:
    """For each audience and span: some of its offers, some visitors inside and some outside.

    At most 8 offers, 250 visitors inside and as many outside. None where nobody is
    outside: offers to everybody have nothing to be compared with.

    Args:
        since: Seconds since 1970; offers that start earlier are left out.
    """
    rng = np.random.default_rng(seed)
    purchases = _purchases(log)
    everybody = np.array(sorted(purchases))
    moments: list[OfferMoment] = []
    treated: list[bool] = []
    ends: list[float] = []
    for (audience, start, end), offers in sorted(_groups(log, since).items()):
        inside = log.book.audiences.get(audience, frozenset())
        is_inside = np.array([one in inside for one in everybody.tolist()], bool)
        if not is_inside.any() or is_inside.all():
            continue
        places = np.sort(rng.permutation(len(offers))[:_OFFER_LIMIT])
        chosen = [offers[place] for place in places.tolist()]
        for side in (True, False):
            visitors = everybody[is_inside == side]
            for visitor in rng.permutation(visitors)[:_SIDE_LIMIT].tolist():
                moments.append(OfferMoment(visitor, start, chosen))
                treated.append(side)
                ends.append(min(end, log.until))
    if not moments:
        return None
    return _described(log, moments, treated, ends, purchases, progress)


def _described(
    log: OfferLog,
    moments: list[OfferMoment],
    treated: list[bool],
    ends: list[float],
    purchases: Mapping[str, tuple[np.ndarray, np.ndarray]],
    progress: Report,
) -> UpliftCases:
    numbers = {visitor: number for number, visitor in enumerate(sorted(purchases))}
    parts: list[tuple[np.ndarray, ...]] = []
    for number, matrix in replay_offers(log, moments, progress):
        moment = moments[number]
        times, rows = purchases[moment.visitor_id]
        begin, end = np.searchsorted(times, [moment.time, ends[number]])
        bought = np.unique(rows[begin:end])
        outcomes = np.array([_any_in(bought, one.rows) for one in moment.offers], bool)
        count = len(outcomes)
        parts.append(
            (
                matrix,
                np.full(count, treated[number]),
                outcomes,
                np.full(count, numbers[moment.visitor_id]),
            )
        )
    return UpliftCases(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _groups(log: OfferLog, since: float) -> dict[tuple[str, float, float], list[PlacedOffer]]:
    """Offers by audience, start and end; those that start before visitors have a history left out."""
    least = max(since, log.begin + _HISTORY_SECONDS)
    found: dict[tuple[str, float, float], list[PlacedOffer]] = {}
    for placed in log.book.all():
        offer = placed.offer
        start, end = offer.start_time, offer.end_time
        if not offer.audience or start is None or not len(placed.rows):
            continue
        if least <= start < log.until:
            key = (offer.audience, start, float("inf") if end is None else end)
            found.setdefault(key, []).append(placed)
    return found


def _purchases(log: OfferLog) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Times and item rows of each visitor's purchases, by time."""
    found: dict[str, tuple[list[float], list[int]]] = {}
    for event in log.events:
        times, rows = found.setdefault(event.visitor_id, ([], []))
        row = log.catalog.row_of.get(event.item_id, -1)
        if event.type is EventType.PURCHASE and row >= 0:
            times.append(event.time)
            rows.append(row)
    return {
        visitor: (np.array(times, np.float64), np.array(rows, np.int64))
        for visitor, (times, rows) in found.items()
    }


def _any_in(ascending: np.ndarray, rows: np.ndarray) -> bool:
    """Whether two ascending arrays have a value in common."""
    if not len(ascending):
        return False
    places = np.minimum(np.searchsorted(ascending, rows), len(ascending) - 1)
    return bool((ascending[places] == rows).any())
