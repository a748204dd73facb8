"""A shop's own files: items, events and judgments as CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from data.errors import InputError
from data.media.columns import MediaColumn, located, told
from data.media.kinds import MEDIA
from data.records import EVENT_TYPE_BY_LABEL
from data.sources.column_map import ATTRIBUTE, ColumnMap, read_column_map
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
from data.sources.mapped_rows import Convert, MappedRows, converted, find_file
from data.sources.offer_files import read_offer_files
from data.sources.row_files import ENDINGS, read_rows
from data.tables import EVENT_SCHEMA, ITEM_SCHEMA, JUDGMENT_SCHEMA, RawShop, conform

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
    "audio": texts,
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


def read_files(folder: Path, map_file: Path | None = None) -> RawShop:
    """The shop in a folder: ``items.*``, and ``events.*`` or ``judgments.*`` or both.

    The columns are the fields of ``Item``, ``Event`` and ``Judgment``. Required are ``item_id`` of
    items; ``type``, ``visitor_id``, ``time`` and ``item_id`` or ``query`` of events; all of
    judgments. A category is a list, or text with `` > `` or ``|`` between its levels; attributes
    are a map, JSON text, or columns such as ``attributes.colour``. Events without ``event_id``
    get one derived from content and row number. An ``image`` or ``audio`` is a path relative to the file,
    an address, or in Parquet the bytes themselves. Unknown columns are listed in the notes. Offers, where
    there are any, are read by ``data.sources.offer_files``.

    Args:
        folder: Contains at least items or events.
        map_file: A column map, see ``data.sources.column_map``.

    Raises:
        InputError: A file is missing or malformed; the message names file, row and field.
        ConfigError: The column map is invalid.
    """
    column_map = read_column_map(map_file)
    found = {name: find_file(folder, name) for name in ("items", "events", "judgments")}
    if found["items"] is None and found["events"] is None:
        raise InputError(
            f"{folder}: expected items.* or events.*, each {', '.join(ENDINGS)}; found neither"
        )
    tables: dict[str, pa.Table] = {}
    media: tuple[MediaColumn, ...] = ()
    notes: tuple[str, ...] = ()
    for name, path in found.items():
        if path is not None:
            if name == "items":
                tables[name], media, unused = _items_of(path, column_map)
                notes += unused
                continue
            file = MappedRows(path.name, name, read_rows(path), getattr(column_map, name))
            if name == "events":
                tables[name], unused = _events(file, column_map.event_types)
            else:
                columns = {ours: to(file.require(ours)) for ours, to in _JUDGMENT_FIELDS.items()}
                tables[name] = conform(pa.table(columns), JUDGMENT_SCHEMA)
                unused = file.unused(set(_JUDGMENT_FIELDS))
            notes += unused
    if found["items"] is None:
        notes += ("no items.*: each item id of an event became an item without a title",)
    offers, unused = read_offer_files(folder, column_map)
    return RawShop(
        tables.get("items"),
        tables.get("events"),
        tables.get("judgments"),
        notes=notes + unused,
        offers=offers,
        media=media,
    )


def read_items_file(path: Path, map_file: Path | None = None) -> RawShop:
    """The items of one file; columns as in ``read_files``.

    Raises:
        InputError: The file is missing or malformed.
        ConfigError: The column map is invalid.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a file of items, each {', '.join(ENDINGS)}; found none")
    items, media, notes = _items_of(path, read_column_map(map_file))
    return RawShop(items, None, None, notes=notes, media=media)


def _items_of(
    path: Path, column_map: ColumnMap
) -> tuple[pa.Table, tuple[MediaColumn, ...], tuple[str, ...]]:
    """The items of a file, the columns of pictures and sounds among them that are bytes, and notes."""
    theirs = column_map.items
    found = [MediaColumn.of(path, theirs.get(one.field, one.field), one) for one in MEDIA]
    columns = tuple(column for column in found if column is not None)
    rows = read_rows(path, without=tuple(column.column for column in columns))
    wrong = {}
    for column in columns:
        names, wrong[column.medium.field] = column.names()
        rows = rows.append_column(column.column, names)
    items, notes = _items(MappedRows(path.name, "items", rows, theirs))
    for medium in MEDIA:
        field = medium.field
        if field not in wrong:
            texts_of_items, wrong[field] = located(items[field], path.parent, medium)
            position = ITEM_SCHEMA.get_field_index(field)
            items = items.set_column(position, ITEM_SCHEMA.field(position), texts_of_items)
        notes += told(path.name, medium, items[field], wrong[field])
    return items, columns, notes


def _items(file: MappedRows) -> tuple[pa.Table, tuple[str, ...]]:
    item_ids = file.require("item_id")
    columns = converted(file, _ITEM_FIELDS)
    _refuse_repeats(item_ids, columns["item_id"])
    names = dict.fromkeys([*file.rows.column_names, *file.theirs])
    attribute_names = [name for name in names if name.startswith(ATTRIBUTE)]
    columns["attributes"] = _attributes(file, attribute_names)
    unused = file.unused({*_ITEM_FIELDS, "attributes", *attribute_names})
    return conform(pa.table(columns), ITEM_SCHEMA), unused


def _attributes(file: MappedRows, names: list[str]) -> pa.Array:
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


def _events(file: MappedRows, type_map: Mapping[str, str]) -> tuple[pa.Table, tuple[str, ...]]:
    for ours in ("visitor_id", "time"):
        file.require(ours)
    if file.find("query") is None:
        file.require("item_id")
    types = _event_types(file.require("type"), type_map)
    columns = {"type": types, **converted(file, _EVENT_FIELDS)}
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
