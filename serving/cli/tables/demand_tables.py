"""The comparison of demand forecasts as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table


def demand_tables(report: Mapping[str, Any]) -> Iterator[Table | str]:
    """A table for each kind and volume class, then what the network is used for."""
    unit = "days" if report["period_days"] == 1 else "weeks"
    for group in report["groups"]:
        yield _table(group, report, unit)
    if report["network_groups"]:
        used = ", ".join(report["network_groups"])
        yield f"The network's forecast is used, alone or averaged, for: {used}."
    else:
        yield "The network is used for nothing here: simpler methods have the lesser WAPE in validation."


def _table(group: Mapping[str, Any], report: Mapping[str, Any], unit: str) -> Table:
    from towers.demand.picture import METHOD_LABELS

    table = Table(
        title=f"{group['kind']} series, {group['class']} ({group['series_count']:,}): the next "
        f"{report['horizon']} {unit} from {report['test_origins']} origins",
        title_justify="left",
    )
    table.add_column("method", no_wrap=True)
    for name in ("WAPE", "MASE", "bias", "WAPE in validation"):
        table.add_column(name, justify="right")
    for name, one in group["methods"].items():
        chosen = name == group["chosen"]
        table.add_row(
            METHOD_LABELS[name] + (" (chosen)" if chosen else ""),
            *(_number(one[measure]) for measure in ("wape", "mase")),
            _number(one["bias"], "+.3f"),
            _number(one["validation_wape"]),
            style="bold" if chosen else "",
        )
    return table


def _number(value: float | None, form: str = ".3f") -> str:
    return "–" if value is None else format(value, form)
