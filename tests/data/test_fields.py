"""Columns become our types whatever a tool has made of them; what cannot is named by its row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import InputError
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

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
NAN, INFINITE = float("nan"), float("inf")


def column(values: list[Any], type_: pa.DataType | None = None) -> Column:
    return Column("items.csv", "price", pa.chunked_array([pa.array(values, type_)]))


def halves(values: list[Any], type_: pa.DataType | None = None) -> Column:
    """The same in two chunks, as larger files come."""
    middle = len(values) // 2
    chunks = [pa.array(part, type_) for part in (values[:middle], values[middle:])]
    return Column("items.csv", "price", pa.chunked_array(chunks))


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([" a\t", None, "", "智能手机\u3000"], None, ["a", "", "", "智能手机"]),
        ([12.0, None], None, ["12", ""]),
        ([12.0, 12.5], None, ["12", "12.5"]),
        ([1e300, 2.0], None, ["1e+300", "2"]),
        ([12.0, INFINITE], None, ["12", "inf"]),
        ([12, None], pa.int64(), ["12", ""]),
        ([True], None, ["true"]),
        ([Decimal("1.50")], None, ["1.50"]),
        ([None, None], None, ["", ""]),
        ([date(2024, 2, 29)], None, ["2024-02-29"]),
        ([b"\xe6\x9c\xba"], None, ["机"]),
    ],
)
def test_texts_of_any_plain_type(values: list[Any], type_: Any, expected: list[str]) -> None:
    assert texts(column(values, type_)).to_pylist() == expected
    assert texts(halves(values * 2, type_)).to_pylist() == expected * 2


@pytest.mark.parametrize(
    ("convert", "values", "expected"),
    [
        (texts, [["a"]], "a column of texts, received list<item: string>"),
        (texts, [{"a": 1}], "a column of texts, received struct<a: int64>"),
        (texts, [b"\xff"], "a column of texts, received binary"),
        (paths, [{"a": 1}], "a column of lists of texts, received struct<a: int64>"),
        (paths, [[{"a": 1}]], "a column of lists of texts, received list<item: struct<a: int64>>"),
    ],
)
def test_a_column_of_another_kind_is_named(
    convert: Callable[[Column], object], values: list[Any], expected: str
) -> None:
    with pytest.raises(InputError, match=re.escape(f"items.csv, price: expected {expected}")):
        convert(column(values))


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        (["1", " 2.5 ", "-3e2", "", " ", None], None, [1.0, 2.5, -300.0, None, None, None]),
        ([1, None], pa.int8(), [1.0, None]),
        ([Decimal("1.50")], None, [1.5]),
        ([None], None, [None]),
        (["inf"], None, [INFINITE]),
    ],
)
def test_numbers(values: list[Any], type_: Any, expected: list[float | None]) -> None:
    assert numbers(column(values, type_)).to_pylist() == expected


def test_whole_numbers_may_be_written_as_tools_write_them() -> None:
    assert whole_numbers(column(["2", "2.0", "", None])).to_pylist() == [2, 2, None, None]
    assert whole_numbers(column([2.0, None])).to_pylist() == [2, None]
    assert whole_numbers(column(["-1"])).type == pa.int32()


@pytest.mark.parametrize(
    ("convert", "values", "row", "expected"),
    [
        (numbers, ["1", "cheap", "dear"], 2, "a number, received 'cheap'"),
        (numbers, ["1", "2", "1,204.50"], 3, "a number, received '1,204.50'"),
        (numbers, ["¥3999"], 1, "a number, received '¥3999'"),
        (numbers, [[1.0]], 1, "a number, received [1.0]"),
        (required_numbers, ["1", " "], 2, "a number, received ' '"),
        (required_numbers, [1.0, None], 2, "a number, received None"),
        (whole_numbers, ["1", "2.5"], 2, "a whole number, received '2.5'"),
        (whole_numbers, [1.0, NAN], 2, "a whole number, received nan"),
        (whole_numbers, [1, 3_000_000_000], 2, "a whole number, received 3000000000"),
        (required_ids, ["a", " ", "b"], 2, "a text, received ' '"),
        (required_ids, [None], 1, "a text, received None"),
        (required_ids, ["a", "b\nc"], 2, r"no control characters, received 'b\nc'"),
        (ids, ["", "a\x00"], 2, r"no control characters, received 'a\x00'"),
        (ids, ["a\x85b"], 1, r"no control characters, received 'a\x85b'"),
        (ids, ["界" * 128, "界" * 129], 2, "at most 128 characters, received 129"),
        (truths, ["yes", "maybe"], 2, "one of true, 1, yes, false, 0, no, received 'maybe'"),
        (truths, [1, 2], 2, "one of true, 1, yes, false, 0, no, received 2"),
        (facts, ["{}", "[1]"], 2, "a JSON object, received '[1]'"),
        (facts, ["{}", "{"], 2, "a JSON object, received '{'"),
        (facts, [3], 1, "a JSON object, received 3"),
        (facts, [["ab", "cd"]], 1, "a JSON object, received ['ab', 'cd']"),
        (paths, ["a", "[1]", "[1]"], 2, "a JSON list of texts, received '[1]'"),
        (paths, ["a", "[x"], 2, "a JSON list of texts, received '[x'"),
    ],
)
def test_a_fault_is_named_by_its_row(
    convert: Callable[[Column], object], values: list[Any], row: int, expected: str
) -> None:
    message = f"items.csv, row {row}, price: expected {expected}"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        convert(column(values))


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_first_fault_of_many_is_found(before: int, between: int) -> None:
    values = ["1"] * before + ["x"] + ["1"] * between + ["y"]
    with pytest.raises(InputError, match=f"row {before + 1}, price: expected a number, rec.*'x'"):
        numbers(halves(values))


def test_truths() -> None:
    assert truths(column(["TRUE", "no", " Yes", "0", "1", "", None, "False"])).to_pylist() == [
        True,
        False,
        True,
        False,
        True,
        None,
        None,
        False,
    ]
    assert truths(column([True, None])).to_pylist() == [True, None]
    assert truths(column([1.0, 0.0, None])).to_pylist() == [True, False, None]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["2024-02-29T12:00:00Z"], None),
        (["2024-02-29T20:00:00+08:00"], None),
        (["2024-02-29 12:00:00"], None),
        (["2024-02-29T12:00"], None),
        (["2024-02-29T12:00:00.000000000Z"], None),
        ([" 1709208000 "], None),
        (["1709208000000"], None),
        ([1_709_208_000], None),
        ([1_709_208_000_000.0], None),
        ([NOON], pa.timestamp("ns", "Asia/Shanghai")),
        ([NOON.replace(tzinfo=None)], pa.timestamp("s")),
        ([NOON.astimezone(timezone(timedelta(hours=-5)))], None),
    ],
)
def test_a_moment_is_the_same_however_it_is_written(values: list[Any], type_: Any) -> None:
    assert times(column([*values, None], type_)).to_pylist() == [NOON, None]


def test_times_of_all_kinds_may_stand_in_one_column() -> None:
    written = ["2024-02-29", "2024-02-29T12:00:00+00:00", "1709208000.5", "", None, "0"]
    assert times(column(written)).to_pylist() == [
        NOON - timedelta(hours=12),
        NOON,
        NOON + timedelta(seconds=0.5),
        None,
        None,
        datetime(1970, 1, 1, tzinfo=UTC),
    ]
    assert times(column([date(2024, 2, 29)])).to_pylist() == [NOON - timedelta(hours=12)]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["2024-02-29T12:00:00Z", "yesterday"], None),
        (["2024-02-29T12:00:00Z", "2024-02-30T12:00:00Z"], None),
        (["2024-02-29T12:00:00Z", "nan"], None),
        (["2024-02-29T12:00:00Z", "1e30"], None),
        (["1709208000", "nan"], None),
        (["1709208000", "inf"], None),
        (["1709208000", "1709208000000000"], None),
        ([1_709_208_000, 1_709_208_000_000_000], None),
        ([1_709_208_000.0, NAN], None),
        ([1.0, -1e30], None),
        ([0, 2**62], pa.timestamp("us")),
    ],
)
def test_what_is_no_date_is_named(values: list[Any], type_: Any) -> None:
    expected = "^items.csv, row 2, price: expected an ISO 8601 time or seconds since 1970, received"
    with pytest.raises(InputError, match=expected):
        times(Column("items.csv", "price", pa.chunked_array([pa.array(values, type_)])))


def test_the_first_and_the_last_moment_are_dates() -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
    seconds, milliseconds = -62_135_596_800, 253_402_300_799_000
    for written in ([seconds, milliseconds], [str(seconds), str(milliseconds)]):
        assert times(column(written)).to_pylist() == ends
    assert times(column([str(seconds), f"{milliseconds}", "1970-01-01"])).to_pylist()[:2] == ends
    for beyond in (seconds - 1, milliseconds + 1_000):
        for values in ([beyond], [str(beyond)], [str(beyond), "1970-01-01"]):
            with pytest.raises(InputError, match="row 1, price: expected an ISO 8601 time or sec"):
                times(column(values))


@pytest.mark.parametrize("type_", [pa.duration("s"), pa.time32("s")])
def test_a_span_or_an_hour_is_no_time(type_: pa.DataType) -> None:
    with pytest.raises(InputError, match="row 1, price: expected an ISO 8601 time or seconds"):
        times(column([1], type_))


def test_a_required_time_may_not_be_missing() -> None:
    assert required_times(column(["2024-02-29T12:00Z"])).to_pylist() == [NOON]
    with pytest.raises(InputError, match="^items.csv, row 2, price: expected a time, received ''$"):
        required_times(column(["0", ""]))


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.sampled_from([0, 8, -5]))
def test_iso_texts_come_back(moment: datetime, hours: int) -> None:
    moment = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert times(column([moment.isoformat(), "0"])).to_pylist()[0] == moment


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        (["手机 > 智能手机", "a|b | c", " a>b ", "", None], None)
        + ([["手机", "智能手机"], ["a", "b", "c"], ["a>b"], [], []],),
        (['["a", "b > c", " "]', "x"], None, [["a", "b > c"], ["x"]]),
        ([["a", None, " ", " b "], None, []], None, [["a", "b"], [], []]),
        ([["a"]], pa.large_list(pa.large_string()), [["a"]]),
        ([["a", "b"]], pa.list_(pa.string(), 2), [["a", "b"]]),
        ([[1, 2]], None, [["1", "2"]]),
        ([3, None], None, [["3"], []]),
        (["Home &gt; Pots &amp; Pans"], None, [["Home", "Pots & Pans"]]),
    ],
)
def test_paths(values: list[Any], type_: Any, expected: list[list[str]]) -> None:
    assert paths(column(values, type_)).to_pylist() == expected
    assert paths(halves(values * 2, type_)).to_pylist() == expected * 2


label = st.text(st.sampled_from("ab 智[]{}\"'\\,"), min_size=1, max_size=5).map(str.strip)
category = st.lists(label.filter(bool), min_size=1, max_size=3)


@given(st.lists(category, min_size=1, max_size=5))
def test_paths_as_json_come_back(categories: list[list[str]]) -> None:
    written = [json.dumps(path, ensure_ascii=False) for path in categories]
    assert paths(column(written)).to_pylist() == categories


def test_facts_of_text_map_and_struct() -> None:
    written = '{"颜色": "黑", "size": 3, "tags": ["a", 1], "no": null, "in": {"色": true}}'
    known = {"颜色": "黑", "size": "3", "tags": "a, 1", "in": '{"色": true}'}
    assert facts(column([written, "", " ", None, "null"])) == [known, {}, {}, {}, {}]
    map_type = pa.map_(pa.string(), pa.int64())
    assert facts(column([[("size", 3), ("no", None)], None], map_type)) == [{"size": "3"}, {}]
    assert facts(column([{"size": 3.5, "no": None}])) == [{"size": "3.5"}]
    assert facts(column([[(7, "x")]], pa.map_(pa.int64(), pa.string()))) == [{"7": "x"}]
