"""Items in batches of a Parquet file, and the columns of a batch by distinct values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.errors import InputError
from data.records import STOCK_ATTRIBUTE
from data.tables import ITEM_SCHEMA, conform

_LEVELS = "\x1f"
_FIELDS = "\x1e"


class Coded(NamedTuple):
    """Values of a column as codes ``[n] int32`` into its distinct values."""

    codes: np.ndarray
    values: Sequence[str]


class Chunks(NamedTuple):
    """Texts cut at every blank.

    Args:
        offsets: ``[texts + 1] int64`` where each text's chunks begin.
        codes: ``[chunks] int32`` into ``values``.
        values: Distinct chunks.
    """

    offsets: np.ndarray
    codes: np.ndarray
    values: list[str]


class ItemColumns(NamedTuple):
    """What the candidate tower reads of a batch of items.

    Args:
        item_ids: ``[items]``.
        titles: Distinct ones are fewer than items, since sizes and colours are often attributes.
        chunks: Those of the distinct titles.
        paths: Category paths; levels are separated by U+001F.
        brands: Empty where an item has none.
        prices: ``[items] float64``, NaN where unknown.
        attribute_offsets: ``[items + 1] int64`` where each item's attributes begin.
        attributes: Values of all attributes, those of an item side by side.
        contents: ``[items]`` all of these but the ids, in one text each.
    """

    item_ids: Sequence[str]
    titles: Coded
    chunks: Chunks
    paths: Coded
    brands: Coded
    prices: np.ndarray
    attribute_offsets: np.ndarray
    attributes: Coded
    contents: Sequence[str]

    @property
    def item_count(self) -> int:
        """Items of the batch."""
        return len(self.item_ids)


def open_items(path: Path) -> pq.ParquetFile:
    """A Parquet file of items, or ``items.parquet`` of a folder of tables.

    Raises:
        InputError: It is none, or has no ``item_id`` and ``title``.
    """
    file = path / "items.parquet" if path.is_dir() else path
    try:
        opened = pq.ParquetFile(file)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{file}: expected a Parquet file of items, received {error}") from error
    names = opened.schema_arrow.names
    if not {"item_id", "title"} <= set(names):
        raise InputError(
            f"{file}: expected the columns item_id and title, received {', '.join(names)}; "
            f"`nextclick prepare` makes such a file"
        )
    return opened


def item_batches(file: pq.ParquetFile, batch_rows: int) -> Iterator[pa.Table]:
    """The items of a file in its order, ``batch_rows`` each but the last, in ``ITEM_SCHEMA``."""
    names = [name for name in ITEM_SCHEMA.names if name in file.schema_arrow.names]
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in file.iter_batches(batch_rows, columns=names):
        waiting.append(batch)
        count += batch.num_rows
        while count >= batch_rows:
            table = pa.Table.from_batches(waiting)
            yield conform(table.slice(0, batch_rows), ITEM_SCHEMA)
            waiting = table.slice(batch_rows).to_batches()
            count -= batch_rows
    if count:
        yield conform(pa.Table.from_batches(waiting), ITEM_SCHEMA)


def item_columns(table: pa.Table) -> ItemColumns:
    """The columns of a batch in ``ITEM_SCHEMA``.

    Raises:
        InputError: An item has no id, or the same attribute twice.
    """
    table = table.combine_chunks()
    columns = {name: _one(table[name]) for name in ITEM_SCHEMA.names}
    ids = columns["item_id"]
    if pc.any(pc.equal(ids, "")).as_py():
        raise InputError("item_id: expected an id for each item, received an empty one")
    paths = pc.binary_join(columns["category"], _LEVELS)
    attributes = columns["attributes"]
    # Offsets and items of a slice still count from the start of the whole array.
    offsets = attributes.offsets.to_numpy().astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    names = attributes.keys.slice(first, last - first)
    values = attributes.items.slice(first, last - first).fill_null("")
    # Its value is no words: see ``Item.worded_attributes``.
    values = pc.if_else(pc.equal(names, STOCK_ATTRIBUTE), "", values)
    offsets -= first
    coded_names = _coded(names)
    owners = np.repeat(np.arange(len(ids), dtype=np.int64), np.diff(offsets))
    pairs = owners * max(1, len(coded_names.values)) + coded_names.codes
    if len(np.unique(pairs)) < len(pairs):
        raise InputError("attributes: expected each name once in an item, received one twice")
    facts = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
    prices, titles = columns["price"], columns["title"].dictionary_encode()
    contents = pc.binary_join_element_wise(
        columns["title"],
        paths,
        columns["brand"],
        pc.fill_null(prices.cast(pa.string()), ""),
        pc.binary_join(facts, _LEVELS),
        _FIELDS,
    )
    return ItemColumns(
        ids.to_pylist(),
        _as_codes(titles),
        _chunks(titles.dictionary),
        _coded(paths),
        _coded(columns["brand"]),
        prices.to_numpy(zero_copy_only=False),
        offsets,
        _coded(values),
        contents.to_pylist(),
    )


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _chunks(texts: pa.Array) -> Chunks:
    cut = pc.split_pattern(texts, " ")
    encoded = cut.values.dictionary_encode()
    offsets = cut.offsets.to_numpy().astype(np.int64)
    return Chunks(offsets, encoded.indices.to_numpy(), encoded.dictionary.to_pylist())


def _coded(values: pa.Array) -> Coded:
    return _as_codes(values.dictionary_encode())


def _as_codes(encoded: pa.DictionaryArray) -> Coded:
    return Coded(encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist())
