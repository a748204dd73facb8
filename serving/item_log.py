"""The durable record of live catalogue changes: what a restarted server applies once more."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from data.errors import InputError, OverloadError
from data.records import Item

NAME = "items.sqlite"
"""Name of the file in the state folder of a server."""

_APPLICATION_ID = 0x6E636C69
_SCHEMA = """
CREATE TABLE changes (
    item_id TEXT PRIMARY KEY,
    time    REAL NOT NULL,     -- seconds since 1970, UTC
    body    TEXT               -- JSON of the item; NULL: it was taken out
)
"""


class ItemLog:
    """The newest change of each item, in one SQLite file, which is made if it is not there.

    Args:
        path: The file; its folder must exist.

    Raises:
        InputError: The file is damaged or something else.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._name = path.name
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._check_or_create()
        except sqlite3.Error as error:
            raise self._damage(error) from error

    def put(self, items: Sequence[Item], time: float) -> None:
        """Writes added or changed items and returns once they are on disk."""
        self._write([(item.item_id, time, _body(item)) for item in items])

    def delete(self, item_ids: Sequence[str], time: float) -> None:
        """Writes that items were taken out and returns once that is on disk."""
        self._write([(item_id, time, None) for item_id in item_ids])

    def since(self, time: float) -> Iterator[tuple[str, Item | None]]:
        """The newest change of each item from ``time`` on, oldest first; None: taken out.

        Raises:
            InputError: A row cannot be read.
        """
        statement = "SELECT item_id, body FROM changes WHERE time >= ? ORDER BY time, rowid"
        with self._lock:
            try:
                rows = self._file.execute(statement, (time,)).fetchall()
            except sqlite3.Error as error:
                raise self._damage(error) from error
        for number, (item_id, body) in enumerate(rows, 1):
            try:
                yield item_id, None if body is None else _item(json.loads(body))
            except (ValueError, TypeError) as error:
                raise InputError.at(self._name, number, "body", "an item", str(error)) from error

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._file.close()

    def _write(self, rows: list[tuple[str, float, str | None]]) -> None:
        statement = "INSERT OR REPLACE INTO changes (item_id, time, body) VALUES (?, ?, ?)"
        with self._lock:
            try:
                self._file.execute("BEGIN IMMEDIATE")
                self._file.executemany(statement, rows)
                self._file.execute("COMMIT")
            except sqlite3.Error as error:
                if self._file.in_transaction:
                    self._file.execute("ROLLBACK")
                raise OverloadError(
                    f"item log: expected a writable disk, received: {error}"
                ) from error

    def _check_or_create(self) -> None:
        if not self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.execute(_SCHEMA)
            self._file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            self._file.execute("COMMIT")
        found = self._file.execute("PRAGMA application_id").fetchone()[0]
        if found != _APPLICATION_ID:
            raise InputError(
                f"{self._name}: expected a log of items (application {_APPLICATION_ID:#x}), "
                f"received application {found:#x}"
            )

    def _damage(self, error: Exception) -> InputError:
        return InputError(f"{self._name}: expected a log of items, received: {error}")


def _body(item: Item) -> str:
    values: dict[str, Any] = asdict(item)
    created = item.created_time
    values["created_time"] = created.isoformat() if created else None
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _item(values: Mapping[str, Any]) -> Item:
    created = values["created_time"]
    return Item(
        **{
            **values,
            "category": tuple(values["category"]),
            "created_time": datetime.fromisoformat(created) if created else None,
        }
    )
