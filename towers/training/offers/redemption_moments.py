"""The moments at which redemptions are learnt and asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from data.offers.offer import OfferKind, Redemption
from towers.offers.placed_offer import PlacedOffer
from towers.training.offers.offer_replay import OfferLog, OfferMoment

_MOMENT_LIMIT = 12_000


@dataclass(frozen=True, eq=False)
class LabelledMoments:
    """Moments, and which of their offers the visitor redeemed: ``[offers] bool`` of each."""

    moments: Sequence[OfferMoment]
    labels: Sequence[np.ndarray]

    @property
    def positive_count(self) -> int:
        """Redeemed offers of all moments."""
        return int(sum(one.sum() for one in self.labels))


def training_moments(log: OfferLog, *, seed: int) -> LabelledMoments:
    """For each visitor and each span of offers: its first moment, and one at random.

    So that the probabilities are of visitors at any time, not of those about to redeem. The offers
    of a moment are all that hold for the visitor; redeemed are those that the visitor redeems
    before they end. At most 12,000 moments.
    """
    rng = np.random.default_rng(seed)
    everybody = sorted({event.visitor_id for event in log.events})
    chosen: list[tuple[str, float]] = []
    for audience, start, end in sorted(_spans(log)):
        visitors = sorted(log.book.audiences.get(audience, ())) if audience else everybody
        for visitor in visitors:
            chosen += [(visitor, start), (visitor, float(rng.uniform(start, end)))]
    if len(chosen) > _MOMENT_LIMIT:
        kept = np.sort(rng.choice(len(chosen), _MOMENT_LIMIT, replace=False))
        chosen = [chosen[place] for place in kept.tolist()]
    return _labelled(log, chosen)


def redemption_days(log: OfferLog, *, since: float) -> LabelledMoments:
    """Each visitor and day of a redemption from ``since`` on, asked at the day's first redemption.

    Redeemed are the offers that the visitor redeems on that day (UTC).
    """
    by_day: dict[tuple[str, int], list[Redemption]] = {}
    for one in log.redemptions:
        if one.time >= since:
            by_day.setdefault((one.visitor_id, int(one.time // 86_400)), []).append(one)
    chosen = [(visitor, min(one.time for one in uses)) for (visitor, _), uses in by_day.items()]
    of_days = dict(zip(chosen, by_day.values(), strict=True))
    moments: list[OfferMoment] = []
    labels: list[np.ndarray] = []
    openings = _Openings(log)
    for visitor, time in chosen:
        offers = openings.at(visitor, time)
        redeemed = {one.offer_id for one in of_days[visitor, time]}
        label = np.array([one.offer.offer_id in redeemed for one in offers], bool)
        if label.any() and not label.all():
            moments.append(OfferMoment(visitor, time, offers))
            labels.append(label)
    return LabelledMoments(moments, labels)


def mailing_moments(log: OfferLog, *, since: float) -> LabelledMoments:
    """Each visitor of an audience when its offers start, from ``since`` on.

    Redeemed are the offers that the visitor redeems until the log ends.
    """
    chosen = [
        (visitor, start)
        for audience, start, _ in sorted(_spans(log))
        if start >= since
        for visitor in sorted(log.book.audiences.get(audience, ()))
    ]
    return _labelled(log, chosen)


def _spans(log: OfferLog) -> set[tuple[str, float, float]]:
    """Audience, start and end of the coupons and other offers that can be redeemed, in the log."""
    found = set()
    for placed in log.book.all():
        offer = placed.offer
        start = log.begin if offer.start_time is None else max(offer.start_time, log.begin)
        end = log.until if offer.end_time is None else min(offer.end_time, log.until)
        if start < end and offer.kind is not OfferKind.UNSPECIFIED:
            found.add((offer.audience, start, end))
    return found


def _labelled(log: OfferLog, chosen: Iterable[tuple[str, float]]) -> LabelledMoments:
    openings = _Openings(log)
    moments: list[OfferMoment] = []
    labels: list[np.ndarray] = []
    for visitor, time in dict.fromkeys(chosen):
        offers = openings.at(visitor, time)
        if not offers:
            continue
        uses = openings.redemptions.get(visitor, ())
        later = {one.offer_id for one in uses if one.time >= time}
        moments.append(OfferMoment(visitor, time, offers))
        labels.append(np.array([one.offer.offer_id in later for one in offers], bool))
    return LabelledMoments(moments, labels)


class _Openings:
    """Which offers hold for whom, by audience: most offers are closed to most visitors."""

    def __init__(self, log: OfferLog) -> None:
        self._offers: dict[str, list[PlacedOffer]] = {}
        for placed in log.book.all():
            if len(placed.rows):
                self._offers.setdefault(placed.offer.audience, []).append(placed)
        self._audiences: dict[str, list[str]] = {}
        for name, visitors in sorted(log.book.audiences.items()):
            for visitor in visitors:
                self._audiences.setdefault(visitor, []).append(name)
        self.redemptions: dict[str, list[Redemption]] = {}
        for one in log.redemptions:
            self.redemptions.setdefault(one.visitor_id, []).append(one)

    def at(self, visitor: str, time: float) -> list[PlacedOffer]:
        """Offers that hold for a visitor, and that earlier redemptions leave open."""
        counts: dict[str, int] = {}
        for one in self.redemptions.get(visitor, ()):
            if one.time < time:
                counts[one.offer_id] = counts.get(one.offer_id, 0) + 1
        return [
            placed
            for name in ("", *self._audiences.get(visitor, ()))
            for placed in self._offers.get(name, ())
            if placed.offer.is_live(time)
            and counts.get(placed.offer.offer_id, 0) < (placed.offer.visitor_limit or 1_000_000)
        ]
