"""The server's log of live catalogue changes: file format, rows, and reader.

One SQLite file, written by ``serving.state.item_log``, with the newest change of each item.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.records import Item, ItemChange

ITEM_LOG_NAME = "items.sqlite"
"""Name of the file in the state folder of a server."""

_APPLICATION_ID = 0x6E636C69
_NAMES = tuple(field.name for field in fields(Item) if field.name != "predicted")
_SCHEMA = """
CREATE TABLE changes (
    item_id TEXT PRIMARY KEY,
    time    REAL NOT NULL,     -- seconds since 1970, UTC
    body    TEXT               -- JSON of the item; NULL: it was taken out
)
"""


def open_item_log(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to the log, which is created if it does not exist, unless ``read_only``.

    Raises:
        InputError: The file does not exist, is damaged, or is not an item log.
    """
    mode = "ro" if read_only else "rwc"
    try:
        file = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise item_log_damage(path.name, error) from error
    try:
        if not read_only:
            file.execute("PRAGMA journal_mode = WAL")
            if not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                file.execute("BEGIN IMMEDIATE")
                file.execute(_SCHEMA)
                file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                file.execute("COMMIT")
        found = file.execute("PRAGMA application_id").fetchone()[0]
        if found != _APPLICATION_ID:
            raise InputError(
                f"{path.name}: expected a log of items (application {_APPLICATION_ID:#x}), "
                f"received application {found:#x}"
            )
    except sqlite3.Error as error:
        file.close()
        raise item_log_damage(path.name, error) from error
    except InputError:
        file.close()
        raise
    return file


def read_changes(
    file: sqlite3.Connection, name: str, *, since: float = float("-inf")
) -> Iterator[tuple[str, ItemChange]]:
    """The newest change of each item from a time on, oldest first.

    Args:
        file: From ``open_item_log``.
        name: Of the file, for errors.
        since: Seconds since 1970.

    Raises:
        InputError: A row cannot be read.
    """
    statement = "SELECT item_id, time, body FROM changes WHERE time >= ? ORDER BY time, rowid"
    try:
        rows = file.execute(statement, (since,)).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise item_log_damage(name, error) from error
    for number, (item_id, time, body) in enumerate(rows, 1):
        try:
            yield item_id, ItemChange(time, None if body is None else _item(json.loads(body)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError.at(name, number, "body", "an item", str(error)) from error


def read_live_items(state: Path) -> dict[str, ItemChange]:
    """The newest change of each item in a state folder; empty without a log."""
    path = state / ITEM_LOG_NAME
    if not path.is_file():
        return {}
    with closing(open_item_log(path, read_only=True)) as file:
        return dict(read_changes(file, path.name))


def item_body(item: Item) -> str:
    """An item as the JSON text stored in the file."""
    created = item.created_time
    # By name, not by ``dataclasses.asdict``, which copies every value and takes most of the time.
    values: dict[str, Any] = {name: getattr(item, name) for name in _NAMES}
    values["attributes"] = dict(item.attributes)
    values["created_time"] = created.isoformat() if created else None
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def item_log_damage(name: str, error: Exception) -> InputError:
    """The error to raise when SQLite cannot read the file."""
    return InputError(f"{name}: expected a log of items, received: {error}")


def _item(values: Mapping[str, Any]) -> Item:
    created = values["created_time"]
    return Item(
        **{
            **values,
            "category": tuple(values["category"]),
            "created_time": datetime.fromisoformat(created) if created else None,
        }
    )
