"""A shop's own files: items, events and judgments as CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from data.errors import InputError
from data.records import EVENT_TYPE_BY_LABEL
from data.sources.column_map import ATTRIBUTE, read_column_map
from data.sources.fields import (
    Column,
    facts,
    ids,
    numbers,
    paths,
    required_ids,
    required_numbers,
    required_times,
    texts,
    times,
    truths,
    whole_numbers,
)
from data.sources.row_files import ENDINGS, read_rows
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, JUDGMENT_SCHEMA, RawShop, conform

Convert = Callable[[Column], pa.ChunkedArray]

_ITEM_FIELDS: Mapping[str, Convert] = {
    "item_id": required_ids,
    "title": texts,
    "description": texts,
    "category": paths,
    "brand": texts,
    "price": numbers,
    "currency": texts,
    "in_stock": truths,
    "image": texts,
    "created_time": times,
}
_EVENT_FIELDS: Mapping[str, Convert] = {
    "event_id": required_ids,
    "visitor_id": ids,
    "time": required_times,
    "item_id": ids,
    "query": texts,
    "session_id": ids,
    "quantity": whole_numbers,
    "price": numbers,
    "rating": numbers,
    "text": texts,
    "surface": texts,
    "attribution_token": ids,
    "dwell_seconds": numbers,
}
_JUDGMENT_FIELDS: Mapping[str, Convert] = {
    "query": texts,
    "item_id": ids,
    "grade": required_numbers,
}
_SCHEMAS: Mapping[str, pa.Schema] = {
    "items": ITEM_SCHEMA,
    "events": EVENT_SCHEMA,
    "judgments": JUDGMENT_SCHEMA,
}


@dataclass(frozen=True, eq=False)
class _RowFile:
    """A file's rows, accessed by our column names; ``table`` is its section in the column map."""

    file_name: str
    table: str
    rows: pa.Table
    theirs: Mapping[str, str]

    def find(self, ours: str) -> Column | None:
        theirs = self.theirs.get(ours, ours)
        if theirs in self.rows.column_names:
            label = ours if ours == theirs else f"{ours} (column {theirs!r})"
            return Column(self.file_name, label, self.rows[theirs])
        if ours in self.theirs:
            raise self.missing(ours)
        return None

    def require(self, ours: str) -> Column:
        column = self.find(ours)
        if column is None:
            raise self.missing(ours)
        return column

    def missing(self, ours: str) -> InputError:
        expected, found = self.theirs.get(ours, ours), self.rows.column_names
        # A column whose name we know is not a misspelling of another.
        unknown = [name for name in found if name not in _SCHEMAS[self.table].names]
        near = difflib.get_close_matches(expected, unknown, n=1, cutoff=0.4)
        hint = f" (did you mean {near[0]}?)" if near else ""
        return InputError(
            f"{self.file_name}: expected a column {expected}, received {', '.join(found)}{hint}; "
            f'a column map renames columns: [{self.table}] {ours} = "…"'
        )

    def unused(self, used: set[str]) -> tuple[str, ...]:
        names = {self.theirs.get(ours, ours) for ours in used}
        unused = [name for name in self.rows.column_names if name not in names]
        return (f"{self.file_name}: columns not used: {', '.join(unused)}",) if unused else ()


def read_files(folder: Path, map_file: Path | None = None) -> RawShop:
    """The shop in a folder: ``items.*``, and ``events.*`` or ``judgments.*`` or both.

    The columns are the fields of ``Item``, ``Event`` and ``Judgment``. Required are ``item_id`` of
    items; ``type``, ``visitor_id``, ``time`` and ``item_id`` or ``query`` of events; all of
    judgments. A category is a list, or text with `` > `` or ``|`` between its levels; attributes
    are a map, JSON text, or columns such as ``attributes.colour``. Events without ``event_id``
    get one derived from content and row number. Unknown columns are listed in the notes.

    Args:
        folder: Contains at least items or events.
        map_file: A column map, see ``data.sources.column_map``.

    Raises:
        InputError: A file is missing or malformed; the message names file, row and field.
        ConfigError: The column map is invalid.
    """
    column_map = read_column_map(map_file)
    found = {name: _find(folder, name) for name in ("items", "events", "judgments")}
    if found["items"] is None and found["events"] is None:
        raise InputError(
            f"{folder}: expected items.* or events.*, each {', '.join(ENDINGS)}; found neither"
        )
    tables: dict[str, pa.Table] = {}
    notes: tuple[str, ...] = ()
    for name, path in found.items():
        if path is not None:
            file = _RowFile(path.name, name, read_rows(path), getattr(column_map, name))
            if name == "items":
                tables[name], unused = _items(file)
            elif name == "events":
                tables[name], unused = _events(file, column_map.event_types)
            else:
                columns = {ours: to(file.require(ours)) for ours, to in _JUDGMENT_FIELDS.items()}
                tables[name] = conform(pa.table(columns), JUDGMENT_SCHEMA)
                unused = file.unused(set(_JUDGMENT_FIELDS))
            notes += unused
    if found["items"] is None:
        notes += ("no items.*: each item id of an event became an item without a title",)
    return RawShop(tables.get("items"), tables.get("events"), tables.get("judgments"), notes=notes)


def read_items_file(path: Path, map_file: Path | None = None) -> RawShop:
    """The items of one file; columns as in ``read_files``.

    Raises:
        InputError: The file is missing or malformed.
        ConfigError: The column map is invalid.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a file of items, each {', '.join(ENDINGS)}; found none")
    file = _RowFile(path.name, "items", read_rows(path), read_column_map(map_file).items)
    return RawShop(_items(file)[0], None, None)


def _find(folder: Path, name: str) -> Path | None:
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with items.* and events.*, found none")
    paths_found = [path for end in ENDINGS if (path := folder / f"{name}{end}").is_file()]
    if len(paths_found) > 1:
        received = " and ".join(path.name for path in paths_found)
        raise InputError(f"{folder}: expected one file of {name}, received {received}")
    return paths_found[0] if paths_found else None


def _columns(file: _RowFile, fields: Mapping[str, Convert]) -> dict[str, pa.ChunkedArray]:
    found = {ours: (file.find(ours), convert) for ours, convert in fields.items()}
    return {ours: to(column) for ours, (column, to) in found.items() if column is not None}


def _items(file: _RowFile) -> tuple[pa.Table, tuple[str, ...]]:
    item_ids = file.require("item_id")
    columns = _columns(file, _ITEM_FIELDS)
    _refuse_repeats(item_ids, columns["item_id"])
    names = dict.fromkeys([*file.rows.column_names, *file.theirs])
    attribute_names = [name for name in names if name.startswith(ATTRIBUTE)]
    columns["attributes"] = _attributes(file, attribute_names)
    unused = file.unused({*_ITEM_FIELDS, "attributes", *attribute_names})
    return conform(pa.table(columns), ITEM_SCHEMA), unused


def _attributes(file: _RowFile, names: list[str]) -> pa.Array:
    column = file.find("attributes")
    rows = [{} for _ in range(file.rows.num_rows)] if column is None else facts(column)
    for name in names:
        for row, text in zip(rows, texts(file.require(name)).to_pylist(), strict=True):
            if text:
                row[name.removeprefix(ATTRIBUTE)] = text
    return pa.array([list(row.items()) for row in rows], pa.map_(pa.string(), pa.string()))


def _refuse_repeats(column: Column, item_ids: pa.ChunkedArray) -> None:
    if pc.count_distinct(item_ids).as_py() == len(item_ids):
        return
    seen: set[str] = set()
    for row, item_id in enumerate(item_ids.to_pylist()):
        if item_id in seen:
            raise column.fault(row, "an id that no item before it has")
        seen.add(item_id)


def _events(file: _RowFile, type_map: Mapping[str, str]) -> tuple[pa.Table, tuple[str, ...]]:
    for ours in ("visitor_id", "time"):
        file.require(ours)
    if file.find("query") is None:
        file.require("item_id")
    types = _event_types(file.require("type"), type_map)
    columns = {"type": types, **_columns(file, _EVENT_FIELDS)}
    if "event_id" not in columns:
        columns["event_id"] = _event_ids(file.file_name, columns)
    return conform(pa.table(columns), EVENT_SCHEMA), file.unused({"type", *_EVENT_FIELDS})


def _event_types(column: Column, type_map: Mapping[str, str]) -> pa.Array:
    encoded = texts(column).combine_chunks().dictionary_encode()
    numbers_by_label = []
    for code, label in enumerate(encoded.dictionary.to_pylist()):
        type_ = EVENT_TYPE_BY_LABEL.get(type_map.get(label, label))
        if type_ is None:
            row = pc.index(encoded.indices, code).as_py()
            raise column.fault(row, f"one of {', '.join([*EVENT_TYPE_BY_LABEL, *type_map])}")
        numbers_by_label.append(int(type_))
    return pa.array(numbers_by_label, pa.int8()).take(encoded.indices)


def _event_ids(file_name: str, columns: Mapping[str, pa.ChunkedArray]) -> pa.Array:
    # The row number separates equal events; the content separates files of the same name.
    names = [name for name in ("type", "visitor_id", "time", "item_id", "query") if name in columns]
    content = [columns[name].cast(pa.string()).to_pylist() for name in names]
    keys = (
        "\0".join([file_name, str(row), *key]) for row, key in enumerate(zip(*content, strict=True))
    )
    return pa.array([hashlib.blake2b(key.encode(), digest_size=12).hexdigest() for key in keys])
