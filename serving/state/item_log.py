"""The durable log of live catalogue changes, which a restarted server applies again."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from data.errors import OverloadError
from data.records import Item
from data.sources.live_items import item_body, item_log_damage, open_item_log, read_changes

_Row = tuple[str, float, str | None]
_READ = """SELECT item_id, time, body FROM changes
WHERE item_id IN (SELECT value FROM json_each(?))"""
_INSERT = "INSERT OR REPLACE INTO changes (item_id, time, body) VALUES (?, ?, ?)"


class ItemLog:
    """The newest change of each item, in one SQLite file, created if it does not exist.

    Args:
        path: The file; its folder must exist.

    Raises:
        InputError: The file is damaged or not an item log.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._name = path.name
        self._is_closed = False
        self._file = open_item_log(path, read_only=False)
        try:
            self._file.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            self._file.close()
            raise item_log_damage(path.name, error) from error

    def put(self, items: Sequence[Item], time: float) -> Callable[[], None]:
        """Writes added or changed items, all or none, and returns once they are on disk.

        Returns:
            An undo function, which restores the previous content of the log.

        Raises:
            OverloadError: The disk is full or failing, or the log is closed.
        """
        return self._write([(item.item_id, time, item_body(item)) for item in items])

    def delete(self, item_ids: Sequence[str], time: float) -> None:
        """Writes that items were deleted, all or none, and returns once that is on disk.

        Raises:
            OverloadError: The disk is full or failing, or the log is closed.
        """
        self._write([(item_id, time, None) for item_id in item_ids])

    def since(self, time: float) -> Iterator[tuple[str, Item | None]]:
        """The newest change of each item from ``time`` on, oldest first; None: deleted.

        Raises:
            InputError: A row cannot be read.
            OverloadError: The log is closed.
        """
        with self._lock:
            self._check_open()
            changes = list(read_changes(self._file, self._name, since=time))
        yield from ((item_id, change.item) for item_id, change in changes)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._is_closed = True
            self._file.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise OverloadError("item log: expected an open log, received a call after close")

    def _write(self, rows: Sequence[_Row]) -> Callable[[], None]:
        ids = [(item_id,) for item_id in dict.fromkeys(item_id for item_id, _, _ in rows)]
        earlier: list[_Row] = []

        def write() -> None:
            earlier.extend(self._file.execute(_READ, (json.dumps([id_ for (id_,) in ids]),)))
            self._file.executemany(_INSERT, rows)

        def undo() -> None:
            self._file.executemany("DELETE FROM changes WHERE item_id = ?", ids)
            self._file.executemany(_INSERT, earlier)

        self._commit(write)
        return lambda: self._commit(undo)

    def _commit(self, write: Callable[[], None]) -> None:
        with self._lock:
            self._check_open()
            with transaction(self._file, "item log"):
                write()


@contextmanager
def transaction(file: sqlite3.Connection, name: str) -> Iterator[None]:
    """Commits what the block writes; on any error nothing is written.

    Args:
        file: In autocommit mode; one thread at a time.
        name: Of the file, for error messages.

    Raises:
        OverloadError: The disk is full or failing.
    """
    try:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("COMMIT")
    except BaseException as error:
        # On any error: an open transaction would block every later change.
        if file.in_transaction:
            file.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            message = f"{name}: expected a writable disk, received: {error}"
            raise OverloadError(message) from error
        raise
