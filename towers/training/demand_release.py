"""The forecast of demand that goes into a bundle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from data.records import EventType
from data.tables import Tables, event_micros
from towers.catalog.items import Catalog
from towers.config import DemandConfig
from towers.datasets.progress import Progress
from towers.demand.forecast import KNOWN_SHARE, forecast_demand
from towers.demand.series import ITEM, DemandSeries
from towers.stock.stock_cover import StockCover

_USUAL_QUANTITIES = 10.0
"""A line counts for at most so many times the item's median: one order of thousands tells little."""


def learnt_demand(
    tables: Tables,
    catalog: Catalog,
    config: DemandConfig,
    *,
    until: float,
    seed: int,
    stages: Progress,
) -> tuple[StockCover | None, dict[str, Any]]:
    """The forecast of the days after ``until``, and the report of the comparison that chose it.

    Each item has the method that served its volume class best (see ``forecast_demand``).

    Args:
        until: Seconds since 1970; later purchases are not known.

    Returns:
        None and an empty report where the settings ask for none.

    Raises:
        InputError: The log is too short.
    """
    if not config.horizon_days:
        return None, {}
    stages.start("forecasting demand")
    known_count = int(np.searchsorted(event_micros(tables.events), until * 1e6))
    known = replace(tables, events=tables.events.slice(0, known_count))
    series = DemandSeries.of(
        known, period_days=None, item_limit=config.item_limit, until_share=KNOWN_SHARE
    )
    periods = -(-config.horizon_days // series.period_days)
    found = forecast_demand(series, periods, seed=seed, stages=stages)
    is_item = series.kinds == ITEM
    rows = catalog.rows(series.keys[is_item].tolist())
    lines_a_day = found.coming[is_item].mean(axis=1) / series.period_days
    rates = np.full(catalog.count, np.nan, np.float32)
    listed = rows >= 0
    pieces = _pieces_a_line(known, catalog)
    rates[rows[listed]] = np.maximum(lines_a_day[listed], 0.0) * pieces[rows[listed]]
    return StockCover(rates, config.horizon_days), found.report


def _pieces_a_line(tables: Tables, catalog: Catalog) -> np.ndarray:
    """Mean quantity of the purchases of each item, ``[rows] float64``; 1 where there are none."""
    events = tables.events
    lines = np.flatnonzero(events["type"].to_numpy() == EventType.PURCHASE)
    rows = catalog.rows(events["item_id"].take(lines).to_pylist())
    quantities = events["quantity"].to_numpy(zero_copy_only=False)[lines].astype(np.float64)
    is_known = rows >= 0
    rows, quantities = rows[is_known], quantities[is_known]
    order = np.lexsort((quantities, rows))
    rows, quantities = rows[order], quantities[order]
    counts = np.bincount(rows, minlength=catalog.count)
    begins = np.cumsum(counts) - counts
    bought = np.flatnonzero(counts)
    medians = np.ones(catalog.count)
    middle = begins[bought] + (counts[bought] - 1) // 2
    medians[bought] = quantities[middle]
    capped = np.minimum(quantities, _USUAL_QUANTITIES * medians[rows])
    sums = np.bincount(rows, capped, minlength=catalog.count)
    return np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)
