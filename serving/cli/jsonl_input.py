"""Events and items from JSON Lines, one object per line, fields as in ``data.records``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from data.errors import InputError, RequestError
from data.offers.offer import KIND_BY_LABEL, Offer, fault_of
from data.records import EVENT_TYPE_BY_LABEL, Event, Item
from serving.api.validation import checked_event, checked_item
from serving.cli.options import category_path

_EVENT_KINDS: dict[str, type | tuple[type, ...]] = {
    "event_id": str,
    "type": str,
    "visitor_id": str,
    "time": (int, float, str),
    "item_id": str,
    "query": str,
    "session_id": str,
    "quantity": int,
    "price": (int, float),
    "rating": (int, float),
    "text": str,
    "surface": str,
    "attribution_token": str,
    "dwell_seconds": (int, float),
    "offer_id": str,
}
_ITEM_KINDS: dict[str, type | tuple[type, ...]] = {
    "item_id": str,
    "title": str,
    "description": str,
    "category": (str, list),
    "brand": str,
    "price": (int, float),
    "currency": str,
    "in_stock": bool,
    "attributes": dict,
    "image": str,
    "audio": str,
    "created_time": (int, float, str),
}

_OFFER_KINDS: dict[str, type | tuple[type, ...]] = {
    "offer_id": str,
    "kind": str,
    "item_ids": list,
    "categories": list,
    "percent_off": (int, float),
    "amount_off": (int, float),
    "audience": str,
    "start_time": (int, float, str),
    "end_time": (int, float, str),
    "budget": (int, float),
    "visitor_limit": int,
    "text": str,
}


def read_events(lines: Iterable[str], file_name: str, *, now: float) -> Iterator[Event]:
    """The events of a file; ``time`` is seconds since 1970 or ISO 8601, or ``now`` if left out.

    Raises:
        InputError: A line is not valid; the message names line and field.
    """
    for row, values in _rows(lines, file_name, _EVENT_KINDS):
        label = values.pop("type", None)
        if label not in EVENT_TYPE_BY_LABEL:
            raise InputError.at(
                file_name, row, "type", f"one of {', '.join(_type_labels())}", label
            )
        moment = _moment(values["time"], file_name, row, "time") if "time" in values else None
        values["time"] = moment.timestamp() if moment else now
        event = Event(
            event_id=values.pop("event_id", ""),
            type=EVENT_TYPE_BY_LABEL[label],
            visitor_id=values.pop("visitor_id", ""),
            **values,
        )
        try:
            yield checked_event(event, now=now)
        except RequestError as error:
            raise InputError(f"{file_name}, row {row:,}, {error}") from error


def read_items(lines: Iterable[str], file_name: str) -> Iterator[Item]:
    """The items of a file; ``category`` is a list or ``"Dairy > Milk"``.

    Raises:
        InputError: A line is not valid; the message names line and field.
    """
    for row, values in _rows(lines, file_name, _ITEM_KINDS):
        category = values.pop("category", ())
        path = category_path(category) if isinstance(category, str) else tuple(category)
        if not all(isinstance(part, str) for part in path):
            raise InputError.at(file_name, row, "category", "words", category)
        attributes = values.pop("attributes", {})
        if not all(isinstance(value, str) for value in attributes.values()):
            raise InputError.at(file_name, row, "attributes", "words by name", attributes)
        if "created_time" in values:
            values["created_time"] = _moment(values["created_time"], file_name, row, "created_time")
        item = Item(values.pop("item_id", ""), category=path, attributes=attributes, **values)
        try:
            yield checked_item(item)
        except RequestError as error:
            raise InputError(f"{file_name}, row {row:,}, {error}") from error


def read_offers(lines: Iterable[str], file_name: str) -> Iterator[Offer]:
    """The offers of a file; ``categories`` are lists or texts such as ``"Dairy > Milk"``.

    Raises:
        InputError: A line is not valid; the message names line and field.
    """
    for row, values in _rows(lines, file_name, _OFFER_KINDS):
        label = values.pop("kind", None)
        if label not in KIND_BY_LABEL:
            expected = f"one of {', '.join(KIND_BY_LABEL)}"
            raise InputError.at(file_name, row, "kind", expected, label)
        item_ids = tuple(values.pop("item_ids", ()))
        paths = [
            category_path(one) if isinstance(one, str) else tuple(one)
            for one in values.pop("categories", ())
            if isinstance(one, str | list)
        ]
        if not all(
            isinstance(part, str) for part in (*item_ids, *(p for path in paths for p in path))
        ):
            raise InputError.at(file_name, row, "item_ids", "words", item_ids)
        for name in ("start_time", "end_time"):
            if name in values:
                values[name] = _moment(values[name], file_name, row, name).timestamp()
        offer_id = values.pop("offer_id", "")
        kind = KIND_BY_LABEL[label]
        offer = Offer(offer_id, kind, item_ids, tuple(paths), **values)
        fault = fault_of(offer)
        if fault is not None:
            raise InputError.at(file_name, row, fault.field, fault.expected, fault.received)
        yield offer


def _rows(
    lines: Iterable[str], file_name: str, kinds: dict[str, type | tuple[type, ...]]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, line in _numbered(lines, file_name):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise InputError.at(file_name, row, "line", "a JSON object", line[:80]) from error
        if not isinstance(values, dict):
            raise InputError.at(file_name, row, "line", "a JSON object", values)
        for name, value in list(values.items()):
            if name not in kinds:
                raise InputError.at(file_name, row, name, f"one of {', '.join(kinds)}", value)
            if value is None:
                del values[name]
            elif not isinstance(value, kinds[name]) or _is_stray_bool(value, kinds[name]):
                raise InputError.at(file_name, row, name, _kind_name(kinds[name]), value)
        yield row, values


def _numbered(lines: Iterable[str], file_name: str) -> Iterator[tuple[int, str]]:
    try:
        yield from enumerate(lines, 1)
    except UnicodeDecodeError as error:
        raise InputError(f"{file_name}: expected UTF-8, received: {error.reason}") from error


def _moment(value: float | str, file_name: str, row: int, field: str) -> datetime:
    try:
        if not isinstance(value, str):
            return datetime.fromtimestamp(value, tz=UTC)
        moment = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError) as error:
        expected = "seconds since 1970 or ISO 8601"
        raise InputError.at(file_name, row, field, expected, value) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_stray_bool(value: object, kind: type | tuple[type, ...]) -> bool:
    # In Python True is an int; as a price it is a mistake.
    return isinstance(value, bool) and kind is not bool


def _kind_name(kind: type | tuple[type, ...]) -> str:
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    names |= {list: "a list", dict: "an object"}
    kinds = kind if isinstance(kind, tuple) else (kind,)
    return " or ".join(names[one] for one in kinds if one is not int or float not in kinds)


def _type_labels() -> list[str]:
    return list(EVENT_TYPE_BY_LABEL)
