"""The log of live catalogue changes gives back what it was told, and refuses what is none."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.errors import InputError, OverloadError
from data.records import Item
from serving.state.item_log import ItemLog

FULL = Item(
    "手机-1",
    "智能手机",
    "折叠",
    ("手机", "智能手机"),
    "云帆",
    4999.5,
    "CNY",
    False,
    {"颜色": "黑"},
    "a.png",
    datetime(2024, 5, 1, 12, tzinfo=UTC),
)


def test_the_newest_change_of_each_item_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "items.sqlite"
    log = ItemLog(path)
    log.put([FULL, Item("b", "old")], 10.0)
    log.put([Item("b", "new"), Item("c")], 20.0)
    log.delete(["c", "never-was"], 30.0)
    log.close()
    again = ItemLog(path)
    assert list(again.since(0.0)) == [
        ("手机-1", FULL),
        ("b", Item("b", "new")),
        ("c", None),
        ("never-was", None),
    ]
    assert [item_id for item_id, _ in again.since(20.0)] == ["b", "c", "never-was"]
    again.close()


def test_a_closed_log_says_that_it_is_closed_and_not_that_it_is_damaged(tmp_path: Path) -> None:
    log = ItemLog(tmp_path / "items.sqlite")
    log.close()
    for ask in (lambda: log.put([FULL], 1.0), lambda: list(log.since(0.0))):
        with pytest.raises(OverloadError, match="^item log: expected an open log, received a call"):
            ask()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match=r"^items\.sqlite: expected a log of items, received: "):
        ItemLog(path)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as file:
        file.execute("CREATE TABLE t (x)")
    file.close()
    with pytest.raises(InputError, match=r"^other\.sqlite: expected a log of items \(application"):
        ItemLog(other)


def test_a_row_that_is_no_item_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.sqlite"
    log = ItemLog(path)
    log.put([Item("a")], 1.0)
    log.close()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE changes SET body = '{\"item_id\": 3'")
    file.close()
    again = ItemLog(path)
    with pytest.raises(InputError, match=r"^items\.sqlite, row 1, body: expected an item"):
        list(again.since(0.0))
    again.close()
