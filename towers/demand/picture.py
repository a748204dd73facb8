"""Some series with what was forecast and what came, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.records import as_datetime
from towers.demand.forecast import CLASSES, GRU, NAIVE, Forecast
from towers.demand.series import CATEGORY, ITEM

METHOD_LABELS = {
    "seasonal_naive": "seasonal naive",
    "moving_average": "moving average",
    "simple_smoothing": "simple smoothing",
    "holt_winters": "Holt–Winters",
    "croston": "Croston",
    "tsb": "TSB",
    "gru": "GRU",
    "gru_with_holt_winters": "GRU and Holt–Winters",
}

_SHOWN_HORIZONS = 4
_TITLE_LENGTH = 40
_COLORS = {NAIVE: "tab:blue", GRU: "tab:orange"}


def draw_forecasts(path: Path, forecast: Forecast) -> None:
    """Writes a PNG: the series of the most purchases of each kind and volume class.

    Each panel shows the counts, the forecasts from the last origin of the test part by the method
    chosen, by the network and by the seasonal naive, and the forecast of the time to come.
    """
    # Without pyplot's global state, since this also runs inside other processes.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    series, plan = forecast.series, forecast.plan
    totals = series.counts.sum(axis=1)
    panels = [
        (kind, volume, int(np.argmax(np.where(chosen, totals, -1.0))))
        for volume in CLASSES
        for kind in (ITEM, CATEGORY)
        if (chosen := (series.kinds == kind) & (forecast.classes == volume)).any()
    ]
    row_count = -(-len(panels) // 2)
    figure = Figure(figsize=(13.0, 3.2 * row_count), layout="constrained")
    FigureCanvasAgg(figure)
    origin, end = plan.test[-1], series.period_count
    first = max(0, origin - _SHOWN_HORIZONS * plan.horizon)
    for panel, (kind, volume, row) in enumerate(panels, 1):
        axes = figure.add_subplot(row_count, 2, panel)

        def times(begin: int, until: int) -> list[Any]:
            return [as_datetime(series.time_of(period)) for period in range(begin, until)]

        axes.plot(times(first, end), series.counts[row, first:], color="black", label="sold")
        chosen_method = str(forecast.methods[row])
        shown = dict.fromkeys((chosen_method, NAIVE, GRU))
        for name in shown:
            values = forecast.by_method[name][-1][row]
            is_chosen = name == chosen_method
            axes.plot(
                times(origin, origin + plan.horizon),
                values,
                "-" if is_chosen else "--",
                color="tab:green" if is_chosen else _COLORS[name],
                label=METHOD_LABELS[name] + (", chosen" if is_chosen else ""),
            )
        coming = times(end, end + plan.horizon)
        axes.plot(coming, forecast.coming[row], color="tab:red", label="to come")
        axes.axvline(coming[0], color="grey", linewidth=0.8)
        title = str(series.keys[row])
        short = title if len(title) <= _TITLE_LENGTH else "… " + title[-_TITLE_LENGTH:]
        axes.set(title=f"{kind} {short} ({volume})", ylabel="purchases")
        axes.set_ylim(bottom=0)
        locator = AutoDateLocator(maxticks=8)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=110)
