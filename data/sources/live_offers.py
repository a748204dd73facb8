"""The server's log of live changes of offers: file format, rows, and reader.

One SQLite file, written by ``serving.state.offer_log``, with the newest change of each offer.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from data.errors import InputError
from data.offers.offer import Offer
from data.offers.offer_json import offer_of, offer_values

OFFER_LOG_NAME = "offers.sqlite"
"""Name of the file in the state folder of a server."""

_APPLICATION_ID = 0x6E636C6F
_SCHEMA = """
CREATE TABLE changes (
    offer_id TEXT PRIMARY KEY,
    time     REAL NOT NULL,     -- seconds since 1970, UTC
    body     TEXT,              -- JSON of the offer; NULL: it was deleted
    checksum INTEGER NOT NULL   -- CRC-32 of the columns above
)
"""


class OfferChange(NamedTuple):
    """A live change of an offer at ``time``, seconds since 1970; None: the offer was deleted."""

    offer_id: str
    time: float
    offer: Offer | None


def open_offer_log(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to the log, which is created if it does not exist, unless ``read_only``.

    Raises:
        InputError: The file does not exist, is damaged, or is not a log of offers.
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
        raise offer_log_damage(path.name, error) from error
    try:
        if not read_only:
            file.execute("PRAGMA journal_mode = WAL")
            if not file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                file.execute("BEGIN IMMEDIATE")
                file.execute(_SCHEMA)
                file.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                file.execute("COMMIT")
        found = file.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.Error as error:
        file.close()
        raise offer_log_damage(path.name, error) from error
    if found != _APPLICATION_ID:
        file.close()
        raise InputError(
            f"{path.name}: expected a log of offers (application {_APPLICATION_ID:#x}), "
            f"received application {found:#x}"
        )
    return file


def read_offer_changes(
    file: sqlite3.Connection, name: str, *, since: float = float("-inf")
) -> list[OfferChange]:
    """The newest change of each offer from a time on, oldest first.

    Args:
        file: From ``open_offer_log``.
        name: Of the file, for errors.
        since: Seconds since 1970.

    Raises:
        InputError: A row cannot be read, or is not as it was written.
    """
    statement = (
        "SELECT offer_id, time, body, checksum FROM changes WHERE time >= ? ORDER BY time, rowid"
    )
    try:
        rows = file.execute(statement, (since,)).fetchall()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise offer_log_damage(name, error) from error
    changes = []
    for number, (offer_id, time, body, checksum) in enumerate(rows, 1):
        if change_checksum(offer_id, time, body) != checksum:
            raise InputError.at(name, number, "checksum", "that of the row", checksum)
        offer = None if body is None else offer_of(json.loads(body))
        changes.append(OfferChange(offer_id, time, offer))
    return changes


def read_live_offers(state: Path) -> list[OfferChange]:
    """The newest change of each offer in a state folder; empty without a log."""
    path = state / OFFER_LOG_NAME
    if not path.is_file():
        return []
    with closing(open_offer_log(path, read_only=True)) as file:
        return read_offer_changes(file, path.name)


def offer_body(offer: Offer) -> str:
    """An offer as the JSON text stored in the file."""
    return json.dumps(offer_values(offer), ensure_ascii=False, separators=(",", ":"))


def change_checksum(offer_id: str, time: float, body: str | None) -> int:
    """The checksum of a row."""
    return zlib.crc32(f"{offer_id}\0{time!r}\0{body!r}".encode())


def offer_log_damage(name: str, error: Exception) -> InputError:
    """The error to raise when SQLite cannot read the file."""
    return InputError(f"{name}: expected a log of offers, received: {error}")
