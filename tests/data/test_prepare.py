"""Raw data becomes a folder of tables, whatever the source; wrong options are named at once."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.errors import ConfigError, InputError
from data.prepare import SOURCES, prepare, prepare_items
from data.records import EVENT_TYPE_BY_LABEL, Event, EventType, Impression, Item
from data.sources.own_log import LOG_NAME, event_row, impression_row, open_log
from data.synthetic import END_TIME, synthetic_shop
from data.tables import Tables, event_micros, iter_events, iter_items, read_tables
from serving.state.item_log import ItemLog

DAY = 86_400.0
ITEMS = "item_id,title,category,price\np1,星河 智能手机,手机 > 智能手机,3999\np2, Whole  milk,Dairy,-1\n"
EVENTS = (
    "type,visitor_id,time,item_id,query\n"
    "search,访客,2024-03-01T10:00:00Z,,智能手机\n"
    "view,访客,2024-03-01T10:01:00Z,p1,\n"
    "purchase,访客,2024-03-01T12:00:00Z,p1,\n"
    "view,w,2024-03-02T00:00:00Z,gone,\n"
    "view,w,2024-03-03T00:00:00Z,p2,\n"
    "view,w,2040-03-03T00:00:00Z,p2,\n"
)
NOW = 1_711_929_600.0  # 2024-04-01


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "items.csv").write_text(ITEMS, encoding="utf-8")
    (folder / "events.csv").write_text(EVENTS, encoding="utf-8")
    (folder / "judgments.csv").write_text("query,item_id,grade\n智能手机,p1,2\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthetic shop as a shop's own files."""
    folder = tmp_path_factory.mktemp("made-up")
    shop = synthetic_shop(visitor_count=60)
    assert shop.events is not None
    labels = {type_.value: label for label, type_ in EVENT_TYPE_BY_LABEL.items()}
    types = pa.array([labels[number] for number in shop.events["type"].to_pylist()])
    index = shop.events.column_names.index("type")
    pq.write_table(shop.items, folder / "items.parquet")
    pq.write_table(shop.judgments, folder / "judgments.parquet")
    pq.write_table(shop.events.set_column(index, "type", types), folder / "events.parquet")
    return folder


def tables_of(source: str, path: Path | None, out: Path, **options: Any) -> Tables:
    report = prepare(source, path, out=out, **{"now": NOW, **options})
    tables = read_tables(out)
    assert tables.report == report
    return tables


def test_own_files_become_tables(folder: Path, tmp_path: Path) -> None:
    tables = tables_of("files", folder, tmp_path / "out")
    assert list(iter_items(tables.items)) == [
        Item("p1", "星河 智能手机", category=("手机", "智能手机"), price=3999.0),
        Item("p2", "Whole milk", category=("Dairy",)),
    ]
    events = list(iter_events(tables.events))
    assert [(event.type.label, event.item_id, event.query) for event in events] == [
        ("search", "", "智能手机"),
        ("view", "p1", ""),
        ("purchase", "p1", ""),
        ("view", "p2", ""),
    ]
    begin = 1_709_287_200_000
    assert [event.session_id for event in events] == [
        f"访客@{begin}",
        f"访客@{begin}",
        f"访客@{begin + 7_200_000}",
        "w@1709424000000",
    ]
    assert tables.judgments.to_pylist() == [{"query": "智能手机", "item_id": "p1", "grade": 2.0}]
    assert tables.report["source"] == "files"
    assert tables.report["dropped"] == [
        "emptied the price of 1 of 2 items: outside 0 to 1,000,000,000,000",
        "dropped 1 of 6 events: time before 1990 or in the future",
        "dropped 1 of 6 events: unknown item",
    ]
    # A tenth of the 38 hours before the last event; no session begins soon after.
    assert tables.split.test_from == 1_709_424_000.0 - 3.8 * 3_600
    assert tables.split.rank_from < tables.split.test_from
    assert sorted(os.listdir(tmp_path)) == ["out", "raw"]


def test_the_made_up_shop_comes_through_unchanged(made_up: Path, tmp_path: Path) -> None:
    tables = tables_of("files", made_up, tmp_path / "out", now=END_TIME)
    shop = synthetic_shop(visitor_count=60)
    assert tables.items.equals(shop.items)
    assert tables.events.equals(shop.events)
    assert tables.judgments.equals(shop.judgments)
    report = tables.report
    assert report["losses"] == []
    parts = report["split"]["parts"]
    assert sum(part["event_count"] for part in parts.values()) == tables.events.num_rows
    seconds = event_micros(tables.events) / 1e6
    assert parts["test"]["event_count"] == (seconds >= tables.split.test_from).sum()
    assert report["sessions"]["count"] == len(set(tables.events["session_id"].to_pylist()))


def test_a_map_a_gap_and_a_test_part_are_heeded(folder: Path, tmp_path: Path) -> None:
    (folder / "events.csv").write_text(EVENTS.replace("visitor_id", "client"), encoding="utf-8")
    map_file = tmp_path / "map.toml"
    map_file.write_text('[events]\nvisitor_id = "client"')
    options = {"map_file": map_file, "gap_minutes": 120.0, "test_days": 1.5}
    tables = tables_of("files", folder, tmp_path / "out", **options)
    sessions = [event.session_id for event in iter_events(tables.events)]
    assert sessions[0] == sessions[1] == sessions[2] != sessions[3]
    assert tables.split.test_from == pytest.approx(1_709_424_000.0 - 1.5 * DAY)


def test_the_newest_days_are_those_before_now(folder: Path, tmp_path: Path) -> None:
    tables = tables_of("files", folder, tmp_path / "out", days=1.5)
    assert [event.item_id for event in iter_events(tables.events)] == ["p2"]
    # The event of the far future is dropped and counted, and does not shift the days.
    assert tables.report["dropped"][1:] == [
        "dropped 1 of 3 events: time before 1990 or in the future",
        "dropped 1 of 3 events: unknown item",
    ]


def test_a_share_of_the_visitors_is_a_part_of_a_larger_one(made_up: Path, tmp_path: Path) -> None:
    def visitors(share: float) -> set[str]:
        out = tmp_path / str(share)
        tables = tables_of("files", made_up, out, now=END_TIME, visitor_share=share)
        return set(tables.events["visitor_id"].to_pylist())

    fifth, half, whole = visitors(0.2), visitors(0.5), visitors(1.0)
    assert fifth < half < whole
    assert 4 <= len(fifth) <= 22 and 18 <= len(half) <= 42 and len(whole) == 60
    assert visitors(0.2) == fifth


def test_stages_are_reported_in_order(folder: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    prepare("files", folder, out=tmp_path / "out", now=NOW, progress=stages.append)
    assert stages == ["reading", "cleaning", "finding sessions", "splitting", "writing"]


def _session_file(folder: Path) -> Path:
    (folder / "sessions.txt").write_text("a b\nb 智能手机\n", encoding="utf-8")
    return folder / "sessions.txt"


def _retail_file(folder: Path) -> Path:
    (folder / "retail.csv").write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "536365,85123A,HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "536365,POST,POSTAGE,1,12/1/2010 8:26,2.55,17850,United Kingdom\n"
        "536366,85123A,HEART,6,12/9/2010 8:26,2.55,17850,United Kingdom\n"
    )
    return folder / "retail.csv"


def _log_folder(folder: Path) -> Path:
    with closing(open_log(folder / LOG_NAME, read_only=False)) as log:
        for number, item_id in enumerate(["a", "智能手机", "a"]):
            event = Event(str(number), EventType.VIEW, "v", 1.7e9 + number * DAY, item_id)
            columns = "kind, entry_id, time, body, features, checksum"
            log.execute(f"INSERT INTO entries ({columns}) VALUES (?,?,?,?,?,?)", event_row(event))
    return folder


@pytest.mark.parametrize(
    ("source", "make", "items", "event_count", "dropped"),
    [
        ("sessions", _session_file, ["a", "b", "智能手机"], 4, []),
        ("own_log", _log_folder, ["a", "智能手机"], 3, []),
        (
            "onlineretail",
            _retail_file,
            ["85123A"],
            2,
            ["dropped 1 of 3 events: not a product"],
        ),
    ],
)
def test_every_source_makes_tables(
    tmp_path: Path,
    source: str,
    make: Callable[[Path], Path],
    items: list[str],
    event_count: int,
    dropped: list[str],
) -> None:
    (tmp_path / "raw").mkdir()
    tables = tables_of(source, make(tmp_path / "raw"), tmp_path / "out")
    assert [item.item_id for item in iter_items(tables.items)] == items
    assert tables.events.num_rows == event_count
    assert tables.report["dropped"] == dropped
    assert tables.report["source"] == source


@pytest.mark.slow
def test_the_newest_days_of_the_grocer_make_tables(tmp_path: Path) -> None:
    tables = tables_of("completejourney", None, tmp_path / "out", days=20, visitor_share=0.1)
    assert tables.items.num_rows == 92_331
    assert 1_000 < tables.events.num_rows < 20_000


def test_an_older_folder_is_replaced_and_another_is_not(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare("files", folder, out=out, now=NOW)
    assert tables_of("sessions", _session_file(folder), out).events.num_rows == 4
    stages: list[str] = []
    with pytest.raises(InputError, match="^.*raw: expected nothing, an empty folder, or an older"):
        prepare("files", folder, out=folder, now=NOW, progress=stages.append)
    assert stages == []
    assert (folder / "items.csv").read_text(encoding="utf-8") == ITEMS


def test_a_failure_leaves_the_older_folder(folder: Path, tmp_path: Path) -> None:
    before = tables_of("files", folder, tmp_path / "out")
    (folder / "events.csv").write_text("type,visitor_id,time,item_id\nlook,v,5,p1\n")
    with pytest.raises(InputError, match=r"^events\.csv, row 1, type: expected one of search, "):
        prepare("files", folder, out=tmp_path / "out", now=NOW)
    after = read_tables(tmp_path / "out")
    assert after.events.equals(before.events) and after.report == before.report
    assert sorted(os.listdir(tmp_path)) == ["out", "raw"]


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        ("mail", {}, f"source: expected one of {', '.join(SOURCES)}, received 'mail'"),
        ("files", {"path": None}, "files: expected a path, a folder with items.*, and events.* or"),
        ("sessions", {"path": None}, "sessions: expected a path, a file, one session a line, rec"),
        ("completejourney", {}, "completejourney: expected no path, received 'raw'"),
        ("sessions", {"map_file": Path("m")}, "sessions: expected no column map, received 'm'"),
        ("files", {"days": 0.0}, "days: expected more than 0, received 0.0"),
        ("files", {"days": float("nan")}, "days: expected more than 0, received nan"),
        ("files", {"visitor_share": 0.0}, "visitor_share: expected above 0 to 1, received 0.0"),
        ("files", {"visitor_share": 1.5}, "visitor_share: expected above 0 to 1, received 1.5"),
    ],
)
def test_a_wrong_option_is_named_before_anything_is_read(
    tmp_path: Path, source: str, options: dict[str, Any], expected: str
) -> None:
    path = options.pop("path", Path("raw"))
    with pytest.raises(ConfigError, match=f"^{re.escape(expected)}"):
        prepare(source, path, out=tmp_path / "out", now=NOW, **options)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"gap_minutes": 0.0}, "gap_minutes: expected more than 0, received 0.0"),
        ({"test_days": 99.0}, "test_days: expected less than the 1.6 days of the log, received 99"),
    ],
)
def test_an_option_that_does_not_fit_the_log_is_named(
    folder: Path, tmp_path: Path, options: dict[str, float], expected: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(expected)}"):
        prepare("files", folder, out=tmp_path / "out", now=NOW, **options)
    assert os.listdir(tmp_path) == ["raw"]


def test_a_shop_without_a_clean_item_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.mkdir()
    (path / "events.csv").write_text("type,visitor_id,time,query\nsearch,v,5,milk\n")
    expected = "^files: expected at least one item, received none that is clean$"
    with pytest.raises(InputError, match=expected):
        prepare("files", path, out=tmp_path / "out", now=NOW)
    with closing(open_log(path / LOG_NAME, read_only=False)):
        pass
    with pytest.raises(InputError, match="^own_log: expected at least one item, received none"):
        prepare("own_log", path, out=tmp_path / "out", now=NOW)


def test_a_log_goes_on_from_earlier_tables(folder: Path, tmp_path: Path) -> None:
    before = tables_of("files", folder, tmp_path / "out")
    log = tmp_path / "log"
    log.mkdir()
    known = list(iter_events(before.events))
    news = [
        Event(f"new-{number}", EventType.VIEW, "w", known[-1].time + number * 60, item_id)
        for number, item_id in enumerate(["p2", "p1", "gone"], start=40)
    ]
    with closing(open_log(log / LOG_NAME, read_only=False)) as file:
        columns = "kind, entry_id, time, body, features, checksum"
        for event in [known[-1], *news]:
            file.execute(f"INSERT INTO entries ({columns}) VALUES (?,?,?,?,?,?)", event_row(event))
    # The folder that is gone on from may be the one that is replaced.
    after = tables_of("own_log", log, tmp_path / "out", base=tmp_path / "out")
    assert after.items.equals(before.items)
    assert after.judgments.equals(before.judgments)
    events = list(iter_events(after.events))
    assert events[:-2] == known
    assert [event.event_id for event in events[-2:]] == ["new-40", "new-41"]
    assert len({event.session_id for event in events[-2:]} - {known[-1].session_id}) == 1
    assert after.report["dropped"] == [
        "dropped 1 of 8 events: unknown item",
        "dropped 1 of 8 events: repeated event id",
    ]


def test_tables_name_the_last_entry_read_of_each_log_that_they_come_from(
    folder: Path, tmp_path: Path
) -> None:
    def checksum(log: Path, sequence: int) -> int:
        with closing(sqlite3.connect(log / LOG_NAME)) as file:
            statement = "SELECT checksum FROM entries WHERE sequence = ?"
            return int(file.execute(statement, (sequence,)).fetchone()[0])

    assert tables_of("files", folder, tmp_path / "files").log_positions == ()
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    ours, other = _log_folder(tmp_path / "ours"), tmp_path / "other"
    first = tables_of("own_log", ours, tmp_path / "first")
    assert first.log_positions == ((3, checksum(ours, 3)),)
    # Impressions follow the last event, and are no part of the tables.
    events = [Event(f"o{n}", EventType.VIEW, "w", 1.7e9 + n, "a") for n in range(2)]
    shown = Impression("token", "w", 1.7e9, "home", "", "bundle", ("a",))
    rows = [*map(event_row, events), impression_row(shown)]
    with closing(open_log(other / LOG_NAME, read_only=False)) as file:
        columns = "kind, entry_id, time, body, features, checksum"
        for row in rows:
            file.execute(f"INSERT INTO entries ({columns}) VALUES (?,?,?,?,?,?)", row)
    both = ((3, checksum(ours, 3)), (2, checksum(other, 2)))
    second = tables_of("own_log", other, tmp_path / "second", base=tmp_path / "first")
    assert second.log_positions == both
    third = tables_of("own_log", other, tmp_path / "third", base=tmp_path / "second")
    assert third.log_positions == both
    with_files = tables_of("files", folder, tmp_path / "fourth", base=tmp_path / "third")
    assert with_files.log_positions == both
    # An older folder of tables names none.
    path = tmp_path / "third" / "tables.json"
    manifest = json.loads(path.read_text())
    del manifest["log_positions"]
    path.write_text(json.dumps(manifest))
    assert read_tables(tmp_path / "third").log_positions == ()


def test_live_changes_of_items_override_the_earlier_items(folder: Path, tmp_path: Path) -> None:
    before = tables_of("files", folder, tmp_path / "base")
    old = {item.item_id: item for item in iter_items(before.items)}
    log = tmp_path / "log"
    log.mkdir()
    open_log(log / LOG_NAME, read_only=False).close()
    told = Item("new", "A newcomer", category=("Toys",), attributes={"colour": "red"})
    items = ItemLog(log / "items.sqlite")
    items.put([told, replace(old["p1"], price=1.25)], NOW - 20)
    items.delete(["p2"], NOW - 10)
    items.close()
    after = tables_of("own_log", log, tmp_path / "out", base=tmp_path / "base")
    newest, items_time = after.items_known(whole_log=True)
    assert {item.item_id: item for item in iter_items(newest)} == {
        **{name: item for name, item in old.items() if name != "p2"},
        "p1": replace(old["p1"], price=1.25),
        "new": told,
    }
    # All changes up to now are in the tables; a server need apply later changes only.
    assert items_time == NOW


def test_training_before_the_test_part_does_not_know_the_changes_made_in_it(
    folder: Path, tmp_path: Path
) -> None:
    before = tables_of("files", folder, tmp_path / "base")
    old = {item.item_id: item for item in iter_items(before.items)}
    test_from, end = before.split.test_from, event_micros(before.events)[-1] / 1e6
    log = tmp_path / "log"
    log.mkdir()
    open_log(log / LOG_NAME, read_only=False).close()
    items = ItemLog(log / "items.sqlite")
    early, late = replace(old["p1"], price=1.0), replace(old["p2"], title="Later", price=2.0)
    newcomer = Item("new", "A newcomer", category=("Toys",), price=3.0)
    items.put([early], test_from - 1)
    items.put([late], test_from)
    items.put([newcomer], end)
    items.close()
    after = tables_of("own_log", log, tmp_path / "out", base=tmp_path / "base")
    assert after.split == before.split
    known, known_time = after.items_known(whole_log=False)
    assert {item.item_id: item for item in iter_items(known)} == {
        "p1": early,
        "p2": old["p2"],
        "new": replace(newcomer, price=None),
    }
    # A server of such a bundle applies all changes made from then on again.
    assert known_time == test_from
    newest, newest_time = after.items_known(whole_log=True)
    assert {item.item_id: item for item in iter_items(newest)} == {
        "p1": early,
        "p2": late,
        "new": newcomer,
    }
    assert newest_time == NOW
    assert after.report["items"]["known_later"] == {
        "price_first_known_count": 2,
        "title_changed_count": 1,
        "price_changed_count": 2,
    }
    # Going on from these tables, neither is mistaken for the other.
    again = tables_of("own_log", log, tmp_path / "next", base=tmp_path / "out")
    assert again.items.equals(after.items)
    assert again.newest_items is not None and again.newest_items.equals(newest)


def test_an_export_with_a_later_time_overrides_live_changes(folder: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("told", "untold")):
        told = {"items_time": NOW - 50} if name == "told" else {}
        base = tables_of("files", folder, tmp_path / name, **told)
        assert base.items_time == (NOW - 50 if told else 0.0)
        log = tmp_path / f"log{number}"
        log.mkdir()
        open_log(log / LOG_NAME, read_only=False).close()
        items = ItemLog(log / "items.sqlite")
        items.put([Item("p1", "Older than the export", price=1.0)], NOW - 60)
        items.put([Item("p2", "Newer than the export", price=2.0)], NOW - 40)
        items.close()
        after = tables_of("own_log", log, tmp_path / "out", base=tmp_path / name)
        titles = {
            item.item_id: item.title for item in iter_items(after.items_known(whole_log=True)[0])
        }
        assert titles == {
            "p1": "星河 智能手机" if told else "Older than the export",
            "p2": "Newer than the export",
        }


def test_items_made_from_ids_alone_override_no_live_change(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    tables = tables_of("own_log", _log_folder(tmp_path / "raw"), tmp_path / "out")
    # Otherwise live changes of titles would be lost with the next bundle.
    assert tables.items_time == 0.0


def test_prices_of_invoices_come_from_before_the_test_part(tmp_path: Path) -> None:
    lines = [
        f"{5000 + day},{10_000 + day % 3},A NAME,1,12/{day + 1}/2010 8:26,{day + 1},17850,UK\n"
        for day in range(20)
    ]
    lines.append("6000,20000,NEWCOMER,1,12/20/2010 8:30,7,17850,UK\n")
    path = tmp_path / "retail.csv"
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    path.write_text(header + "".join(lines))
    tables = tables_of("onlineretail", path, tmp_path / "out", test_days=4.5)
    # Days 16 to 20 are withheld: each item was last sold before that on days 13 to 15.
    assert {item.item_id: item.price for item in iter_items(tables.items)} == {
        "10000": 13.0,
        "10001": 14.0,
        "10002": 15.0,
        "20000": None,
    }
    assert tables.newest_items is not None
    assert {item.item_id: item.price for item in iter_items(tables.newest_items)} == {
        "10000": 19.0,
        "10001": 20.0,
        "10002": 18.0,
        "20000": 7.0,
    }
    assert tables.report["items"]["known_later"] == {
        "price_first_known_count": 1,
        "price_changed_count": 4,
        "created_time_changed_count": 1,
    }


def test_newer_items_and_grades_replace_earlier_ones(folder: Path, tmp_path: Path) -> None:
    before = tables_of("files", folder, tmp_path / "base")
    (folder / "items.csv").write_text("item_id,title\np1,Renamed\n", encoding="utf-8")
    (folder / "events.csv").unlink()
    (folder / "judgments.csv").write_text("query,item_id,grade\n智能手机,p1,5\nq,p1,1\n", "utf-8")
    after = tables_of("files", folder, tmp_path / "out", base=tmp_path / "base")
    assert list(iter_items(after.items)) == [Item("p1", "Renamed")]
    grades = {row["query"]: row["grade"] for row in after.judgments.to_pylist()}
    assert grades == {"智能手机": 5.0, "q": 1.0}
    # The view of p2 goes with the item.
    assert after.events.num_rows == before.events.num_rows - 1
    with pytest.raises(InputError, match="none: expected a folder of tables, found no tables.json"):
        prepare("files", folder, out=tmp_path / "out", now=NOW, base=tmp_path / "none")


def test_items_alone_are_those_of_the_whole(folder: Path, tmp_path: Path) -> None:
    tables = tables_of("files", folder, tmp_path / "out")
    items, items_time = prepare_items(folder / "items.csv", now=NOW)
    assert items.equals(tables.items)
    # Whatever the file's own time is: a copy has another.
    for file_time in (NOW - 50, NOW + 50):
        os.utime(folder / "items.csv", (file_time, file_time))
        assert prepare_items(folder / "items.csv", now=NOW)[1] == items_time == 0.0
        assert tables_of("files", folder, tmp_path / "out").items_time == 0.0
    assert prepare_items(folder / "items.csv", now=NOW, items_time=NOW - 50)[1] == NOW - 50
    again = tables_of("files", folder, tmp_path / "out", items_time=NOW - 70)
    assert prepare_items(tmp_path / "out", now=NOW)[0].equals(again.items)
    assert prepare_items(tmp_path / "out", now=NOW)[1] == again.items_time == NOW - 70
    with pytest.raises(
        ConfigError, match=r"^items_time: expected 0 to now, 17\d+, received 17\d+$"
    ):
        prepare_items(folder / "items.csv", now=NOW, items_time=NOW + 1)
    with pytest.raises(ConfigError, match="^own_log: expected no items_time, received 5"):
        prepare("own_log", folder, out=tmp_path / "out", now=NOW, items_time=5.0)
    map_file = tmp_path / "map.toml"
    map_file.write_text('[items]\nbrand = "title"')
    named, _ = prepare_items(folder / "items.csv", now=NOW, map_file=map_file)
    assert named["brand"].to_pylist() == ["星河 智能手机", "Whole milk"]
    with pytest.raises(InputError, match="raw: expected a file of items, each .csv, "):
        prepare_items(folder, now=NOW)
