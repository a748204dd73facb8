"""Converts columns of a shop's files to our types; errors name the file, the row and the field."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data.errors import InputError
from data.markup import plain_text
from data.records import CONTROL_CHARACTER, ID_LENGTH_LIMIT

_TIME = pa.timestamp("us", "UTC")
_MILLISECONDS_FROM = 1e11
"""In seconds this is the year 5138; larger numbers are taken as milliseconds."""

_FIRST_MICROS = -62_135_596_800e6
_BEYOND_MICROS = 253_402_300_800e6
"""From year 1 to before year 10,000, the range of Python's datetime."""

_A_TIME = "an ISO 8601 time or seconds since 1970"
_WHOLE_BELOW = 2.0**53
"""Below it, float64 represents every integer exactly."""

_FAULTS = (pa.ArrowInvalid, pa.ArrowNotImplementedError)
_TRUE = ("true", "1", "yes")
_FALSE = ("false", "0", "no")
_SEPARATORS = r"\s+>\s+|\s*\|\s*"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a file.

    Args:
        file_name: Name of the file.
        field: Our name of the field, with the file's column name if that differs.
        values: ``[row]``, of any type; text from CSV and JSON Lines.
    """

    file_name: str
    field: str
    values: pa.ChunkedArray

    def fault(self, row: int, expected: str) -> InputError:
        """The error for a row, counted from 0 here and from 1 in its message."""
        value = self.values[row]
        try:
            received = value.as_py()
        except (OverflowError, ValueError):
            # A timestamp outside the range of Python's datetime.
            received = value.cast(pa.int64()).as_py()
        return InputError.at(self.file_name, row + 1, self.field, expected, received)

    def wrong_type(self, expected: str) -> InputError:
        """The error for a column of the wrong type."""
        received = self.values.type
        return InputError(
            f"{self.file_name}, {self.field}: expected a column of {expected}, received {received}"
        )


def texts(column: Column) -> pa.ChunkedArray:
    """``[row] string``, stripped; numbers are converted, null becomes empty."""
    values = column.values
    if pa.types.is_floating(values.type):
        is_whole = pc.equal(pc.floor(values), values)
        if pc.all(pc.and_(is_whole, pc.less(pc.abs(values), _WHOLE_BELOW))).as_py():
            # Tools write integer ids as 12.0 if the column has missing values.
            values = values.cast(pa.int64())
    try:
        values = values.cast(pa.string())
    except _FAULTS:
        raise column.wrong_type("texts") from None
    return pc.fill_null(pc.utf8_trim_whitespace(values), "")


def ids(column: Column) -> pa.ChunkedArray:
    """As ``texts``; each value is a valid id or empty."""
    values = texts(column)
    lengths = pc.utf8_length(values)
    row = pc.index(pc.greater(lengths, ID_LENGTH_LIMIT), True).as_py()
    if row >= 0:
        # Report the length, not the id, as for requests, to keep the message readable.
        expected = f"at most {ID_LENGTH_LIMIT} characters"
        raise InputError.at(column.file_name, row + 1, column.field, expected, lengths[row].as_py())
    has_control = pc.match_substring_regex(values, CONTROL_CHARACTER.pattern)
    _refuse_first(column, has_control, "no control characters")
    return values


def required_ids(column: Column) -> pa.ChunkedArray:
    """As ``ids``, none of them empty."""
    values = ids(column)
    _refuse_first(column, pc.equal(values, ""), "a text")
    return values


def numbers(column: Column) -> pa.ChunkedArray:
    """``[row] float64``; null for missing values."""
    return _converted(column, lambda values: values.cast(pa.float64()), "a number")


def required_numbers(column: Column) -> pa.ChunkedArray:
    """As ``numbers``, none of them null."""
    values = numbers(column)
    _refuse_first(column, pc.is_null(values), "a number")
    return values


def whole_numbers(column: Column) -> pa.ChunkedArray:
    """``[row] int32``; null for missing values."""
    return _converted(
        column,
        # Via float64, since some tools write 2 as 2.0.
        lambda values: values.cast(pa.float64()).cast(pa.int32()),
        "a whole number",
    )


def truths(column: Column) -> pa.ChunkedArray:
    """``[row] bool`` from true/false, 1/0 or yes/no; null for missing values."""
    if pa.types.is_boolean(column.values.type):
        return column.values
    values = pc.utf8_lower(texts(column))
    is_true = pc.is_in(values, value_set=pa.array(_TRUE))
    is_false = pc.is_in(values, value_set=pa.array(_FALSE))
    is_empty = pc.equal(values, "")
    is_known = pc.or_(is_empty, pc.or_(is_true, is_false))
    _refuse_first(column, pc.invert(is_known), f"one of {', '.join(_TRUE + _FALSE)}")
    return pc.if_else(is_empty, pa.scalar(None, pa.bool_()), is_true)


def times(column: Column) -> pa.ChunkedArray:
    """``[row] timestamp[us, UTC]`` from ISO 8601 (without a zone: UTC) or numbers.

    A number is in seconds since 1970, or in milliseconds if above 1e11. Null for missing values.
    """
    values = column.values
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        zone = getattr(values.type, "tz", None)
        moments = values.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
        return _times_of(column, moments)
    if not pa.types.is_string(values.type):
        seconds = _converted(column, lambda values: values.cast(pa.float64()), _A_TIME)
        return _times_of(column, _micros(seconds))
    values = _blank_to_null(values)
    for convert in (
        lambda: values.cast(_TIME),
        lambda: values.cast(pa.timestamp("us")).cast(_TIME),
    ):
        try:
            return convert()
        except pa.ArrowInvalid:
            continue
    # Neither all with a zone nor all without: numbers, a mixture, or invalid values.
    try:
        seconds = values.cast(pa.float64())
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array(_times_one_by_one(column, values), _TIME)])
    return _times_of(column, _micros(seconds))


def required_times(column: Column) -> pa.ChunkedArray:
    """As ``times``, none of them null."""
    values = times(column)
    _refuse_first(column, pc.is_null(values), "a time")
    return values


def paths(column: Column) -> pa.Array:
    """``[row] list<string>`` from a list, JSON text, or text separated by `` > `` or ``|``."""
    if pa.types.is_nested(column.values.type):
        try:
            lists = column.values.cast(pa.list_(pa.string())).to_pylist()
        except _FAULTS:
            raise column.wrong_type("lists of texts") from None
        return pa.array([_labels(labels or []) for labels in lists], pa.list_(pa.string()))
    encoded = texts(column).combine_chunks().dictionary_encode()
    # Before the split, since the separator may be escaped: "Home &gt; Garden".
    distinct = pa.array(map(plain_text, encoded.dictionary.to_pylist()), pa.string())
    split = pc.split_pattern_regex(distinct, _SEPARATORS).to_pylist()
    lists = [
        _json_list(column, text, encoded, number) if text.startswith("[") else labels
        for number, (text, labels) in enumerate(zip(distinct.to_pylist(), split, strict=True))
    ]
    return pa.array(map(_labels, lists), pa.list_(pa.string())).take(encoded.indices)


def facts(column: Column) -> list[dict[str, str]]:
    """Attributes by name, per row: from a map, a struct, or a JSON object as text."""
    rows: list[dict[str, str]] = []
    is_map = pa.types.is_map(column.values.type)
    for row, value in enumerate(column.values.to_pylist()):
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else {}
            except ValueError:
                raise column.fault(row, "a JSON object") from None
        elif is_map and value is not None:
            value = dict(value)
        value = {} if value is None else value
        if not isinstance(value, Mapping):
            raise column.fault(row, "a JSON object")
        rows.append(
            {
                str(name): _as_text(value_of_name)
                for name, value_of_name in value.items()
                if value_of_name is not None
            }
        )
    return rows


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_as_text(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _labels(labels: Iterable[str | None]) -> list[str]:
    return [label.strip() for label in labels if label and label.strip()]


def _json_list(column: Column, text: str, encoded: pa.DictionaryArray, number: int) -> list[str]:
    try:
        labels = json.loads(text)
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        row = pc.index(encoded.indices, number).as_py()
        raise column.fault(row, "a JSON list of texts")
    return labels


def _micros(seconds: pa.ChunkedArray) -> pa.ChunkedArray:
    is_milliseconds = pc.greater(pc.abs(seconds), _MILLISECONDS_FROM)
    return pc.round(pc.multiply(seconds, pc.if_else(is_milliseconds, 1e3, 1e6)))


def _times_of(column: Column, micros: pa.ChunkedArray) -> pa.ChunkedArray:
    rough = micros.cast(pa.float64(), safe=False)
    is_date = pc.and_(pc.greater_equal(rough, _FIRST_MICROS), pc.less(rough, _BEYOND_MICROS))
    _refuse_first(column, pc.invert(is_date), _A_TIME)
    return micros.cast(pa.int64()).cast(_TIME)


def _times_one_by_one(column: Column, values: pa.ChunkedArray) -> list[datetime | None]:
    return [
        None if text is None else _time(column, row, text)
        for row, text in enumerate(values.to_pylist())
    ]


def _time(column: Column, row: int, text: str) -> datetime:
    try:
        micros = _micros(pa.scalar(float(text))).as_py()
    except ValueError:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise column.fault(row, _A_TIME) from None
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    if not _FIRST_MICROS <= micros < _BEYOND_MICROS:
        raise column.fault(row, _A_TIME)
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def _blank_to_null(values: pa.ChunkedArray) -> pa.ChunkedArray:
    values = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)


def _converted(
    column: Column, convert: Callable[[pa.ChunkedArray], pa.ChunkedArray], expected: str
) -> pa.ChunkedArray:
    values = column.values
    if pa.types.is_string(values.type):
        values = _blank_to_null(values)
    try:
        return convert(values)
    except _FAULTS:
        pass
    # Arrow does not report the failing row; find the first one by bisection.
    begin, end = 0, len(values)
    while end - begin > 1:
        middle = (begin + end) // 2
        try:
            convert(values.slice(begin, middle - begin))
        except _FAULTS:
            end = middle
        else:
            begin = middle
    raise column.fault(begin, expected)


def _refuse_first(column: Column, is_bad: pa.ChunkedArray, expected: str) -> None:
    row = pc.index(is_bad, True).as_py()
    if row >= 0:
        raise column.fault(row, expected)
