"""CSV, TSV, JSON Lines and Parquet give the same rows; an unreadable file is named with its row."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import InputError
from data.sources.row_files import ENDINGS, read_rows

Rows = list[dict[str, str | None]]
ROWS: Rows = [
    {"item_id": "1", "title": "智能手机, 128GB", "note": 'a "b"\nc'},
    {"item_id": "NA", "title": "null", "note": None},
    {"item_id": "007", "title": "Café\ttable", "note": "1.50"},
]


def delimited(rows: Rows, delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def json_lines(rows: Rows) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def write(folder: Path, ending: str, rows: Rows = ROWS) -> Path:
    path = folder / f"rows{ending}"
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path
    kind = ending.removesuffix(".gz")
    delimiter = {".csv": ",", ".tsv": "\t"}.get(kind)
    content = delimited(rows, delimiter) if delimiter else json_lines(rows)
    path.write_bytes(gzip.compress(content) if ending.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, ending: str) -> None:
    table = read_rows(write(tmp_path, ending))
    assert table.to_pylist() == ROWS
    assert set(table.schema.types) == {pa.string()}


def test_the_endings_are_those_of_the_contract() -> None:
    assert set(ENDINGS) == {
        *(".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"),
        *(".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz"),
    }


values = st.text(st.sampled_from("a1 ,;\t\"'\n智\\|é") | st.characters(exclude_categories=["C"]))
rows_of_texts = st.lists(
    st.fixed_dictionaries({"a": values, "b b": values}), min_size=1, max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows_of_texts, st.sampled_from([".csv", ".tsv.gz", ".jsonl"]))
def test_any_text_comes_back(tmp_path: Path, rows: Rows, ending: str) -> None:
    table = read_rows(write(tmp_path, ending, rows))
    found = [{name: value or "" for name, value in row.items()} for row in table.to_pylist()]
    assert found == rows


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa,b\n1,\xe6\x9c\xba\n",
        b"a,b\r\n1,\xe6\x9c\xba\r\n",
        b"a,b\r1,\xe6\x9c\xba\r",
        b"\n\na,b\n\n1,\xe6\x9c\xba\n\n",
        b'"a","b"\n"1","\xe6\x9c\xba"',
    ],
)
def test_csv_as_tools_write_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(content)
    assert read_rows(path).to_pylist() == [{"a": "1", "b": "机"}]


def test_an_empty_value_is_missing_quoted_or_not(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('a,b,c\n,"",NULL\n')
    assert read_rows(path).to_pylist() == [{"a": None, "b": None, "c": "NULL"}]


def test_json_values_become_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '\ufeff{"a": 12345678901234567890123, "b": true}\n\n{"a": null, "c": ["手", 1]}\n{}\n'
    )
    assert read_rows(path).to_pylist() == [
        {"a": "12345678901234567890123", "b": "true", "c": None},
        {"a": None, "b": None, "c": '["手", 1]'},
        {"a": None, "b": None, "c": None},
    ]


def test_more_json_lines_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [f'{{"a": {number}}}' for number in range(100_001)] + ['{"b": "last"}']
    path.write_text("\n".join(lines))
    table = read_rows(path)
    assert table["a"].to_pylist() == [*map(str, range(100_001)), None]
    assert table["b"].to_pylist()[-2:] == [None, "last"]


def test_parquet_keeps_its_types_but_for_the_many_kinds_of_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    codes = pa.array(["x", None, "x"]).dictionary_encode()
    columns = {
        "number": pa.array([1.5, None, 2.0]),
        "list": pa.array([["a"], [], None]),
        "large": pa.array(["智", None, "b"], pa.large_string()),
        "view": pa.array(["智", None, "b"], pa.string_view()),
        "codes": codes,
        "large_codes": codes.cast(pa.dictionary(pa.int32(), pa.large_string())),
        "number_codes": pa.array([7, 8, 7]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), path)
    table = read_rows(path)
    assert table.to_pylist() == pa.table(columns).to_pylist()
    texts = {name for name in columns if table.schema.field(name).type == pa.string()}
    assert texts == {"large", "view", "codes", "large_codes"}
    assert table.schema.field("number").type == pa.float64()
    assert table.schema.field("number_codes").type == pa.int64()


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "shop=7"
    folder.mkdir()
    assert read_rows(write(folder, ".parquet")).column_names == ["item_id", "title", "note"]


CSV_FAULTS = [
    (b"", "rows.csv: expected a header line, received an empty file"),
    (b" \n\n", "rows.csv: expected a header line, received an empty file"),
    (b"a,b\n", "rows.csv: expected at least one row, received none"),
    (b"a,b,a\n1,2,3\n", "rows.csv: expected columns of different names, received 'a' twice"),
    (
        b"a,b\n1,2\n\n3\n",
        "rows.csv, row 2, columns: expected 2 values as in the header, received 1",
    ),
    (
        b'a,b\n1,"x\ny"\n1,2,3\n',
        "rows.csv, row 2, columns: expected 2 values as in the header, rec",
    ),
    ("a,b\n1,é\n".encode("latin-1"), "rows.csv: expected a readable file, received: "),
    ("a,é\n1,2\n".encode("latin-1"), "rows.csv: expected a readable file, received: "),
    ("a,b\n1,智能手机\n".encode("gb18030"), "rows.csv: expected a readable file, received: "),
    ("a,b\n1,智能手机\n".encode("utf-16"), "rows.csv: expected a readable file, received: "),
]
JSON_FAULTS = [
    (b"", "rows.jsonl: expected at least one row, received none"),
    (b"\n \n", "rows.jsonl: expected at least one row, received none"),
    (b'{"a": 1}\n\n{"b"\n', "rows.jsonl, row 2, line: expected a JSON object, received '{\"b\"'"),
    (b"[1]\n", "rows.jsonl, row 1, line: expected a JSON object, received '[1]'"),
    (b"7\n", "rows.jsonl, row 1, line: expected a JSON object, received '7'"),
    (
        b'{"a":' + b"[" * 100_000,
        'rows.jsonl, row 1, line: expected a JSON object, received \'{"a":[',
    ),
    (b'{"a": "\\ud800"}\n', "rows.jsonl: expected a readable file, received: "),
    ('{"a": "é"}\n'.encode("latin-1"), "rows.jsonl: expected a readable file, received: "),
]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [("rows.csv", *fault) for fault in CSV_FAULTS]
    + [("rows.jsonl", *fault) for fault in JSON_FAULTS]
    + [
        ("rows.csv.gz", b"a,b\n1,2\n", "rows.csv.gz: expected a readable file, received: "),
        ("rows.jsonl.gz", b"{}", "rows.jsonl.gz: expected a readable file, received: "),
        ("rows.parquet", b"PAR1", "rows.parquet: expected a readable file, received: "),
        ("rows.parquet", b"", "rows.parquet: expected a readable file, received: "),
    ],
)
def test_an_unreadable_file_is_named(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{re.escape(expected)}"):
        read_rows(path)


def _half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _flip(path: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])


@pytest.mark.parametrize(
    ("ending", "damage"),
    # Parquet has no checksum of its pages, so a flipped bit in one may go unseen.
    [(".parquet", _half), (".parquet", Path.unlink)]
    + [(ending, how) for ending in (".csv.gz", ".jsonl.gz") for how in (_half, _flip, Path.unlink)],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, ending: str, damage: Callable[[Path], None]
) -> None:
    rows: Rows = [{"a": str(number * 7919 % 1009), "b": "智"} for number in range(2_000)]
    path = write(tmp_path, ending, rows)
    damage(path)
    with pytest.raises(InputError, match=rf"^rows{re.escape(ending)}: expected a readable file"):
        read_rows(path)


def test_parquet_columns_of_the_same_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"]), path)
    with pytest.raises(InputError, match=r"^rows\.parquet: expected columns of different names"):
        read_rows(path)
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), path)
    with pytest.raises(InputError, match=r"^rows\.parquet: expected at least one row, rec.* none$"):
        read_rows(path)
