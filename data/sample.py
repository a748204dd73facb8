"""A part of a shop's rows: the newest days, or a sample of the visitors."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from data.offers.offer_tables import OfferTables
from data.tables import RawShop, event_micros

_DAY_MICROS = 86_400_000_000


def newest_days(events: pa.Table, days: float, now: float) -> pa.Table:
    """The events of the newest days; ``now`` in seconds since 1970."""
    micros = event_micros(events)
    # Events in the future, from a wrong clock, must not determine the newest days.
    newest = micros[micros <= now * 1e6].max(initial=0)
    return events.filter(pa.array(micros > newest - days * _DAY_MICROS))


def _visitor_sample(rows: pa.Table, share: float) -> pa.Table:
    visitors = pc.unique(rows["visitor_id"])
    is_chosen = pa.array(
        [_id_fraction(visitor) < share for visitor in visitors.to_pylist()], pa.bool_()
    )
    return rows.filter(pc.is_in(rows["visitor_id"], value_set=visitors.filter(is_chosen)))


def sampled(raw: RawShop, share: float) -> RawShop:
    """The rows of a sample of visitors."""
    events, offers, answers = raw.events, raw.offers, raw.impressions
    return replace(
        raw,
        events=None if events is None else _visitor_sample(events, share),
        offers=None if offers is None else _offers_of_sample(offers, share),
        impressions=None if answers is None else _visitor_sample(answers, share),
    )


def _offers_of_sample(offers: OfferTables, share: float) -> OfferTables:
    return replace(
        offers,
        audiences=_visitor_sample(offers.audiences, share),
        redemptions=_visitor_sample(offers.redemptions, share),
    )


def _id_fraction(visitor_id: str) -> float:
    """A hash of the id, uniform in 0 to 1."""
    digest = hashlib.blake2b(visitor_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
