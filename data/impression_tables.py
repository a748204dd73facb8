"""The answers of a shop's log as an Arrow table: what was shown to whom, and in which place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.errors import InputError
from data.records import Impression

_FILE_NAME = "impressions.parquet"
_CHUNK_SIZE = 50_000

SURFACES = frozenset(("search", "home"))
"""Surfaces whose answers are kept: what others show depends on items of a page as well."""
_TIME = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """What training reads of an impression; its features are computed again.

    Args:
        attribution_token, visitor_id, time, surface, query, item_ids, offset, literal: As in
            ``Impression``.
    """

    attribution_token: str
    visitor_id: str
    time: float
    surface: str
    query: str
    item_ids: tuple[str, ...]
    offset: int
    literal: bool

    @classmethod
    def of(cls, shown: Impression) -> ShownAnswer | None:
        """The answer of an impression; None unless the session and the query are all that it depended
        on: a search or a home page by relevance, without a filter."""
        if shown.surface not in SURFACES or shown.filter or shown.sort_by:
            return None
        return cls(
            shown.attribution_token,
            shown.visitor_id,
            shown.time,
            shown.surface,
            shown.query,
            tuple(shown.item_ids),
            shown.offset,
            shown.literal,
        )


_NAMES = tuple(ShownAnswer.__dataclass_fields__)
_TYPES: dict[str, pa.DataType] = {
    "time": _TIME,
    "item_ids": pa.list_(pa.string()),
    "offset": pa.int32(),
    "literal": pa.bool_(),
}
IMPRESSION_SCHEMA = pa.schema(
    [pa.field(name, _TYPES.get(name, pa.string()), nullable=False) for name in _NAMES]
)
"""The fields of ``ShownAnswer``."""


def impressions_table(answers: Iterable[ShownAnswer | None]) -> pa.Table:
    """Answers, None left out, as a table in ``IMPRESSION_SCHEMA``; times in whole microseconds."""
    rows, chunks = filter(None, answers), [IMPRESSION_SCHEMA.empty_table()]
    # In chunks, since rows as Python objects take many times the memory of a table.
    while chunk := list(islice(rows, _CHUNK_SIZE)):
        columns = {name: [getattr(one, name) for one in chunk] for name in _NAMES}
        seconds = np.array(columns["time"], np.float64)
        columns["time"] = pa.array(np.rint(seconds * 1e6).astype(np.int64)).cast(_TIME)
        chunks.append(pa.table(columns, schema=IMPRESSION_SCHEMA))
    return pa.concat_tables(chunks)


def iter_answers(table: pa.Table) -> Iterator[ShownAnswer]:
    """The rows of a table in ``IMPRESSION_SCHEMA``, in order."""
    for batch in table.to_batches(max_chunksize=_CHUNK_SIZE):
        seconds = batch.column("time").cast(pa.int64()).to_numpy() / 1e6
        columns = {name: batch.column(name).to_pylist() for name in _NAMES if name != "time"}
        columns["time"] = seconds.tolist()
        columns["item_ids"] = [tuple(ids) for ids in columns["item_ids"]]
        yield from map(ShownAnswer, *(columns[name] for name in _NAMES))


def clean_impressions(table: pa.Table, *, since: float, until: float) -> pa.Table:
    """Each answer once, by time, without those outside the log.

    Args:
        since: Time of the log's first event, seconds since 1970: what followed an earlier answer may
            be missing, so that its items would wrongly count as ignored.
        until: Seconds since 1970.
    """
    micros = table["time"].cast(pa.int64()).to_numpy()
    tokens = np.array(table["attribution_token"].to_pylist(), object)
    is_kept = np.zeros(len(micros), bool)
    is_kept[list({token: row for row, token in enumerate(tokens)}.values())] = True
    is_kept &= (micros >= since * 1e6) & (micros <= until * 1e6)
    kept = np.flatnonzero(is_kept)
    return table.take(pa.array(kept[np.argsort(micros[kept], kind="stable")]))


def at_most(table: pa.Table, limit: int) -> pa.Table:
    """As many answers, evenly over the time of all."""
    if table.num_rows <= limit:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, limit).astype(np.int64)))


def joined(earlier: pa.Table | None, later: pa.Table | None) -> pa.Table | None:
    """Two tables as one; None if there is neither."""
    parts = [one for one in (earlier, later) if one is not None]
    return pa.concat_tables(parts) if parts else None


def write_impressions(folder: Path, table: pa.Table) -> None:
    """Writes a table into a folder of tables."""
    pq.write_table(table, folder / _FILE_NAME, compression="zstd")


def read_impressions(folder: Path) -> pa.Table | None:
    """The table of a folder of tables; None where it has none.

    Raises:
        InputError: The file is not such a table.
    """
    path = folder / _FILE_NAME
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: expected a readable table, received {error!r}") from error
    if not table.schema.equals(IMPRESSION_SCHEMA):
        raise InputError(
            f"{path}: expected the columns {', '.join(_NAMES)}, received "
            f"{', '.join(table.schema.names)}; run `nextclick prepare` again"
        )
    return table
