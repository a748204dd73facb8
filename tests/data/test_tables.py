"""Rows come back from tables and folders as they went in; what is no such folder is named."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
from data.records import Event, EventType, Item, Judgment
from data.split import Split
from data.tables import (
    EVENT_SCHEMA,
    ITEM_SCHEMA,
    JUDGMENT_SCHEMA,
    conform,
    event_micros,
    events_table,
    items_table,
    iter_events,
    iter_items,
    judgments_table,
    read_tables,
    sort_events,
    write_tables,
)

PHONE = Item(
    "手机-1",
    "星河 智能手机 128GB",
    "折叠屏",
    ("手机", "智能手机"),
    "星河",
    price=3999.0,
    currency="CNY",
    in_stock=False,
    attributes={"颜色": "黑", "size": "128GB"},
    image="a/b.jpg",
    created_time=datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    audio="a/b.wav",
)
VIEW = Event("e1", EventType.VIEW, "v", 1_700_000_000.000001, item_id="手机-1")
SEARCH = Event("e2", EventType.SEARCH, "v", 1_600_000_000.0, query="智能手机")
SHOP = {
    "items": items_table([PHONE, Item("bare")]),
    "events": events_table([VIEW, SEARCH]),
    "judgments": judgments_table([Judgment("智能手机", "手机-1", 2.0)]),
}
SPLIT = Split(1_650_000_000.0, 1_690_000_000.5)

text = st.text(max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
items = st.builds(
    Item,
    item_id=text,
    title=text,
    description=text,
    category=st.lists(text, max_size=3).map(tuple),
    brand=text,
    price=st.none() | finite,
    currency=text,
    in_stock=st.booleans(),
    attributes=st.dictionaries(text, text, max_size=3),
    image=text,
    created_time=st.none() | moments,
    audio=text,
)
micros = st.integers(-(10**15), 4 * 10**15)
events = st.builds(
    Event,
    event_id=text,
    type=st.sampled_from(EventType),
    visitor_id=text,
    time=micros.map(lambda value: value / 1e6),
    item_id=text,
    query=text,
    session_id=text,
    quantity=st.integers(-(2**31), 2**31 - 1),
    price=st.none() | finite,
    rating=st.none() | st.floats(width=32, allow_nan=False),
    text=text,
    surface=text,
    attribution_token=text,
)


@given(st.lists(items, max_size=4))
def test_items_come_back(rows: list[Item]) -> None:
    table = items_table(rows)
    assert table.schema.equals(ITEM_SCHEMA)
    assert list(iter_items(table)) == rows


@given(st.lists(events, max_size=4))
def test_events_come_back(rows: list[Event]) -> None:
    table = events_table(rows)
    assert table.schema.equals(EVENT_SCHEMA)
    assert list(iter_events(table)) == rows


@given(st.lists(st.builds(Judgment, query=text, item_id=text, grade=finite), max_size=4))
def test_judgments_come_back(rows: list[Judgment]) -> None:
    table = judgments_table(rows)
    assert table.schema.equals(JUDGMENT_SCHEMA)
    assert [Judgment(**row) for row in table.to_pylist()] == rows


def test_types_come_back_as_types() -> None:
    (item,) = iter_items(SHOP["items"].slice(0, 1))
    assert (type(item.category), type(item.attributes)) == (tuple, dict)
    assert item.created_time is not None and item.created_time.utcoffset() == timedelta(0)
    assert all(isinstance(event.type, EventType) for event in iter_events(SHOP["events"]))


def test_a_time_is_rounded_to_the_nearest_microsecond() -> None:
    table = events_table([Event("e", EventType.VIEW, "v", 1.000_000_6)])
    assert event_micros(table).tolist() == [1_000_001]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_events_of_the_same_time_keep_their_order(seconds: list[int]) -> None:
    rows = [
        Event(str(position), EventType.VIEW, "v", time) for position, time in enumerate(seconds)
    ]
    ordered = list(iter_events(sort_events(events_table(rows))))
    assert ordered == sorted(rows, key=lambda event: event.time)


def test_conform_fills_what_is_missing() -> None:
    raw = pa.table(
        {
            "title": pa.array(["Milk", None]),
            "item_id": pa.array([17, 18]),
            "category": pa.array([None, ["Dairy"]], pa.list_(pa.string())),
            "in_stock": pa.array([None, False]),
            "price": pa.array([None, 2], pa.int8()),
            "unknown": pa.array([1, 2]),
        }
    )
    table = conform(raw, ITEM_SCHEMA)
    assert table.schema.equals(ITEM_SCHEMA)
    assert list(iter_items(table)) == [
        Item("17", "Milk"),
        Item("18", category=("Dairy",), in_stock=False, price=2.0),
    ]
    bare = pa.table({"type": [2], "time": pa.array([5], pa.timestamp("s"))})
    (event,) = iter_events(conform(bare, EVENT_SCHEMA))
    assert event == Event("", EventType.VIEW, "", 5.0)


@pytest.mark.parametrize("name", ["tables", "x=1"])
def test_a_folder_comes_back(tmp_path: Path, name: str) -> None:
    write_tables(tmp_path / name, **SHOP, split=SPLIT, report={"note": "智能手机", "count": 2})
    tables = read_tables(tmp_path / name)
    assert tables.path == tmp_path / name
    assert tables.items.equals(SHOP["items"])
    assert tables.judgments.equals(SHOP["judgments"])
    assert list(iter_events(tables.events)) == [SEARCH, VIEW]
    assert (tables.split, tables.report) == (SPLIT, {"note": "智能手机", "count": 2})


def test_what_is_known_only_at_the_end_of_the_log_stands_beside_the_items(tmp_path: Path) -> None:
    newest = SHOP["items"].slice(0, 1)
    end = SPLIT.test_from + 100.0
    for items_time, expected in ((end, SPLIT.test_from), (0.0, 0.0)):
        path = tmp_path / "t"
        known = {"items_time": items_time, "newest_items": newest}
        write_tables(path, **SHOP, split=SPLIT, report={}, **known)
        tables = read_tables(path)
        for whole_log, items, time in (
            (False, SHOP["items"], expected),
            (True, newest, items_time),
        ):
            found, found_time = tables.items_known(whole_log=whole_log)
            assert found.equals(items) and found_time == time
    # If no field depends on the log, both states are equal, and ``items_time`` is unchanged.
    write_tables(path, **SHOP, split=SPLIT, report={}, items_time=end)
    for whole_log in (False, True):
        found, found_time = read_tables(path).items_known(whole_log=whole_log)
        assert found.equals(SHOP["items"]) and found_time == end


def test_a_folder_of_empty_tables_comes_back(tmp_path: Path) -> None:
    empty: dict[str, Any] = {name: table.schema.empty_table() for name, table in SHOP.items()}
    write_tables(tmp_path / "t", **empty, split=Split(0, 0), report={})
    tables = read_tables(tmp_path / "t")
    assert (list(iter_items(tables.items)), list(iter_events(tables.events))) == ([], [])


def test_a_report_that_is_no_json_leaves_the_older_folder(tmp_path: Path) -> None:
    write_tables(tmp_path / "t", **SHOP, split=SPLIT, report={"count": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_tables(tmp_path / "t", **SHOP, split=SPLIT, report={"count": float("nan")})
    assert read_tables(tmp_path / "t").report == {"count": 1}
    assert os.listdir(tmp_path) == ["t"]


def test_a_folder_of_something_else_stays(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    with pytest.raises(InputError, match=r"an older one with a tables\.json to replace, received"):
        write_tables(tmp_path, **SHOP, split=SPLIT, report={})
    assert os.listdir(tmp_path) == ["letter"]


def test_what_is_missing_is_named_with_the_way_to_make_it(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    expected = (
        f"{path}: expected a folder of tables, found no tables.json, items.parquet, "
        f"events.parquet, judgments.parquet; `nextclick prepare SOURCE --out {path}` makes one"
    )
    with pytest.raises(InputError, match=f"^{re.escape(expected)}$"):
        read_tables(path)
    write_tables(path, **SHOP, split=SPLIT, report={})
    (path / "events.parquet").unlink()
    with pytest.raises(InputError, match=r"found no events\.parquet; "):
        read_tables(path)


def _rewrite(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        manifest = json.loads((folder / "tables.json").read_text())
        change(manifest)
        (folder / "tables.json").write_text(json.dumps(manifest))

    return rewrite


def _cut(name: str, keep: int) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:keep] + content[keep + 40 :])

    return cut


def _other_columns(folder: Path) -> None:
    pq.write_table(pa.table({"item_id": ["a"], "name": ["b"]}), folder / "items.parquet")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (
            _rewrite(lambda manifest: manifest.update(schema_version=9)),
            "tables of schema 3, received 9; run",
        ),
        (
            _rewrite(lambda manifest: manifest.pop("schema_version")),
            r"readable tables, received KeyError\(",
        ),
        (
            _rewrite(lambda manifest: manifest.pop("report")),
            r"readable tables, received KeyError\(",
        ),
        (
            _rewrite(lambda manifest: manifest["split"].update(until=1)),
            r"readable tables, received TypeError\(",
        ),
        (
            _rewrite(lambda manifest: manifest.update(split=3)),
            r"readable tables, received TypeError\(",
        ),
        (_cut("tables.json", 4), "readable tables, received JSONDecodeError"),
        (_cut("events.parquet", 30), "readable tables, received "),
        (_cut("items.parquet", 900), "readable tables, received "),
        (_other_columns, "the columns item_id, title, .* of schema 3, received item_id, name$"),
    ],
)
def test_a_damaged_folder_is_named(
    tmp_path: Path, damage: Callable[[Path], None], expected: str
) -> None:
    folder = tmp_path / "t"
    write_tables(folder, **SHOP, split=SPLIT, report={})
    damage(folder)
    with pytest.raises(InputError, match=f"^{re.escape(str(folder))}.*: expected {expected}"):
        read_tables(folder)


def test_every_flipped_byte_of_the_footer_is_refused_or_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    write_tables(folder, **SHOP, split=SPLIT, report={})
    content = (folder / "judgments.parquet").read_bytes()
    refused = 0
    for position in range(len(content) - 300, len(content), 4):
        flipped = content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :]
        (folder / "judgments.parquet").write_bytes(flipped)
        try:
            read_tables(folder)
        except InputError:
            refused += 1
    assert refused > 5
