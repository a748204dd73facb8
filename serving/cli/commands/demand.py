"""``nextclick demand``: forecasts what items and categories will sell."""

from __future__ import annotations

import json
from pathlib import Path

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars

_MARKER = "demand.json"
_PERIODS = {"day": 1, "week": 7}
_HORIZONS = {1: 14, 7: 4}


@click.command()
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder.")
@click.option(
    "--period",
    type=click.Choice(list(_PERIODS)),
    help="Length of a period; by default days if items sell on half of all days, else weeks.",
)
@click.option(
    "--horizon",
    type=click.IntRange(1, 60),
    help="Periods to forecast; by default 14 days or 4 weeks.",
)
@click.option(
    "--items",
    "item_limit",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Number of items, the most bought ones; categories come besides.",
)
@click.option("--seed", default=7, show_default=True, help="Of the network.")
@json_option
@reports_errors
def demand(
    tables: Path,
    out: Path,
    period: str | None,
    horizon: int | None,
    item_limit: int,
    seed: int,
    as_json: bool,
) -> None:
    """Forecast the purchases of items and categories of TABLES.

    Compares a GRU with seasonal naive, moving average, exponential smoothing, Holt–Winters, Croston
    and TSB by rolling origin, and forecasts each series with the method that served its kind and
    volume class best before the test part.

    Writes demand.parquet (kind, key, day, period_days, forecast, method), demand.png and demand.json
    to --out.
    """
    from data.atomic import atomic_folder, check_replaceable
    from data.bulk.forecasts import ForecastTable
    from data.tables import read_tables
    from serving.cli.tables.demand_tables import demand_tables
    from towers.demand.forecast import KNOWN_SHARE, forecast_demand
    from towers.demand.picture import draw_forecasts
    from towers.demand.series import DemandSeries

    check_replaceable(out, marker=_MARKER)
    shop = read_tables(tables)
    with stage_bars() as bars, atomic_folder(out, marker=_MARKER) as folder:
        bars.start("reading purchases")
        series = DemandSeries.of(
            shop,
            period_days=None if period is None else _PERIODS[period],
            item_limit=item_limit,
            until_share=KNOWN_SHARE,
        )
        periods = _HORIZONS[series.period_days] if horizon is None else horizon
        found = forecast_demand(series, periods, seed=seed, stages=bars)
        first = series.period_count
        table = ForecastTable(
            series.kinds.tolist(),
            series.keys.tolist(),
            found.methods.tolist(),
            [series.time_of(number) for number in range(first, first + periods)],
            series.period_days,
            found.coming,
        )
        table.write(folder / "demand.parquet")
        draw_forecasts(folder / "demand.png", found)
        (folder / _MARKER).write_text(json.dumps(found.report, indent=1), encoding="utf-8")
    if as_json:
        print_json(found.report)
        return
    for part in demand_tables(found.report):
        console().print(part)
