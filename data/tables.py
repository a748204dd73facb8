"""The records as Arrow tables: their schemas, and reading and writing a folder of tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.atomic import atomic_folder
from data.errors import InputError
from data.impression_tables import read_impressions, write_impressions
from data.media.columns import MediaColumn, absolute
from data.offers.offer_tables import OfferTables, read_offer_tables, write_offer_tables
from data.records import Event, EventType, Item, ItemChange, Judgment, LogPosition
from data.split import Split

SCHEMA_VERSION = 3
MANIFEST_NAME = "tables.json"
"""The file in a folder of tables with its schema version, split and report."""

_TIME = pa.timestamp("us", "UTC")
_BATCH_ROWS = 65_536


def _required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


def _texts(*names: str) -> list[pa.Field]:
    return [_required(name, pa.string()) for name in names]


ITEM_SCHEMA = pa.schema(
    [
        *_texts("item_id", "title", "description"),
        _required("category", pa.list_(pa.string())),
        *_texts("brand"),
        pa.field("price", pa.float64()),
        *_texts("currency"),
        _required("in_stock", pa.bool_()),
        _required("attributes", pa.map_(pa.string(), pa.string())),
        *_texts("image"),
        pa.field("created_time", _TIME),
        *_texts("audio"),
    ]
)
"""The fields of ``Item``; a text is empty, never null."""

EVENT_SCHEMA = pa.schema(
    [
        *_texts("event_id"),
        _required("type", pa.int8()),
        *_texts("visitor_id"),
        _required("time", _TIME),
        *_texts("item_id", "query", "session_id"),
        _required("quantity", pa.int32()),
        pa.field("price", pa.float64()),
        pa.field("rating", pa.float32()),
        *_texts("text", "surface", "attribution_token"),
        pa.field("dwell_seconds", pa.float64()),
    ]
)
"""The fields of ``Event``; ``type`` is the number of the ``EventType``."""

JUDGMENT_SCHEMA = pa.schema([*_texts("query", "item_id"), _required("grade", pa.float64())])
"""The fields of ``Judgment``."""

_DEFAULTS: Mapping[str, Any] = {"in_stock": True, "quantity": 1, "category": [], "attributes": []}


@dataclass(frozen=True, eq=False)
class RawShop:
    """The tables read by a source, in the schemas above; None for a table it does not have.

    Args:
        items: ``ITEM_SCHEMA``.
        events: ``EVENT_SCHEMA``, in the order of the source.
        judgments: ``JUDGMENT_SCHEMA``.
        dropped: Rows that the source itself dropped: (table, rule) to number of rows.
        notes: Remarks for the reader of the report, a sentence each.
        items_time: The time of the items' state, seconds since 1970: live changes made later
            override it. 0: unknown, so all live changes do.
        item_changes: Live changes of items, by item id.
        items_at: Returns the rows of ``items`` as known before a time, seconds since 1970; None if
            no field of an item depends on the log.
        log_positions: For each log of the service among the events, the last entry that was read.
        offers: Coupons, promotions and services; None where it has none.
        impressions: Answers that were shown, ``IMPRESSION_SCHEMA``; None where they are not logged.
        media: Columns of the items' pictures or sounds that are bytes of a file.
    """

    items: pa.Table | None
    events: pa.Table | None
    judgments: pa.Table | None
    dropped: Mapping[tuple[str, str], int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    items_time: float = 0.0
    item_changes: Mapping[str, ItemChange] = field(default_factory=dict)
    items_at: Callable[[float], pa.Table] | None = None
    log_positions: tuple[LogPosition, ...] = ()
    offers: OfferTables | None = None
    impressions: pa.Table | None = None
    media: tuple[MediaColumn, ...] = ()


@dataclass(frozen=True, eq=False)
class Tables:
    """A folder of clean tables.

    Args:
        path: The folder.
        items: ``ITEM_SCHEMA``; fields derived from the log are those known when training ends,
            at ``split.test_from``.
        events: ``EVENT_SCHEMA``, by time; events of the same time in the order of the source.
        judgments: ``JUDGMENT_SCHEMA``.
        split: The boundaries of training and testing.
        report: The quality report.
        items_time: As in ``RawShop``; it refers to ``newest_items`` if there are any.
        newest_items: The same rows with fields derived from the whole log, the test part included;
            None if they are equal to ``items``.
        log_positions, offers, impressions: As in ``RawShop``.
    """

    path: Path
    items: pa.Table
    events: pa.Table
    judgments: pa.Table
    split: Split
    report: dict[str, Any]
    items_time: float = 0.0
    newest_items: pa.Table | None = None
    log_positions: tuple[LogPosition, ...] = ()
    offers: OfferTables | None = None
    impressions: pa.Table | None = None

    def items_known(self, *, whole_log: bool) -> tuple[pa.Table, float]:
        """The items as known at a time, and their ``items_time``.

        Args:
            whole_log: As known at the end of the log, instead of when training ends.
        """
        if self.newest_items is None:
            return self.items, self.items_time
        if whole_log:
            return self.newest_items, self.items_time
        return self.items, min(self.items_time, self.split.test_from)


_NEWEST_ITEMS_NAME = "newest_items.parquet"
_SCHEMAS: Mapping[str, pa.Schema] = {
    "items": ITEM_SCHEMA,
    "events": EVENT_SCHEMA,
    "judgments": JUDGMENT_SCHEMA,
}


def read_tables(path: Path) -> Tables:
    """Reads a folder written by ``write_tables``.

    Raises:
        InputError: It is not such a folder, or one of another version.
    """
    names = [MANIFEST_NAME, *(f"{name}.parquet" for name in _SCHEMAS)]
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise InputError(
            f"{path}: expected a folder of tables, found no {', '.join(missing)}; "
            f"`nextclick prepare SOURCE --out {path}` makes one"
        )
    try:
        manifest = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
        version = manifest["schema_version"]
        if version != SCHEMA_VERSION:
            raise InputError(
                f"{path}: expected tables of schema {SCHEMA_VERSION}, received {version!r}; "
                "run `nextclick prepare` again"
            )
        split, report = Split(**manifest["split"]), manifest["report"]
        items_time = float(manifest.get("items_time", 0.0))
        log_positions = tuple(LogPosition(*pair) for pair in manifest.get("log_positions", ()))
        tables = {name: _table(path / f"{name}.parquet") for name in _SCHEMAS}
        newest_path = path / _NEWEST_ITEMS_NAME
        newest_items = _table(newest_path) if newest_path.is_file() else None
    except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected readable tables, received {error!r}") from error
    for name, schema in _SCHEMAS.items():
        if not tables[name].schema.equals(schema):
            raise InputError(
                f"{path / name}.parquet: expected the columns {', '.join(schema.names)} of schema "
                f"{SCHEMA_VERSION}, received {', '.join(tables[name].schema.names)}"
            )
    return Tables(
        path,
        absolute(tables["items"], path),
        tables["events"],
        tables["judgments"],
        split,
        report,
        items_time,
        None if newest_items is None else absolute(newest_items, path),
        log_positions,
        read_offer_tables(path),
        read_impressions(path),
    )


def _table(path: Path) -> pa.Table:
    table = pq.read_table(path)
    # Tables made before items had sounds lack the last column.
    return conform(table, ITEM_SCHEMA) if table.column_names == ITEM_SCHEMA.names[:-1] else table


def write_tables(
    out: Path,
    *,
    items: pa.Table,
    events: pa.Table,
    judgments: pa.Table,
    split: Split,
    report: Mapping[str, Any],
    items_time: float = 0.0,
    newest_items: pa.Table | None = None,
    log_positions: tuple[LogPosition, ...] = (),
    offers: OfferTables | None = None,
    impressions: pa.Table | None = None,
    writers: Sequence[Callable[[Path], object]] = (),
) -> None:
    """Writes a folder of tables; an existing one is replaced atomically.

    Args:
        out: The folder.
        items, events, judgments: In the schemas above; events in any order, written by time.
        split: The boundaries of training and testing.
        report: Plain JSON.
        items_time, newest_items, log_positions, offers, impressions: As in ``Tables``.
        writers: Write further files into the folder: pictures and sounds, predicted values.
    """
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "items_time": items_time,
        "log_positions": log_positions,
        "split": asdict(split),
        "report": report,
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False)
    tables = {"items": items, "events": sort_events(events), "judgments": judgments}
    with atomic_folder(out, marker=MANIFEST_NAME) as folder:
        for name, table in tables.items():
            path = folder / f"{name}.parquet"
            pq.write_table(conform(table, _SCHEMAS[name]), path, compression="zstd")
        if newest_items is not None:
            newest_path = folder / _NEWEST_ITEMS_NAME
            pq.write_table(conform(newest_items, ITEM_SCHEMA), newest_path, compression="zstd")
        if offers is not None:
            write_offer_tables(folder, offers)
        if impressions is not None:
            write_impressions(folder, impressions)
        for write in writers:
            write(folder)
        (folder / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Converts a table to a schema: order and types of columns, missing columns and nulls filled.

    A missing text becomes empty, a missing quantity 1, a missing ``in_stock`` true; nulls in
    nullable columns are kept.
    """
    columns = []
    for target in schema:
        if target.name in table.column_names:
            column = table[target.name].cast(target.type)
        else:
            column = pa.chunked_array([pa.nulls(table.num_rows, target.type)])
        if not target.nullable and column.null_count:
            empty = "" if pa.types.is_string(target.type) else _DEFAULTS[target.name]
            column = pc.coalesce(column, pa.scalar(empty, target.type))
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=schema)


def sort_events(events: pa.Table) -> pa.Table:
    """Events by time; those of the same time keep their order."""
    micros = event_micros(events)
    if np.all(micros[1:] >= micros[:-1]):
        return events
    return events.take(pa.array(np.argsort(micros, kind="stable")))


def event_micros(events: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """``[event] int64``: microseconds since 1970, UTC."""
    return events["time"].cast(pa.int64()).to_numpy()


def iter_items(table: pa.Table) -> Iterator[Item]:
    """The rows of a table in ``ITEM_SCHEMA``, in order."""
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        values = {name: batch.column(name).to_pylist() for name in ITEM_SCHEMA.names}
        values["category"] = [tuple(path) for path in values["category"]]
        values["attributes"] = [dict(pairs) for pairs in values["attributes"]]
        values["created_time"] = [
            time and time.replace(tzinfo=UTC) for time in values["created_time"]
        ]
        # Columns are in the order of the dataclass fields, so rows are positional arguments.
        yield from map(Item, *values.values())


def iter_events(table: pa.Table) -> Iterator[Event]:
    """The rows of a table in ``EVENT_SCHEMA``, in order."""
    types = {type_.value: type_ for type_ in EventType}
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        columns = {name: batch.column(name) for name in EVENT_SCHEMA.names}
        seconds = columns.pop("time").cast(pa.int64()).to_numpy() / 1e6
        values = {name: column.to_pylist() for name, column in columns.items()}
        values["type"] = [types[number] for number in values["type"]]
        values["time"] = seconds.tolist()
        # Columns are in the order of the dataclass fields, so rows are positional arguments.
        yield from map(Event, *(values[name] for name in EVENT_SCHEMA.names))


def items_table(items: Iterable[Item]) -> pa.Table:
    """Items as a table in ``ITEM_SCHEMA``."""
    rows = list(items)
    columns = {name: [getattr(item, name) for item in rows] for name in ITEM_SCHEMA.names}
    columns["attributes"] = [list(item.attributes.items()) for item in rows]
    return pa.table(columns, schema=ITEM_SCHEMA)


def events_table(events: Iterable[Event]) -> pa.Table:
    """Events as a table in ``EVENT_SCHEMA``; times are rounded to the microsecond."""
    rows = list(events)
    columns = {name: [getattr(event, name) for event in rows] for name in EVENT_SCHEMA.names}
    seconds = np.array(columns["time"], dtype=np.float64)
    columns["time"] = pa.array(np.rint(seconds * 1e6).astype(np.int64)).cast(_TIME)
    return pa.table(columns, schema=EVENT_SCHEMA)


def judgments_table(judgments: Iterable[Judgment]) -> pa.Table:
    """Judgments as a table in ``JUDGMENT_SCHEMA``."""
    rows = list(judgments)
    columns = {name: [getattr(row, name) for row in rows] for name in JUDGMENT_SCHEMA.names}
    return pa.table(columns, schema=JUDGMENT_SCHEMA)
