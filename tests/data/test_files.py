"""A folder of own files becomes a shop; what is not as the contract says is named."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import ConfigError, InputError
from data.records import Event, EventType, Item
from data.sources.files import read_files, read_items_file
from data.tables import RawShop, iter_events, iter_items

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
ITEMS = "item_id,title,category,price\np1,智能手机,手机 > 智能手机,3999\np2,Milk,Dairy|Milk,1.5\n"
EVENTS = "type,visitor_id,time,item_id\nview,v1,2024-02-29T12:00:00Z,p1\n"


def shop(folder: Path, column_map: str | None = None, **files: str) -> RawShop:
    """The shop of files by name; ``items`` alone is ``items.csv``."""
    folder = folder / "shop"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        name, _, ending = name.partition("_")
        (folder / f"{name}.{ending or 'csv'}").write_text(content, encoding="utf-8")
    if column_map is None:
        return read_files(folder)
    path = folder.parent / "map.toml"
    path.write_text(column_map, encoding="utf-8")
    return read_files(folder, path)


def rows(raw: RawShop) -> tuple[list[Item], list[Event]]:
    items = [] if raw.items is None else list(iter_items(raw.items))
    return items, [] if raw.events is None else list(iter_events(raw.events))


def test_every_field_arrives(tmp_path: Path) -> None:
    raw = shop(
        tmp_path,
        items=(
            "item_id,title,description,category,brand,price,currency,in_stock,image,created_time,"
            "attributes,attributes.colour\n"
            "手机-1,星河 手机,折叠屏,手机 > 智能手机,星河,3999.00,CNY,no,a.jpg,2024-02-29T20:00+08:00,"
            '"{""size"": ""128GB""}",黑\n'
        ),
        events=(
            "event_id,type,visitor_id,time,item_id,query,session_id,quantity,price,rating,text,"
            "surface,attribution_token\n"
            "e1,review,访客,1709208000.25,手机-1,手机,s1,2,3888.5,4.5,好用,item,t1\n"
        ),
        judgments="query,item_id,grade\n智能手机,手机-1,2.5\n",
    )
    items, events = rows(raw)
    assert items == [
        Item(
            "手机-1",
            "星河 手机",
            "折叠屏",
            ("手机", "智能手机"),
            "星河",
            3999.0,
            "CNY",
            in_stock=False,
            attributes={"size": "128GB", "colour": "黑"},
            image="a.jpg",
            created_time=datetime(2024, 2, 29, 12, tzinfo=UTC),
        )
    ]
    assert events == [
        Event(
            event_id="e1",
            type=EventType.REVIEW,
            visitor_id="访客",
            time=NOON + 0.25,
            item_id="手机-1",
            query="手机",
            session_id="s1",
            quantity=2,
            price=3888.5,
            rating=4.5,
            text="好用",
            surface="item",
            attribution_token="t1",
        )
    ]
    assert raw.judgments is not None
    assert raw.judgments.to_pylist() == [{"query": "智能手机", "item_id": "手机-1", "grade": 2.5}]
    note = "items.csv, image: 1 items name a picture; not usable: 1 no such file"
    assert (raw.notes, dict(raw.dropped)) == ((note,), {})


def test_bare_files_get_defaults_and_notes(tmp_path: Path) -> None:
    raw = shop(tmp_path, items="item_id,shelf\np1,7\n", events=EVENTS)
    items, (event,) = rows(raw)
    assert items == [Item("p1")]
    assert (event.quantity, event.price, event.session_id) == (1, None, "")
    assert raw.judgments is None
    assert raw.notes == ("items.csv: columns not used: shelf",)


def test_events_alone_make_a_shop(tmp_path: Path) -> None:
    raw = shop(tmp_path, events_tsv=EVENTS.replace(",", "\t"))
    assert raw.items is None
    assert raw.notes == ("no items.*: each item id of an event became an item without a title",)


def test_a_search_log_needs_no_item_ids(tmp_path: Path) -> None:
    lines = '{"type": "search", "visitor_id": "v", "time": 5, "query": "智能手机"}\n'
    (event,) = rows(shop(tmp_path, events_jsonl=lines))[1]
    assert (event.type, event.query, event.item_id) == (EventType.SEARCH, "智能手机", "")


def test_the_same_shop_in_every_format(tmp_path: Path) -> None:
    by_csv = rows(shop(tmp_path, items=ITEMS))
    folder = tmp_path / "parquet"
    folder.mkdir()
    table = pa.table(
        {
            "item_id": pa.array(["p1", "p2"], pa.large_string()),
            "title": pa.array(["智能手机", "Milk"]).dictionary_encode(),
            "category": [["手机", "智能手机"], ["Dairy", "Milk"]],
            "price": pa.array([3999, 1.5]),
        }
    )
    pq.write_table(table, folder / "items.parquet")
    assert rows(read_files(folder)) == by_csv
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "items.csv.gz").write_bytes(gzip.compress(ITEMS.encode()))
    assert rows(read_files(packed)) == by_csv


def test_a_map_renames_columns_and_types(tmp_path: Path) -> None:
    raw = shop(
        tmp_path,
        """
        [items]
        item_id = "sku"
        title = "名称"
        attributes.colour = "Farbe"
        [events]
        type = "action"
        visitor_id = "client"
        time = "ts"
        [judgments]
        grade = "relevance"
        [event_types]
        clicked = "view"
        """,
        items="sku,名称,title,Farbe\np1,手机,not this,rot\n",
        events="action,client,ts,item_id\nclicked,v,5,p1\npurchase,v,6,p1\n",
        judgments="query,item_id,relevance\nq,p1,1\n",
    )
    items, events = rows(raw)
    assert items == [Item("p1", "手机", attributes={"colour": "rot"})]
    assert [event.type for event in events] == [EventType.VIEW, EventType.PURCHASE]
    assert raw.notes == ("items.csv: columns not used: title",)


def test_events_without_ids_get_lasting_ones(tmp_path: Path) -> None:
    line = "view,v1,2024-02-29T12:00:00Z,p1\n"
    once = [event.event_id for event in rows(shop(tmp_path, events=EVENTS + line))[1]]
    longer = EVENTS + line + line.replace("p1", "p2")
    again = [event.event_id for event in rows(shop(tmp_path, events=longer))[1]]
    assert again[:2] == once
    assert len(set(again)) == 3
    other = rows(shop(tmp_path, events=EVENTS.replace("p1", "p3")))[1]
    assert other[0].event_id not in again


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "shop: expected items.* or events.*, each .csv, .csv.gz, .tsv, "),
        ({"judgments": "query,item_id,grade\nq,p,1\n"}, "shop: expected items.* or events.*, "),
        (
            {"items": ITEMS, "items_tsv": "item_id\np1\n"},
            "shop: expected one file of items, received items.csv and items.tsv",
        ),
        (
            {"items": "product_id,title\np1,x\n"},
            "items.csv: expected a column item_id, received product_id, title (did you mean "
            'product_id?); a column map renames columns: [items] item_id = "…"',
        ),
        (
            {"events": "type,time,item_id\nview,5,p\n"},
            "events.csv: expected a column visitor_id, received type, time, item_id; a column map",
        ),
        ({"events": "type,visitor_id,item_id\nview,v,p\n"}, "events.csv: expected a column time, "),
        ({"events": "visitor_id,time,item_id\nv,5,p\n"}, "events.csv: expected a column type, "),
        ({"events": "type,visitor_id,time\nview,v,5\n"}, "events.csv: expected a column item_id, "),
        (
            {"items": ITEMS, "judgments": "query,item_id\nq,p1\n"},
            "judgments.csv: expected a column grade, received query, item_id; a column map",
        ),
        (
            {"items": ITEMS + f"{'x' * 173},x,,1\n"},
            "items.csv, row 3, item_id: expected at most 128 characters, received 173",
        ),
        (
            {"items": ITEMS + '"p\n3",x,,1\n'},
            r"items.csv, row 3, item_id: expected no control characters, received 'p\n3'",
        ),
        (
            {"items_jsonl": '{"item_id": "p\\u0085"}\n{"item_id": "p\\u0085q"}\n'},
            r"items.jsonl, row 2, item_id: expected no control characters, received 'p\x85q'",
        ),
        (
            {"items": ITEMS, "events": EVENTS + 'view,"v\n1",5,p1\n'},
            r"events.csv, row 2, visitor_id: expected no control characters, received 'v\n1'",
        ),
        (
            {"items": ITEMS, "events": EVENTS + f"view,v1,5,{'p' * 129}\n"},
            "events.csv, row 2, item_id: expected at most 128 characters, received 129",
        ),
        (
            {"items": ITEMS, "judgments": 'query,item_id,grade\nq,"p\t1",1\n'},
            r"judgments.csv, row 1, item_id: expected no control characters, received 'p\t1'",
        ),
        (
            {"items": ITEMS + "p3,x,,cheap\n"},
            "items.csv, row 3, price: expected a number, received 'cheap'",
        ),
        (
            {"items": ITEMS + "p1,again,,1\n"},
            "items.csv, row 3, item_id: expected an id that no item before it has, received 'p1'",
        ),
        (
            {"items": ITEMS + " ,none,,1\n"},
            "items.csv, row 3, item_id: expected a text, received ' '",
        ),
        (
            {"events": EVENTS + "look,v1,6,p1\nbuy,v1,6,p1\n"},
            "events.csv, row 2, type: expected one of search, view, favorite, unfavorite, "
            "add_to_cart, remove_from_cart, purchase, review, return, received 'look'",
        ),
        (
            {"events": EVENTS + "impression,v1,6,p1\n"},
            "events.csv, row 2, type: expected one of search, ",
        ),
        (
            {"events": EVENTS + "view,v1,,p1\n"},
            "events.csv, row 2, time: expected a time, received None",
        ),
        (
            {"events": EVENTS + "view,v1,gestern,p1\n"},
            "events.csv, row 2, time: expected an ISO 8601 time or seconds since 1970, received",
        ),
        (
            {"events": "event_id,type,visitor_id,time,item_id\n,view,v,5,p\n"},
            "events.csv, row 1, event_id: expected a text, received None",
        ),
        (
            {"events": "type,visitor_id,time,item_id,quantity\nview,v,5,p,2.5\n"},
            "events.csv, row 1, quantity: expected a whole number, received '2.5'",
        ),
        (
            {"items": ITEMS, "judgments": "query,item_id,grade\nq,p1,good\n"},
            "judgments.csv, row 1, grade: expected a number, received 'good'",
        ),
        (
            {"items": ITEMS, "judgments": "query,item_id,grade\nq,p1,\n"},
            "judgments.csv, row 1, grade: expected a number, received None",
        ),
        ({"items": "item_id\n"}, "items.csv: expected at least one row, received none"),
        ({"items": ""}, "items.csv: expected a header line, received an empty file"),
    ],
)
def test_what_is_not_as_the_contract_says_is_named(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    pattern = f"^{re.escape(str(tmp_path))}/" if expected.startswith("shop") else "^"
    with pytest.raises(InputError, match=pattern + re.escape(expected)):
        shop(tmp_path, **files)


def test_a_renamed_column_is_named_by_both_names(tmp_path: Path) -> None:
    column_map = '[items]\nprice = "Preis"\nattributes.colour = "Farbe"'
    with pytest.raises(
        InputError, match=re.escape("items.csv, row 1, price (column 'Preis'): exp")
    ):
        shop(tmp_path, column_map, items="item_id,Preis,Farbe\np1,billig,rot\n")
    expected = (
        "items.csv: expected a column Farbe, received item_id, Preis, Farben (did you mean "
        'Farben?); a column map renames columns: [items] attributes.colour = "…"'
    )
    with pytest.raises(InputError, match=f"^{re.escape(expected)}$"):
        shop(tmp_path, column_map, items="item_id,Preis,Farben\np1,1,rot\n")
    with pytest.raises(InputError, match="expected a column Preis, received item_id, price"):
        shop(tmp_path, '[items]\nprice = "Preis"', items="item_id,price\np1,1\n")


def test_a_type_of_the_map_is_among_the_expected(tmp_path: Path) -> None:
    column_map = '[event_types]\nclicked = "view"'
    with pytest.raises(InputError, match="review, return, clicked, received 'look'$"):
        shop(tmp_path, column_map, events=EVENTS.replace("view", "look"))


def test_a_map_is_read_before_the_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^map\.toml, section: expected one of "):
        shop(tmp_path, "[goods]", items=ITEMS)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.csv"
    expected = f"^{re.escape(str(path))}: expected a folder with items.* and events.*, received "
    with pytest.raises(InputError, match=expected + "none$"):
        read_files(path)
    path.write_text(ITEMS)
    with pytest.raises(InputError, match=expected + "a file; move it into a folder of its own$"):
        read_files(path)


def test_a_file_of_items_alone(tmp_path: Path) -> None:
    by_folder = rows(shop(tmp_path, items=ITEMS))[0]
    path = tmp_path / "renewed.tsv"
    path.write_text(ITEMS.replace(",", "\t").replace("title", "名称"), encoding="utf-8")
    map_file = tmp_path / "map.toml"
    map_file.write_text('[items]\ntitle = "名称"', encoding="utf-8")
    assert list(iter_items(read_items_file(path, map_file).items)) == by_folder
    path.write_text("sku\nx\n")
    with pytest.raises(InputError, match=r"^renewed\.tsv: expected a column item_id, received "):
        read_items_file(path)
    path.unlink()
    expected = f"^{re.escape(str(path))}: expected a file of items, each .csv, .*; found none$"
    with pytest.raises(InputError, match=expected):
        read_items_file(path)
