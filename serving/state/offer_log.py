"""The durable log of live changes of offers, which a restarted server applies again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

from data.errors import OverloadError
from data.offers.offer import Offer
from data.sources.live_offers import (
    OfferChange,
    change_checksum,
    offer_body,
    offer_log_damage,
    open_offer_log,
    read_offer_changes,
)
from serving.state.item_log import transaction

_INSERT = "INSERT OR REPLACE INTO changes (offer_id, time, body, checksum) VALUES (?, ?, ?, ?)"


class OfferLog:
    """The newest change of each offer, in one SQLite file, created if it does not exist.

    Args:
        path: The file; its folder must exist.

    Raises:
        InputError: The file is damaged or not a log of offers.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._name = path.name
        self._is_closed = False
        self._file = open_offer_log(path, read_only=False)
        try:
            self._file.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            self._file.close()
            raise offer_log_damage(path.name, error) from error

    def put(self, offers: Sequence[Offer], deleted_ids: Sequence[str], time: float) -> None:
        """Writes changes, all or none, and returns once they are on disk.

        Args:
            offers: Added or replaced.
            deleted_ids: None of ``offers``.
            time: Seconds since 1970.

        Raises:
            OverloadError: The disk is full or failing, or the log is closed.
        """
        bodies: list[tuple[str, str | None]] = [
            *((one.offer_id, offer_body(one)) for one in offers),
            *((offer_id, None) for offer_id in deleted_ids),
        ]
        rows = [(id_, time, body, change_checksum(id_, time, body)) for id_, body in bodies]
        with self._lock:
            self._check_open()
            with transaction(self._file, "offer log"):
                self._file.executemany(_INSERT, rows)

    def since(self, time: float) -> list[OfferChange]:
        """The newest change of each offer from ``time`` on, oldest first.

        Raises:
            InputError: A row cannot be read.
            OverloadError: The log is closed.
        """
        with self._lock:
            self._check_open()
            return read_offer_changes(self._file, self._name, since=time)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._is_closed = True
            self._file.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise OverloadError("offer log: expected an open log, received a call after close")
