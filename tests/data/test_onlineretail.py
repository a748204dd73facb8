"""Invoices of the Online Retail file: purchases and returns, without postage and corrections."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import InputError
from data.records import Event, EventType, Item
from data.sources.onlineretail import read_onlineretail
from data.tables import iter_events, iter_items

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
LINES = """\
536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,71053,"LANTERN, WHITE",2,12/1/2010 8:26,3.39,17850,United Kingdom
536366,85123a,WHITE HEART,1,12/2/2010 9:00,2.95,,United Kingdom
536367,85123A,WHITE HEART,1,12/3/2010 9:00,2.10,13047.0,United Kingdom
C536379,85123A,WHITE HANGING HEART,-4,12/4/2010 9:41,9.99,17850,United Kingdom
536370,POST,POSTAGE,3,12/4/2010 8:45,18,12583,France
536371,gift_0001_20,VOUCHER,1,12/4/2010 8:45,20,12583,France
536372,71053,,1,12/5/2010 8:45,0,,United Kingdom
536373,71053,damaged,-7,12/5/2010 8:46,1.0,,United Kingdom
536374,DCGS0058,MISO PRETTY  GUM,1,12/6/2010 10:00,0.83,13047,United Kingdom
536375,71053,LANTERN,,12/6/2010 10:00,3.39,13047,United Kingdom
"""


def write(folder: Path, lines: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "retail.csv"
    path.write_bytes((header + lines).encode(encoding))
    return path


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2010, 12, day, hour, minute, tzinfo=UTC)


def test_lines_become_purchases_and_returns(tmp_path: Path) -> None:
    shop = read_onlineretail(write(tmp_path, LINES))
    assert shop.items is not None and shop.events is not None and shop.judgments is None
    pounds: dict[str, Any] = {"currency": "GBP"}
    assert list(iter_items(shop.items)) == [
        # Two descriptions twice each: the first met wins. The newest purchase makes the price.
        Item("85123A", "WHITE HANGING HEART", price=2.1, created_time=at(1, 8, 26), **pounds),
        Item("71053", "LANTERN, WHITE", price=3.39, created_time=at(1, 8, 26), **pounds),
        Item("DCGS0058", "MISO PRETTY  GUM", price=0.83, created_time=at(6, 10), **pounds),
    ]
    kinds = {True: EventType.PURCHASE, False: EventType.RETURN}

    def line(key: str, visitor: str, time: datetime, code: str, count: int, price: float) -> Event:
        invoice = key.split("-")[0]
        return Event(
            key,
            kinds[count > 0],
            visitor,
            time.timestamp(),
            code,
            session_id=invoice,
            quantity=abs(count),
            price=price,
        )

    assert list(iter_events(shop.events)) == [
        line("536365-1", "17850", at(1, 8, 26), "85123A", 6, 2.55),
        line("536365-2", "17850", at(1, 8, 26), "71053", 2, 3.39),
        line("536366-1", "guest-536366", at(2, 9), "85123A", 1, 2.95),
        line("536367-1", "13047", at(3, 9), "85123A", 1, 2.1),
        line("C536379-1", "17850", at(4, 9, 41), "85123A", -4, 9.99),
        line("536374-1", "13047", at(6, 10), "DCGS0058", 1, 0.83),
    ]
    assert dict(shop.dropped) == {
        ("events", "not a product"): 2,
        ("events", "stock correction"): 2,
        ("events", "no invoice, date or quantity"): 1,
    }


def test_an_item_has_its_most_frequent_description(tmp_path: Path) -> None:
    line = "536365,10001,{},1,12/1/2010 8:26,2.55,17850,UK\n"
    titles = ["", "FIRST", "SECOND", "", " SECOND ", ""]
    shop = read_onlineretail(write(tmp_path, "".join(map(line.format, titles))))
    (item,) = iter_items(shop.items)
    assert item.title == "SECOND"
    shop = read_onlineretail(write(tmp_path, line.format("") * 2))
    (item,) = iter_items(shop.items)
    assert item.title == ""


@pytest.mark.parametrize("minute", range(0, 240, 17))
def test_what_is_known_at_a_time_is_what_a_file_that_ends_there_says(
    tmp_path: Path, minute: int
) -> None:
    rng = Random(minute)
    lines = [
        f"{number},{rng.choice(['10001', '10002', '10003', '10004'])},"
        f"{rng.choice(['', 'RED', 'BLUE', 'GREEN'])},{rng.choice([1, 2, -1])},"
        f"12/1/2010 {8 + number // 60}:{number % 60:02},{rng.choice([0, 1.25, 2.5, 9])},1,UK\n"
        for number in range(20, 220, 7)
    ]
    moment = at(1, 8 + minute // 60, minute % 60)
    earlier = [line for line in lines if int(line.split(",")[0]) < minute]
    whole = read_onlineretail(write(tmp_path, "".join(lines)))
    assert whole.items_at is not None and whole.items is not None
    known = {item.item_id: item for item in iter_items(whole.items_at(moment.timestamp()))}
    assert list(known) == [item.item_id for item in iter_items(whole.items)]
    cut = list(iter_items(read_onlineretail(write(tmp_path, "".join(earlier))).items))
    for expected in cut:
        if expected.title:
            assert known.pop(expected.item_id) == expected
        else:
            # Nobody has named it yet: what is sold has a name, and only that comes from later.
            assert replace(known.pop(expected.item_id), title="") == expected
    assert [(item.price, item.created_time) for item in known.values()] == [(None, None)] * len(
        known
    )


@pytest.mark.parametrize(
    "time", ["2010-12-01 08:26:00", "2010-12-01T08:26:00", "12/1/2010 8:26", "01/12/2010 08:26:00"]
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_dates_are_read_as_they_are_spread(tmp_path: Path, time: str, mark: str) -> None:
    line = f"536365,85123A,HEART,6,{time},2.55,17850,United Kingdom\n"
    shop = read_onlineretail(write(tmp_path, line, mark + HEADER))
    (event,) = iter_events(shop.events)
    assert event.time == at(1, 8, 26).timestamp()


@pytest.mark.parametrize(
    "times",
    [
        pa.array([at(1, 8, 26).replace(tzinfo=None)], pa.timestamp("ns")),
        pa.array([at(1, 8, 26)], pa.timestamp("us", "Asia/Shanghai")),
        pa.array(["2010-12-01 08:26:00"]),
    ],
)
def test_parquet_gives_the_same_as_csv(tmp_path: Path, times: pa.Array) -> None:
    line = LINES.splitlines()[0] + "\n"
    path = tmp_path / "retail.parquet"
    columns = {
        "InvoiceNo": ["536365"],
        "StockCode": ["85123A"],
        "Description": ["WHITE HANGING HEART"],
        "Quantity": [6],
        "InvoiceDate": times,
        "UnitPrice": [2.55],
        "CustomerID": [17850.0],
        "Country": ["United Kingdom"],
    }
    pq.write_table(pa.table(columns), path)
    by_parquet, by_csv = read_onlineretail(path), read_onlineretail(write(tmp_path, line))
    assert list(iter_items(by_parquet.items)) == list(iter_items(by_csv.items))
    assert list(iter_events(by_parquet.events)) == list(iter_events(by_csv.events))


@pytest.mark.parametrize(
    ("lines", "header", "expected"),
    [
        ("", "a,b\n", "the columns InvoiceNo, StockCode, .*, found no InvoiceNo, .* among a, b$"),
        ("", HEADER.replace("UnitPrice", "Price"), ".*, found no UnitPrice among InvoiceNo, "),
        (LINES.replace("LANTERN", "£"), HEADER, "a readable Online Retail file, received: "),
        (LINES.replace(",6,", ",six,"), HEADER, "a readable .*: Could not convert string 'six'"),
        (LINES.replace("12/3/2010 9:00", "gestern"), HEADER, 'a readable .* string "gestern" acc'),
        (LINES + "536365,85123A\n", HEADER, "a readable Online Retail file, received: "),
    ],
)
def test_another_file_is_named(tmp_path: Path, lines: str, header: str, expected: str) -> None:
    encoding = "latin-1" if "£" in lines else "utf-8"
    with pytest.raises(InputError, match=rf"^retail\.csv: expected {expected}"):
        read_onlineretail(write(tmp_path, lines, header, encoding))


def test_a_file_that_is_no_parquet_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "retail.parquet"
    expected = f"^{re.escape(str(path))}: expected the Online Retail file, found none$"
    with pytest.raises(InputError, match=expected):
        read_onlineretail(path)
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(InputError, match=r"^retail\.parquet: expected a readable Online Retail f"):
        read_onlineretail(path)
