"""Predicted values of items, in a file for the shop: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from data.atomic import atomic_file
from data.errors import InputError
from data.predicted.predictions import PredictedValue
from data.sources.fields import Column, numbers, required_ids, texts, truths
from data.sources.row_files import read_rows

ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")

PREDICTED_SCHEMA = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("attribute", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("abstained", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""A row for each value: ``attribute`` is ``brand``, ``category`` or the name of an attribute,
``probability`` that ``value`` is right, ``abstained`` whether it is too unsure to be used, and ``reason``
why; of a row of the model ``spelling`` the reason is the shop's own spelling."""


def check_ending(path: Path) -> None:
    """Checks before long work that ``write_values`` can write a file.

    Raises:
        InputError: Its name ends otherwise, or it is a folder.
    """
    if path.suffix not in ENDINGS:
        raise InputError(
            f"{path.name}: expected a name that ends in {', '.join(ENDINGS)}, received "
            f"{path.suffix or 'none'!r}"
        )
    if path.is_dir():
        raise InputError(f"{path.name}: expected a file or nothing, received a folder")


def write_values(path: Path, values: Sequence[PredictedValue]) -> None:
    """Writes the file atomically, in the format of its ending.

    Raises:
        InputError: As for ``check_ending``, or there is no place for it.
    """
    check_ending(path)
    columns = {name: [getattr(value, name) for value in values] for name in PREDICTED_SCHEMA.names}
    table = pa.table(columns, schema=PREDICTED_SCHEMA)
    with atomic_file(path) as unfinished:
        if path.suffix == ".parquet":
            pq.write_table(table, unfinished, compression="zstd")
        elif path.suffix == ".jsonl":
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()]
            unfinished.write_text("".join(lines), encoding="utf-8")
        else:
            options = pa_csv.WriteOptions(delimiter="," if path.suffix == ".csv" else "\t")
            pa_csv.write_csv(table, unfinished, options)


def read_values(path: Path) -> list[PredictedValue]:
    """What ``write_values`` wrote, or a shop changed since: ``item_id``, ``attribute`` and ``value`` at
    least; without ``probability`` 1, without ``abstained`` false.

    Raises:
        InputError: The file is missing or malformed; the message names file, row and column.
    """
    if not path.is_file():
        raise InputError(f"{path.name}: expected a file of predicted values, found none")
    rows = read_rows(path)
    for name in ("item_id", "attribute", "value"):
        if name not in rows.column_names:
            raise InputError(
                f"{path.name}: expected a column {name}, received {', '.join(rows.column_names)}"
            )
    count = rows.num_rows

    def column(name: str) -> Column | None:
        return Column(path.name, name, rows[name]) if name in rows.column_names else None

    ids = required_ids(Column(path.name, "item_id", rows["item_id"])).to_pylist()
    fields, values, models, reasons = (
        ["" if one is None else one for one in texts(found).to_pylist()]
        if (found := column(name)) is not None
        else [""] * count
        for name in ("attribute", "value", "model", "reason")
    )
    probability, abstained = column("probability"), column("abstained")
    shares = [1.0] * count if probability is None else numbers(probability).to_pylist()
    unsure = [False] * count if abstained is None else truths(abstained).to_pylist()
    return [
        PredictedValue(item_id, field, value, 1.0 if share is None else share, model, bool(no), why)
        for item_id, field, value, share, model, no, why in zip(
            ids, fields, values, shares, models, unsure, reasons, strict=True
        )
    ]
