"""Forecasts of demand as a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_DAY_SECONDS = 86_400

FORECAST_SCHEMA = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("period_days", pa.int32(), nullable=False),
        pa.field("forecast", pa.float64(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
    ]
)
"""A row for each series and period to come: ``kind`` is ``item`` or ``category``, ``key`` an item id or
a category path (``Dairy > Milk``), ``day`` the first day of the period in UTC, ``forecast`` the
purchases expected in it."""


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """Forecasts of all series.

    Args:
        kinds, keys, methods: ``[series]`` texts.
        times: ``[horizon]`` begin of each period, seconds since 1970, midnight UTC.
        period_days: 1 or 7.
        values: ``[series, horizon] float64``.
    """

    kinds: Sequence[str]
    keys: Sequence[str]
    methods: Sequence[str]
    times: Sequence[float]
    period_days: int
    values: np.ndarray

    def write(self, path: Path) -> None:
        """Writes the file, in ``FORECAST_SCHEMA``."""
        series_count, horizon = self.values.shape
        days = np.array([int(time // _DAY_SECONDS) for time in self.times], np.int32)
        columns = {
            "kind": np.repeat(np.array(self.kinds, dtype=object), horizon),
            "key": np.repeat(np.array(self.keys, dtype=object), horizon),
            "day": pa.array(np.tile(days, series_count)).cast(pa.date32()),
            "period_days": np.full(self.values.size, self.period_days, np.int32),
            "forecast": self.values.ravel(),
            "method": np.repeat(np.array(self.methods, dtype=object), horizon),
        }
        pq.write_table(pa.table(columns, schema=FORECAST_SCHEMA), path, compression="zstd")
