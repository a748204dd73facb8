"""The server's event log as a source of training data: file format, rows, and reader.

The log is one SQLite file, written by ``serving.state.event_log``. Its entries are events of
shoppers and impressions, which are the items of one answer; an event refers to the impression that
led to it by attribution token. Log order is the order of ``sequence``.
"""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.errors import InputError, RequestError
from data.offers.offer import Redemption
from data.records import EVENT_TYPE_BY_LABEL, Event, EventType, Impression, LogPosition
from data.sources.live_items import read_live_items
from data.sources.live_offers import read_live_offers

if TYPE_CHECKING:
    from data.tables import RawShop

LOG_NAME = "events.sqlite"
"""Name of the log in the state folder of a server."""

APPLICATION_ID = 0x6E636C6B
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY,  -- the order of the log, from 1
    kind     TEXT NOT NULL,        -- 'event' or 'impression'
    entry_id TEXT NOT NULL,        -- event id, or attribution token
    time     REAL NOT NULL,        -- seconds since 1970, UTC
    body     TEXT NOT NULL,        -- JSON
    features BLOB,                 -- float32 little-endian, [shown, feature_count], or NULL
    checksum INTEGER NOT NULL,     -- CRC-32 of the columns above but sequence
    UNIQUE (kind, entry_id)
)
"""

EVENT = "event"
IMPRESSION = "impression"
KINDS = (EVENT, IMPRESSION)
_PAGE_SIZE = 1_000
_CHUNK_SIZE = 50_000


class LogRow(NamedTuple):
    """A row of the file, without ``sequence``, which SQLite assigns."""

    kind: str
    entry_id: str
    time: float
    body: str
    features: bytes | None
    checksum: int


class LogEntry(NamedTuple):
    """An entry, its sequence number and its checksum."""

    sequence: int
    record: Event | Impression
    checksum: int


def event_row(event: Event) -> LogRow:
    """The row of an event."""
    body: dict[str, Any] = {"type": event.type.label, "visitor_id": event.visitor_id}
    for name, value in zip(_EVENT_DEFAULTS, _event_values(event), strict=True):
        if value != _EVENT_DEFAULTS[name]:
            body[name] = value
    return _row(EVENT, event.event_id, event.time, body, None)


def impression_row(impression: Impression) -> LogRow:
    """The row of an impression."""
    body: dict[str, Any] = {
        "visitor_id": impression.visitor_id,
        "surface": impression.surface,
        "query": impression.query,
        "bundle_id": impression.bundle_id,
        "item_ids": impression.item_ids,
        "offset": impression.offset,
    }
    if impression.context_item_ids:
        body["context_item_ids"] = impression.context_item_ids
    if impression.filter:
        body["filter"] = impression.filter
    if impression.sort_by:
        body["sort_by"] = impression.sort_by
    if impression.literal:
        body["literal"] = True
    shown_count = len(impression.item_ids)
    if impression.propensities:
        if len(impression.propensities) != shown_count:
            raise RequestError("propensities", f"{shown_count} numbers", impression.propensities)
        body["propensities"] = impression.propensities
    if impression.interleaved_bundle_id:
        if len(impression.teams) != shown_count:
            raise RequestError("teams", f"{shown_count} letters", impression.teams)
        body["interleaved_bundle_id"] = impression.interleaved_bundle_id
        body["teams"] = impression.teams
    features = impression.features
    if features is not None and (features.ndim != 2 or len(features) != shown_count):
        raise RequestError("features", f"shape [{shown_count}, feature_count]", features.shape)
    # Empty bytes cannot restore a shape: empty features are stored as not logged.
    is_empty = features is None or features.size == 0
    content = None if is_empty else np.ascontiguousarray(features, dtype="<f4").tobytes()
    return _row(IMPRESSION, impression.attribution_token, impression.time, body, content)


def open_log(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to a log, which is created if it does not exist, unless ``read_only``.

    The connection can be passed between threads; outside ``BEGIN`` statements autocommit.

    Raises:
        InputError: The file does not exist, is damaged, or is not an event log.
    """
    mode = "ro" if read_only else "rwc"
    try:
        log = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise damage(path, error) from error
    try:
        _check_or_create(log, path, read_only=read_only)
    except sqlite3.Error as error:
        log.close()
        raise damage(path, error) from error
    except InputError:
        log.close()
        raise
    return log


def read_entries(
    log: sqlite3.Connection,
    file_name: str,
    *,
    after_sequence: int = 0,
    kinds: Collection[str] = KINDS,
) -> Iterator[LogEntry]:
    """The entries of a log after a sequence number, in order.

    They are read page by page, so that a long read does not block the writer's checkpoints;
    entries written in the meantime are included.

    Args:
        log: From ``open_log``.
        file_name: Name of the file, for errors.
        after_sequence: 0 for the whole log.
        kinds: Which kinds to read.

    Raises:
        InputError: An entry is damaged.
    """
    marks = ", ".join("?" * len(kinds))
    statement = (
        # In the order of the table itself: by the index of ids, SQLite would sort all entries of a kind
        # anew for every page.
        "SELECT sequence, kind, entry_id, time, body, features, checksum FROM entries NOT INDEXED "
        f"WHERE sequence > ? AND kind IN ({marks}) ORDER BY sequence LIMIT {_PAGE_SIZE}"
    )
    while True:
        try:
            page = log.execute(statement, (after_sequence, *kinds)).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise damage(Path(file_name), error) from error
        for sequence, *columns in page:
            row = LogRow(*columns)
            yield LogEntry(sequence, _record(row, sequence, file_name), row.checksum)
        if len(page) < _PAGE_SIZE:
            return
        after_sequence = page[-1][0]


def last_known_sequence(
    log: sqlite3.Connection, file_name: str, positions: Iterable[LogPosition]
) -> int:
    """The largest sequence number among the positions that are of this log; 0 if none is.

    Raises:
        InputError: The log cannot be read.
    """
    statement = "SELECT sequence FROM entries WHERE sequence = ? AND checksum = ?"
    try:
        return max((row[0] for one in positions for row in log.execute(statement, one)), default=0)
    except sqlite3.Error as error:
        raise damage(Path(file_name), error) from error


def iter_impressions(path: Path) -> Iterator[Impression]:
    """The impressions of a log, or of the log in a state folder, in order."""
    for entry in _entries(path, IMPRESSION):
        if isinstance(entry.record, Impression):
            yield entry.record


def iter_events(path: Path) -> Iterator[Event]:
    """The events of a log, or of the log in a state folder, in order."""
    for entry in _entries(path, EVENT):
        if isinstance(entry.record, Event):
            yield entry.record


def read_own_log(path: Path) -> RawShop:
    """The events of a log, or of the log in a state folder, with the live changes of items and offers.

    Purchases with an offer are its redemptions.

    Its ``log_positions`` is the last event that was read.

    Raises:
        InputError: There is no log, or it is damaged.
    """
    # Imported here because the server uses this module too, and does without Arrow.
    import pyarrow as pa

    from data.impression_tables import ShownAnswer, impressions_table
    from data.offers.offer_tables import OfferTables
    from data.tables import EVENT_SCHEMA, RawShop, events_table

    changes = read_live_items(path) if path.is_dir() else {}
    offer_changes = read_live_offers(path) if path.is_dir() else []
    redemptions: list[Redemption] = []
    entries, chunks = _entries(path, EVENT), [EVENT_SCHEMA.empty_table()]
    positions: tuple[LogPosition, ...] = ()
    # In chunks, since rows as Python objects take ten times the memory of a table.
    while chunk := list(islice(entries, _CHUNK_SIZE)):
        chunks.append(events_table(e.record for e in chunk if isinstance(e.record, Event)))
        made = (Redemption.of(e.record) for e in chunk if isinstance(e.record, Event))
        redemptions += filter(None, made)
        positions = (LogPosition(chunk[-1].sequence, chunk[-1].checksum),)
    return RawShop(
        items=None,
        events=pa.concat_tables(chunks),
        judgments=None,
        # Changes are complete up to now; ``prepare`` replaces infinity by the current time.
        items_time=math.inf,
        item_changes=changes,
        log_positions=positions,
        impressions=impressions_table(map(ShownAnswer.of, iter_impressions(path))),
        offers=replace(
            OfferTables.of(
                (one.offer for one in offer_changes if one.offer), redemptions=redemptions
            ),
            deleted_ids=frozenset(one.offer_id for one in offer_changes if one.offer is None),
        )
        if offer_changes or redemptions
        else None,
    )


def damage(path: Path, error: Exception) -> InputError:
    """The error to raise when SQLite cannot read the file."""
    return InputError(f"{path.name}: expected an event log that can be read, received: {error}")


_EVENT_DEFAULTS = {
    name: value
    for name, value in asdict(Event("", EventType.VIEW, visitor_id="", time=0.0)).items()
    if name not in ("event_id", "time", "type", "visitor_id")
}
_event_values = attrgetter(*_EVENT_DEFAULTS)
"""Of an event, in the order of these defaults."""


def _entries(path: Path, kind: str) -> Iterator[LogEntry]:
    log_path = path / LOG_NAME if path.is_dir() else path
    with closing(open_log(log_path, read_only=True)) as log:
        yield from read_entries(log, log_path.name, kinds=(kind,))


# ``json.dumps`` with these arguments would make an encoder at every call.
_encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _row(
    kind: str, entry_id: str, time: float, body: dict[str, Any], features: bytes | None
) -> LogRow:
    if not math.isfinite(time):
        raise RequestError("time", "a finite number of seconds", time)
    # SQLite gives −0.0 back as 0.0, which would fail the checksum; adding 0.0 does the same.
    columns = kind, entry_id, float(time) + 0.0, _encoded(body), features
    return LogRow(*columns, _checksum(*columns))


def _checksum(kind: str, entry_id: str, time: float, body: str, features: bytes | None) -> int:
    """CRC-32 of the columns of a row."""
    checksum = zlib.crc32(f"{kind}\0{entry_id}\0{time!r}\0{body}\0".encode())
    return zlib.crc32(features, checksum) if features else checksum


def _record(row: LogRow, sequence: int, file_name: str) -> Event | Impression:
    # SQLite checks the file structure but not page contents: one flipped bit may change an
    # item id into another.
    if (found := _checksum(*row[:-1])) != row.checksum:
        raise InputError.at(file_name, sequence, "checksum", str(row.checksum), found)
    try:
        body = json.loads(row.body)
        if row.kind == EVENT:
            type_ = EVENT_TYPE_BY_LABEL[body.pop("type")]
            return Event(event_id=row.entry_id, type=type_, time=row.time, **body)
        for name in ("item_ids", "context_item_ids", "propensities"):
            if name in body:
                body[name] = tuple(body[name])
        impression = Impression(attribution_token=row.entry_id, time=row.time, **body)
        if row.features is None:
            return impression
        features = np.frombuffer(row.features, dtype="<f4").reshape(len(impression.item_ids), -1)
        return replace(impression, features=features)
    except (ValueError, TypeError, KeyError) as error:
        kind = f"an {row.kind} of schema {SCHEMA_VERSION}"
        raise InputError.at(file_name, sequence, "body", kind, str(error)) from error


def _check_or_create(log: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    table_count = log.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if table_count == 0 and not read_only:
        log.execute("PRAGMA journal_mode = WAL")
        log.execute("BEGIN IMMEDIATE")
        log.execute(SCHEMA)
        log.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        log.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        log.execute("COMMIT")
    found = (
        log.execute("PRAGMA application_id").fetchone()[0],
        log.execute("PRAGMA user_version").fetchone()[0],
    )
    if found != (APPLICATION_ID, SCHEMA_VERSION):
        expected = f"application {APPLICATION_ID:#x}, schema {SCHEMA_VERSION}"
        received = f"application {found[0]:#x}, schema {found[1]}"
        raise InputError(f"{path.name}: expected an event log ({expected}), received {received}")
