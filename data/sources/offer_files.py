"""A shop's own offers: ``offers.*``, with ``audiences.*`` and ``redemptions.*`` where there are any."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from data.errors import InputError
from data.offers.offer import KIND_BY_LABEL, Offer, Redemption, fault_of
from data.offers.offer_tables import OfferTables
from data.sources.column_map import ColumnMap
from data.sources.fields import (
    Column,
    ids,
    numbers,
    required_ids,
    required_times,
    texts,
    times,
    whole_numbers,
)
from data.sources.mapped_rows import Convert, MappedRows, converted, find_file
from data.sources.row_files import read_rows

_OFFER_FIELDS: Mapping[str, Convert] = {
    "offer_id": required_ids,
    "percent_off": numbers,
    "amount_off": numbers,
    "audience": ids,
    "start_time": times,
    "end_time": times,
    "budget": numbers,
    "visitor_limit": whole_numbers,
    "text": texts,
}
_LISTS = ("item_ids", "categories")
_AUDIENCE_FIELDS: Mapping[str, Convert] = {"audience": required_ids, "visitor_id": required_ids}
_REDEMPTION_FIELDS: Mapping[str, Convert] = {
    "redemption_id": required_ids,
    "offer_id": ids,
    "visitor_id": ids,
    "time": required_times,
    "item_id": ids,
    "price": numbers,
}


def read_offer_files(
    folder: Path, column_map: ColumnMap
) -> tuple[OfferTables | None, tuple[str, ...]]:
    """The offers of a shop's folder, and notes of unused columns; None without ``offers.*``.

    The columns are the fields of ``Offer`` and ``Redemption``, and ``audience`` and ``visitor_id``
    of an audience. Required are ``offer_id``, ``kind`` (coupon, promotion or service) and
    ``item_ids`` or ``categories`` of offers; both columns of audiences; ``offer_id``,
    ``visitor_id`` and ``time`` of redemptions. Items and categories are lists, JSON lists, or
    texts separated by ``;`` (``Dairy > Milk; Snacks``). Redemptions without ``redemption_id`` get
    one derived from content and row number.

    Raises:
        InputError: A file is malformed, an offer contradicts itself or another one of its id, or
            names an audience that there is not; the message names file, row and field.
    """
    paths = {name: find_file(folder, name) for name in ("offers", "audiences", "redemptions")}
    files = {
        name: MappedRows(path.name, name, read_rows(path), getattr(column_map, name))
        for name, path in paths.items()
        if path is not None
    }
    offers_file = files.get("offers")
    if offers_file is None:
        if files:
            raise InputError(
                f"{folder}: expected offers.* beside {next(iter(files))}.*, found none"
            )
        return None, ()
    offers = _offers(offers_file)
    notes = offers_file.unused({*_OFFER_FIELDS, *_LISTS, "kind"})
    audiences: list[tuple[str, str]] = []
    redemptions: list[Redemption] = []
    if "audiences" in files:
        audiences = _audiences(files["audiences"])
        notes += files["audiences"].unused({*_AUDIENCE_FIELDS})
    if "redemptions" in files:
        redemptions = _redemptions(files["redemptions"])
        notes += files["redemptions"].unused({*_REDEMPTION_FIELDS})
    _refuse_unknown_audiences(offers_file, offers, {name for name, _ in audiences})
    return OfferTables.of(dict.fromkeys(offers), audiences, redemptions), notes


def _offers(file: MappedRows) -> list[Offer]:
    """The offers of every row, each valid, and none unlike another one of its id."""
    for name in ("offer_id", "kind"):
        file.require(name)
    if file.find("categories") is None:
        file.require("item_ids")
    columns: dict[str, Sequence[Any]] = {
        name: _values(column) for name, column in converted(file, _OFFER_FIELDS).items()
    }
    columns["kind"] = _kinds(file.require("kind"))
    for name in _LISTS:
        column = file.find(name)
        if column is not None:
            columns[name] = _lists(column)
    if "categories" in columns:
        columns["categories"] = [
            tuple(tuple(level.strip() for level in path.split(" > ")) for path in paths)
            for paths in columns["categories"]
        ]
    offers = [
        Offer(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)
    ]
    first: dict[str, Offer] = {}
    for row, offer in enumerate(offers):
        fault = fault_of(offer)
        if fault is not None:
            raise InputError.at(
                file.file_name, row + 1, fault.field, fault.expected, fault.received
            )
        if first.setdefault(offer.offer_id, offer) != offer:
            expected = "an id that no other offer has"
            raise InputError.at(file.file_name, row + 1, "offer_id", expected, offer.offer_id)
    return offers


def _kinds(column: Column) -> list[Any]:
    kinds = []
    for row, label in enumerate(texts(column).to_pylist()):
        kind = KIND_BY_LABEL.get(label)
        if kind is None:
            raise column.fault(row, f"one of {', '.join(KIND_BY_LABEL)}")
        kinds.append(kind)
    return kinds


def _lists(column: Column) -> list[tuple[str, ...]]:
    """Lists of texts: of a list column, of JSON, or of texts separated by semicolons."""
    if pa.types.is_nested(column.values.type):
        rows = column.values.to_pylist()
    else:
        rows = []
        for row, text in enumerate(texts(column).to_pylist()):
            if not text.startswith("["):
                rows.append(text.split(";"))
                continue
            try:
                rows.append(json.loads(text))
            except ValueError:
                raise column.fault(row, "a JSON list of texts") from None
    for row, parts in enumerate(rows):
        if not all(isinstance(part, str | int) for part in parts or ()):
            raise column.fault(row, "a list of texts")
    return [tuple(part for one in parts or () if (part := str(one).strip())) for parts in rows]


def _audiences(file: MappedRows) -> list[tuple[str, str]]:
    columns = [to(file.require(name)).to_pylist() for name, to in _AUDIENCE_FIELDS.items()]
    return list(zip(*columns, strict=True))


def _redemptions(file: MappedRows) -> list[Redemption]:
    for name in ("offer_id", "visitor_id", "time"):
        file.require(name)
    columns = {
        name: _values(column) for name, column in converted(file, _REDEMPTION_FIELDS).items()
    }
    if "redemption_id" not in columns:
        # The row number separates equal rows; the content separates files of the same name.
        keys = zip(columns["offer_id"], columns["visitor_id"], columns["time"], strict=True)
        columns["redemption_id"] = [
            hashlib.blake2b(repr((file.file_name, row, key)).encode(), digest_size=12).hexdigest()
            for row, key in enumerate(keys)
        ]
    rows = zip(*columns.values(), strict=True)
    return [Redemption(**dict(zip(columns, row, strict=True))) for row in rows]


def _refuse_unknown_audiences(file: MappedRows, offers: Sequence[Offer], names: set[str]) -> None:
    for row, offer in enumerate(offers):
        if offer.audience and offer.audience not in names:
            expected = "the name of an audience in audiences.*, or nothing"
            raise InputError.at(file.file_name, row + 1, "audience", expected, offer.audience)


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        micros = column.cast(pa.int64()).to_pylist()
        return [None if one is None else one / 1e6 for one in micros]
    return column.to_pylist()
