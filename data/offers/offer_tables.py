"""Offers, audiences and redemptions as Arrow tables, in memory and in a folder of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.errors import InputError
from data.offers.offer import Offer, OfferKind, Redemption

_TIME = pa.timestamp("us", "UTC")


def _required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


def _texts(*names: str) -> list[pa.Field]:
    return [_required(name, pa.string()) for name in names]


OFFER_SCHEMA = pa.schema(
    [
        *_texts("offer_id"),
        _required("kind", pa.int8()),
        _required("item_ids", pa.list_(pa.string())),
        _required("categories", pa.list_(pa.list_(pa.string()))),
        pa.field("percent_off", pa.float64()),
        pa.field("amount_off", pa.float64()),
        *_texts("audience"),
        pa.field("start_time", _TIME),
        pa.field("end_time", _TIME),
        pa.field("budget", pa.float64()),
        pa.field("visitor_limit", pa.int32()),
        *_texts("text"),
    ]
)
"""The fields of ``Offer``; ``kind`` is the number of the ``OfferKind``."""

AUDIENCE_SCHEMA = pa.schema(_texts("audience", "visitor_id"))
"""One row for each visitor of each audience."""

REDEMPTION_SCHEMA = pa.schema(
    [
        *_texts("redemption_id", "offer_id", "visitor_id"),
        _required("time", _TIME),
        *_texts("item_id"),
        pa.field("price", pa.float64()),
    ]
)
"""The fields of ``Redemption``."""


@dataclass(frozen=True, eq=False)
class OfferTables:
    """The offers of a shop.

    Args:
        offers: ``OFFER_SCHEMA``.
        audiences: ``AUDIENCE_SCHEMA``.
        redemptions: ``REDEMPTION_SCHEMA``, by time in a folder of tables.
        deleted_ids: Offers of earlier tables that there are no more; not written.
    """

    offers: pa.Table
    audiences: pa.Table
    redemptions: pa.Table
    deleted_ids: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        offers: Iterable[Offer],
        audiences: Iterable[tuple[str, str]] = (),
        redemptions: Iterable[Redemption] = (),
    ) -> OfferTables:
        """From records; an audience as pairs of its name and a visitor."""
        pairs = list(audiences)
        names, visitors = [name for name, _ in pairs], [visitor for _, visitor in pairs]
        return cls(
            offers_table(offers),
            pa.table({"audience": names, "visitor_id": visitors}, schema=AUDIENCE_SCHEMA),
            redemptions_table(redemptions),
        )

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of offers, audiences and redemptions, for the quality report."""
        return {
            "count": self.offers.num_rows,
            "audience_count": pc.count_distinct(self.audiences["audience"]).as_py(),
            "redemption_count": self.redemptions.num_rows,
        }


_NAMES = ("offers", "audiences", "redemptions")
_SCHEMAS = dict(zip(_NAMES, (OFFER_SCHEMA, AUDIENCE_SCHEMA, REDEMPTION_SCHEMA), strict=True))


def read_offer_tables(folder: Path) -> OfferTables | None:
    """The offers in a folder of tables; None if it has none.

    Raises:
        InputError: A table is missing or of another schema.
    """
    paths = {name: folder / f"{name}.parquet" for name in _NAMES}
    if not paths["offers"].is_file():
        return None
    tables = {}
    for name, path in paths.items():
        try:
            tables[name] = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path}: expected a readable table, received {error!r}") from error
        if not tables[name].schema.equals(_SCHEMAS[name]):
            raise InputError(
                f"{path}: expected the columns {', '.join(_SCHEMAS[name].names)}, "
                f"received {', '.join(tables[name].schema.names)}"
            )
    return OfferTables(**tables)


def write_offer_tables(folder: Path, tables: OfferTables) -> None:
    """Writes the three tables into a folder of tables."""
    by_time = tables.redemptions.sort_by("time")
    for name, table in zip(_NAMES, (tables.offers, tables.audiences, by_time), strict=True):
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")


def extended(base: OfferTables | None, newer: OfferTables | None) -> OfferTables | None:
    """Earlier offers with newer ones, which override those of their ids, and without those deleted;
    audiences and redemptions are added."""
    if base is None or newer is None:
        return newer or base
    gone = [*newer.offers["offer_id"].to_pylist(), *newer.deleted_ids]
    is_old = pc.invert(pc.is_in(base.offers["offer_id"], value_set=pa.array(gone, pa.string())))
    return OfferTables(
        pa.concat_tables([newer.offers, base.offers.filter(is_old)]),
        pa.concat_tables([newer.audiences, base.audiences]),
        pa.concat_tables([base.redemptions, newer.redemptions]),
    )


def offers_table(offers: Iterable[Offer]) -> pa.Table:
    """Offers as a table in ``OFFER_SCHEMA``; times are rounded to the microsecond."""
    columns = _columns(list(offers), OFFER_SCHEMA)
    columns["start_time"] = _times(columns["start_time"])
    columns["end_time"] = _times(columns["end_time"])
    return pa.table(columns, schema=OFFER_SCHEMA)


def redemptions_table(redemptions: Iterable[Redemption]) -> pa.Table:
    """Redemptions as a table in ``REDEMPTION_SCHEMA``; times are rounded to the microsecond."""
    columns = _columns(list(redemptions), REDEMPTION_SCHEMA)
    columns["time"] = _times(columns["time"])
    return pa.table(columns, schema=REDEMPTION_SCHEMA)


def iter_offers(table: pa.Table) -> Iterator[Offer]:
    """The rows of a table in ``OFFER_SCHEMA``, in order."""
    values = {name: table[name].to_pylist() for name in OFFER_SCHEMA.names}
    values["kind"] = [OfferKind(number) for number in values["kind"]]
    values["item_ids"] = [tuple(ids) for ids in values["item_ids"]]
    values["categories"] = [tuple(map(tuple, paths)) for paths in values["categories"]]
    for name in ("start_time", "end_time"):
        values[name] = _seconds(table[name])
    # Columns are in the order of the dataclass fields, so rows are positional arguments.
    yield from map(Offer, *values.values())


def iter_redemptions(table: pa.Table) -> Iterator[Redemption]:
    """The rows of a table in ``REDEMPTION_SCHEMA``, in order."""
    values = {name: table[name].to_pylist() for name in REDEMPTION_SCHEMA.names}
    values["time"] = _seconds(table["time"])
    yield from map(Redemption, *values.values())


def members(table: pa.Table) -> dict[str, frozenset[str]]:
    """The visitors of each audience, of a table in ``AUDIENCE_SCHEMA``."""
    found: dict[str, set[str]] = {}
    names, visitors = table["audience"].to_pylist(), table["visitor_id"].to_pylist()
    for name, visitor in zip(names, visitors, strict=True):
        found.setdefault(name, set()).add(visitor)
    return {name: frozenset(visitors) for name, visitors in found.items()}


def _columns(rows: Sequence[Any], schema: pa.Schema) -> dict[str, Any]:
    return {name: [getattr(row, name) for row in rows] for name in schema.names}


def _times(seconds: Sequence[float | None]) -> pa.Array:
    micros = [None if one is None else round(one * 1e6) for one in seconds]
    return pa.array(micros, pa.int64()).cast(_TIME)


def _seconds(column: pa.ChunkedArray) -> list[float | None]:
    micros = column.cast(pa.int64()).to_pylist()
    return [None if one is None else float(np.float64(one) / 1e6) for one in micros]
