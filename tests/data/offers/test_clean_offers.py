"""What names unknown items, offers or visitors is dropped and counted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import InputError
from data.offers.clean_offers import OfferLoss, clean_offers
from data.offers.offer import Offer, OfferKind, Redemption
from data.offers.offer_tables import (
    OfferTables,
    extended,
    iter_offers,
    iter_redemptions,
    members,
    read_offer_tables,
    write_offer_tables,
)

COUPON, SERVICE = OfferKind.COUPON, OfferKind.SERVICE
ITEMS = pa.table({"item_id": ["p1", "p2"], "category": [["Dairy", "Milk"], ["Snacks"]]})


def use(id_: str, offer: str, visitor: str = "v", time: float = 1e9) -> Redemption:
    return Redemption(id_, offer, visitor, time)


def test_hand_made_tables_lose_what_breaks_a_rule() -> None:
    tables = OfferTables.of(
        [
            Offer("a", COUPON, item_ids=("p1", "gone", "p1")),
            Offer("b", COUPON, item_ids=("gone",)),
            Offer("c", SERVICE, categories=(("Dairy",), ("Toys",))),
            Offer("d", SERVICE, categories=(("Toys",),)),
            Offer("e", COUPON, item_ids=("p2",)),
            Offer("e", COUPON, item_ids=("p2",)),
        ],
        [("vip", "v"), ("vip", "v"), ("vip", ""), ("vip", "w")],
        [
            use("1", "a"),
            use("1", "a"),
            use("2", "b"),
            use("3", "a", visitor=""),
            use("4", "c", time=5.0),
            use("5", "c", time=3e9),
            use("6", "c"),
        ],
    )
    cleaned, losses = clean_offers(tables, ITEMS, earliest=631152000.0, now=2e9)
    assert list(iter_offers(cleaned.offers)) == [
        Offer("a", COUPON, item_ids=("p1",)),
        Offer("c", SERVICE, categories=(("Dairy",),)),
        Offer("e", COUPON, item_ids=("p2",)),
    ]
    assert members(cleaned.audiences) == {"vip": frozenset({"v", "w"})}
    assert list(iter_redemptions(cleaned.redemptions)) == [use("1", "a"), use("6", "c")]
    assert losses == (
        OfferLoss("offers", "no item or category that is known", 2, 6),
        OfferLoss("offers", "repeated offer id", 1, 6),
        OfferLoss(
            "offers", "unknown or repeated items or categories", 2, 6, action="took items out of"
        ),
        OfferLoss("audiences", "repeated, or without name or visitor", 2, 4),
        OfferLoss("redemptions", "no redemption or visitor id", 1, 7),
        OfferLoss("redemptions", "unknown offer", 1, 7),
        OfferLoss("redemptions", "time before 1990 or in the future", 2, 7),
        OfferLoss("redemptions", "repeated redemption id", 1, 7),
    )


def test_a_folder_gives_back_what_was_written_redemptions_by_time(tmp_path: Path) -> None:
    offer = Offer(
        "a", COUPON, ("p1",), (("Dairy", "Milk"),), None, 1.5, "vip", 0.25, 9.0, 100.0, 2, "优惠券"
    )
    late, early = use("1", "a", time=8.5), Redemption("2", "a", "w", 1.25, "p1", 3.5)
    write_offer_tables(tmp_path, OfferTables.of([offer], [("vip", "v")], [late, early]))
    read = read_offer_tables(tmp_path)
    assert read is not None
    assert list(iter_offers(read.offers)) == [offer]
    assert list(iter_redemptions(read.redemptions)) == [early, late]
    assert members(read.audiences) == {"vip": frozenset({"v"})}
    assert read.counts == {"count": 1, "audience_count": 1, "redemption_count": 2}


def test_a_folder_without_offers_has_none_and_one_with_half_of_them_is_refused(
    tmp_path: Path,
) -> None:
    assert read_offer_tables(tmp_path) is None
    write_offer_tables(tmp_path, OfferTables.of([]))
    pq.write_table(pa.table({"name": ["x"]}), tmp_path / "audiences.parquet")
    with pytest.raises(
        InputError, match="expected the columns audience, visitor_id, received name"
    ):
        read_offer_tables(tmp_path)
    (tmp_path / "audiences.parquet").unlink()
    with pytest.raises(InputError, match=r"audiences\.parquet: expected a readable table"):
        read_offer_tables(tmp_path)


def test_newer_offers_override_those_of_their_ids() -> None:
    old = OfferTables.of(
        [Offer("a", COUPON, ("p1",)), Offer("b", COUPON, ("p1",))], [], [use("1", "a")]
    )
    new = OfferTables.of([Offer("a", COUPON, ("p2",))], [("vip", "v")], [use("2", "a")])
    both = extended(old, new)
    assert both is not None
    assert [(one.offer_id, one.item_ids) for one in iter_offers(both.offers)] == [
        ("a", ("p2",)),
        ("b", ("p1",)),
    ]
    assert [one.redemption_id for one in iter_redemptions(both.redemptions)] == ["1", "2"]
    assert extended(old, None) is old
    assert extended(None, new) is new
