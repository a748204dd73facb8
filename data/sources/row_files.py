"""CSV, TSV, JSON Lines and Parquet as tables; columns are typed if the format has types."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.errors import InputError

ENDINGS = tuple(
    ending + packing for ending in (".csv", ".tsv", ".jsonl", ".ndjson") for packing in ("", ".gz")
) + (".parquet",)
"""The file name endings that can be read."""

_BLOCK_LINES = 100_000


def read_rows(path: Path, *, without: Collection[str] = ()) -> pa.Table:
    """The rows of a file, but for columns of Parquet that are read elsewhere.

    CSV and TSV need a header line; every value is text, and empty values are null. A line of JSON
    Lines is an object; its values become text too, lists and objects as JSON. Parquet keeps its
    types. Text is UTF-8. Blank lines are skipped.

    Raises:
        InputError: The file is not readable, not in the format of its ending, or has no row.
    """
    try:
        if path.suffix == ".parquet":
            table = _read_parquet(path, without)
        elif ".csv" in path.suffixes[-2:]:
            table = _read_delimited(path, ",")
        elif ".tsv" in path.suffixes[-2:]:
            table = _read_delimited(path, "\t")
        else:
            table = _read_json_lines(path)
    except (pa.ArrowException, OSError, EOFError, UnicodeError, zlib.error) as error:
        raise InputError(f"{path.name}: expected a readable file, received: {error}") from error
    if table.num_rows == 0:
        raise InputError(f"{path.name}: expected at least one row, received none")
    return table


def _read_delimited(path: Path, delimiter: str) -> pa.Table:
    invalid_rows: list[pa_csv.InvalidRow] = []

    def note_and_stop(row: pa_csv.InvalidRow) -> str:
        invalid_rows.append(row)
        return "error"

    # A quoted value may contain a line break, and a title such as "NA" is not a missing value.
    parse = pa_csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note_and_stop
    )
    names = _header(path, delimiter)
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    # Arrow reports row numbers only when reading in a single thread.
    read = pa_csv.ReadOptions(use_threads=False)
    try:
        return pa_csv.read_csv(
            path, read_options=read, parse_options=parse, convert_options=convert
        )
    except pa.ArrowInvalid as error:
        if not invalid_rows:
            raise
        row = invalid_rows[0]
        expected = f"{row.expected_columns} values as in the header"
        raise InputError.at(
            path.name, row.number - 1, "columns", expected, row.actual_columns
        ) from error


def _header(path: Path, delimiter: str) -> list[str]:
    with pa.input_stream(path) as stream:
        line = stream.read(1 << 20)
    if not line.strip():
        raise InputError(f"{path.name}: expected a header line, received an empty file")
    parse = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    head = line.lstrip(b"\r\n").split(b"\n", 1)[0] + b"\n"
    names = pa_csv.read_csv(pa.BufferReader(head), parse_options=parse).column_names
    _refuse_repeated_names(path, names)
    return names


def _refuse_repeated_names(path: Path, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InputError(
            f"{path.name}: expected columns of different names, received {repeated[0]!r} twice"
        )


def _read_parquet(path: Path, without: Collection[str]) -> pa.Table:
    names = pq.read_schema(path).names
    _refuse_repeated_names(path, names)
    table = pq.read_table(path, columns=[name for name in names if name not in without])
    for index, column in enumerate(table.schema):
        # Convert other string types and dictionary encoding to plain strings.
        of_values = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_large_string(of_values) or pa.types.is_string_view(of_values):
            of_values = pa.string()
        if of_values != column.type:
            table = table.set_column(index, column.name, table[column.name].cast(of_values))
    return table


def _read_json_lines(path: Path) -> pa.Table:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8-sig") as file:
        rows = _json_rows(path.name, file)
        blocks = []
        while block := list(islice(rows, _BLOCK_LINES)):
            names = dict.fromkeys(name for row in block for name in row)
            columns = {name: [_as_text(row.get(name)) for row in block] for name in names}
            blocks.append(pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()}))
    return pa.concat_tables(blocks, promote_options="default") if blocks else pa.table({})


def _json_rows(file_name: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    filled = (line for line in lines if line.strip())
    for number, line in enumerate(filled, start=1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError.at(
                file_name, number, "line", "a JSON object", line.strip()[:80]
            ) from error
        if not isinstance(row, dict):
            raise InputError.at(file_name, number, "line", "a JSON object", line.strip()[:80])
        yield row


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
