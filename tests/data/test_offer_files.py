"""A shop's own offers: read from its files into its tables; what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import InputError
from data.offers.offer import Offer, OfferKind, Redemption
from data.offers.offer_tables import OfferTables, iter_offers, iter_redemptions, members
from data.prepare import prepare
from data.sources.files import read_files
from data.tables import read_tables

ITEMS = "item_id,category\np1,Dairy > Milk\np2,Snacks\n"
EVENTS = "type,visitor_id,time,item_id\npurchase,v1,2024-02-29T12:00:00Z,p1\n"
OFFERS = "offer_id,kind,item_ids\no1,coupon,p1\n"


def shop(folder: Path, **files: str) -> OfferTables:
    for name, content in {"items": ITEMS, "events": EVENTS, **files}.items():
        name, _, ending = name.partition("_")
        (folder / f"{name}.{ending or 'csv'}").write_text(content, encoding="utf-8")
    read = read_files(folder).offers
    assert read is not None
    return read


def test_every_field_arrives(tmp_path: Path) -> None:
    read = shop(
        tmp_path,
        offers=(
            "offer_id,kind,item_ids,categories,percent_off,amount_off,audience,start_time,end_time,"
            "budget,visitor_limit,text\n"
            "o1,coupon,p1; p2,,15,,vip,1970-01-01T00:01:40Z,200,50,2,Milk for less\n"
            'o2,promotion,"[""p1""]",Dairy > Milk; Snacks,,0.5,,,,,,\n'
            "o3,service,,Snacks,,,,,,,,\n"
        ),
        audiences="audience,visitor_id\nvip,v1\nvip,v2\n",
        redemptions=(
            "redemption_id,offer_id,visitor_id,time,item_id,price\nr1,o1,v1,150,p1,1.25\n"
        ),
    )
    assert list(iter_offers(read.offers)) == [
        Offer(
            "o1",
            OfferKind.COUPON,
            ("p1", "p2"),
            (),
            15.0,
            None,
            "vip",
            100.0,
            200.0,
            50.0,
            2,
            "Milk for less",
        ),
        Offer(
            "o2",
            OfferKind.PROMOTION,
            ("p1",),
            (("Dairy", "Milk"), ("Snacks",)),
            amount_off=0.5,
        ),
        Offer("o3", OfferKind.SERVICE, categories=(("Snacks",),)),
    ]
    assert members(read.audiences) == {"vip": frozenset({"v1", "v2"})}
    assert list(iter_redemptions(read.redemptions)) == [
        Redemption("r1", "o1", "v1", 150.0, "p1", 1.25)
    ]


def test_json_lines_and_parquet_give_the_same_offers(tmp_path: Path) -> None:
    lines, columns = tmp_path / "lines", tmp_path / "columns"
    lines.mkdir()
    columns.mkdir()
    row = {"offer_id": "o1", "kind": "coupon", "item_ids": ["p1"], "categories": ["Dairy > Milk"]}
    pq.write_table(pa.Table.from_pylist([row]), columns / "offers.parquet")
    from_lines = shop(lines, offers_jsonl=json.dumps(row))
    expected = Offer("o1", OfferKind.COUPON, ("p1",), (("Dairy", "Milk"),))
    assert list(iter_offers(from_lines.offers)) == [expected]
    assert list(iter_offers(shop(columns).offers)) == [expected]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("offer_id,kind,item_ids\no1,gift,p1\n", "row 1, kind: expected one of coupon, promotion"),
        ("offer_id,kind,item_ids\no1,coupon,\n", "row 1, item_ids: expected items, or categories"),
        ("offer_id,kind\no1,coupon\n", "expected a column item_ids"),
        (
            "offer_id,kind,item_ids,start_time,end_time\no1,coupon,p1,200,100\n",
            "row 1, end_time: expected a time after start_time, received '100 s before or at it'",
        ),
        (
            "offer_id,kind,item_ids,budget\no0,coupon,p1,0\no1,coupon,p1,-3\n",
            r"row 2, budget: expected 0 or more and finite, received -3\.0",
        ),
        (
            "offer_id,kind,item_ids,amount_off\no1,coupon,p1,-3\n",
            "row 1, amount_off: expected above",
        ),
        (
            "offer_id,kind,item_ids\no1,coupon,p1\no1,coupon,p1\no1,coupon,p2\n",
            "row 3, offer_id: expected an id that no other offer has, received 'o1'",
        ),
        (
            "offer_id,kind,item_ids,audience\no1,coupon,p1,vip\n",
            "row 1, audience: expected the name of an audience in audiences",
        ),
        ("offer_id,kind,item_ids\no1,coupon,[p1\n", "row 1, item_ids: expected a JSON list"),
        ("offer_id,kind,item_ids\no1,coupon,[1.5]\n", "row 1, item_ids: expected a list of texts"),
    ],
)
def test_what_is_wrong_is_refused_by_file_row_and_field(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(InputError, match=rf"offers\.csv(, |: ){message}"):
        shop(tmp_path, offers=content)


def test_redemptions_without_offers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected offers\.\* beside redemptions"):
        shop(tmp_path, redemptions="offer_id,visitor_id,time\no1,v1,5\n")


def test_equal_redemptions_without_ids_stay_two(tmp_path: Path) -> None:
    read = shop(tmp_path, offers=OFFERS, redemptions="offer_id,visitor_id,time\n" + "o1,v,5\n" * 2)
    assert len({one.redemption_id for one in iter_redemptions(read.redemptions)}) == 2


def test_prepare_writes_them_beside_the_other_tables_and_counts_losses(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    shop(
        raw,
        offers=OFFERS + "o2,coupon,gone\n",
        redemptions="offer_id,visitor_id,time\no1,v1,2024-03-01\no9,v1,2024-03-01\n",
    )
    report = prepare("files", raw, out=tmp_path / "tables", now=2e9)
    tables = read_tables(tmp_path / "tables")
    assert tables.offers is not None
    assert [one.offer_id for one in iter_offers(tables.offers.offers)] == ["o1"]
    assert report["offers"] == {"count": 1, "audience_count": 0, "redemption_count": 1}
    assert "dropped 1 of 2 offers: no item or category that is known" in report["dropped"]
    assert "dropped 1 of 2 redemptions: unknown offer" in report["dropped"]
    (raw / "offers.csv").unlink()
    (raw / "redemptions.csv").unlink()
    prepare("files", raw, out=tmp_path / "none", now=2e9)
    assert read_tables(tmp_path / "none").offers is None
    prepare("files", raw, out=tmp_path / "more", now=2e9, base=tmp_path / "tables")
    kept = read_tables(tmp_path / "more").offers
    assert kept is not None
    assert kept.counts["redemption_count"] == 1


def test_a_sample_of_visitors_keeps_their_redemptions_and_audiences_alone(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    visitors = [f"v{number}" for number in range(40)]
    shop(
        raw,
        events="type,visitor_id,time,item_id\n"
        + "".join(f"purchase,{one},2024-02-29,p1\n" for one in visitors),
        offers="offer_id,kind,item_ids,audience\no1,coupon,p1,vip\n",
        audiences="audience,visitor_id\n" + "".join(f"vip,{one}\n" for one in visitors),
        redemptions="offer_id,visitor_id,time\n"
        + "".join(f"o1,{one},2024-03-01\n" for one in visitors),
    )
    prepare("files", raw, out=tmp_path / "tables", now=2e9, visitor_share=0.5)
    tables = read_tables(tmp_path / "tables")
    assert tables.offers is not None
    sampled = set(tables.events["visitor_id"].to_pylist())
    assert 0 < len(sampled) < len(visitors)
    assert members(tables.offers.audiences)["vip"] == sampled
    assert {one.visitor_id for one in iter_redemptions(tables.offers.redemptions)} == sampled
