"""Cleaning of offers: drops what names unknown items, offers or visitors, and counts it.

Offers that contradict themselves are refused earlier, by the source that reads them.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from data.offers.offer import Offer, Redemption
from data.offers.offer_tables import OfferTables, iter_offers, iter_redemptions, members


@dataclass(frozen=True)
class OfferLoss:
    """Rows that a rule dropped or changed; the fields of ``data.clean.Loss``."""

    table: str
    rule: str
    count: int
    total: int
    action: str = "dropped"


def clean_offers(
    tables: OfferTables,
    items: pa.Table,
    *,
    earliest: float,
    now: float,
) -> tuple[OfferTables, tuple[OfferLoss, ...]]:
    """The offers that can be made, and the redemptions of them; rows are counted by their rule.

    Args:
        items: Of the catalogue, with the columns ``item_id`` and ``category``.
        earliest, now: Seconds since 1970: redemptions before and after are dropped.
    """
    item_ids = set(items["item_id"].to_pylist())
    paths = {tuple(path) for path in items["category"].to_pylist()}
    categories = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
    read = list(iter_offers(tables.offers))
    losses: list[OfferLoss] = []
    kept = _known(read, item_ids, categories, losses)
    audiences = members(tables.audiences)
    pairs = [
        (name, visitor)
        for name, visitors in audiences.items()
        for visitor in sorted(visitors)
        if name and visitor
    ]
    total = tables.audiences.num_rows
    if len(pairs) < total:
        rule = "repeated, or without name or visitor"
        losses.append(OfferLoss("audiences", rule, total - len(pairs), total))
    redemptions = _redemptions(tables, kept, earliest, now, losses)
    return OfferTables.of(kept.values(), pairs, redemptions), tuple(losses)


def _known(
    offers: list[Offer],
    item_ids: Container[str],
    categories: Container[tuple[str, ...]],
    losses: list[OfferLoss],
) -> dict[str, Offer]:
    kept: dict[str, Offer] = {}
    stripped = unknown = repeated = 0
    for offer in offers:
        known_items = tuple(one for one in dict.fromkeys(offer.item_ids) if one in item_ids)
        known_paths = tuple(path for path in offer.categories if path in categories)
        is_stripped = (known_items, known_paths) != (offer.item_ids, offer.categories)
        if not known_items and not known_paths:
            unknown += 1
        elif offer.offer_id in kept:
            repeated += 1
        else:
            stripped += is_stripped
            kept[offer.offer_id] = replace(offer, item_ids=known_items, categories=known_paths)
    for rule, count, action in (
        ("no item or category that is known", unknown, "dropped"),
        ("repeated offer id", repeated, "dropped"),
        ("unknown or repeated items or categories", stripped, "took items out of"),
    ):
        if count:
            losses.append(OfferLoss("offers", rule, count, len(offers), action))
    return kept


def _redemptions(
    tables: OfferTables,
    offers: Mapping[str, Offer],
    earliest: float,
    now: float,
    losses: list[OfferLoss],
) -> list[Redemption]:
    rows = list(iter_redemptions(tables.redemptions))
    total = len(rows)
    seen: set[str] = set()

    def is_repeated(one: Redemption) -> bool:
        is_known = one.redemption_id in seen
        seen.add(one.redemption_id)
        return is_known

    for rule, is_broken in (
        ("no redemption or visitor id", lambda one: not (one.redemption_id and one.visitor_id)),
        ("unknown offer", lambda one: one.offer_id not in offers),
        ("time before 1990 or in the future", lambda one: not earliest <= one.time <= now),
        ("repeated redemption id", is_repeated),
    ):
        left = [one for one in rows if not is_broken(one)]
        if len(left) < len(rows):
            losses.append(OfferLoss("redemptions", rule, len(rows) - len(left), total))
        rows = left
    return rows
