"""One command forecasts a shop's demand and says which method it trusts."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from click.testing import CliRunner, Result

from data.prepare import prepare
from data.tables import Tables
from serving.cli.commands.demand import demand
from serving.cli.tables.demand_tables import demand_tables
from tests.serving import ring_shop
from towers.demand.smoothing import METHODS


def _forecast(tables: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(demand, [str(tables), "--out", str(out), *options])


def test_the_test_shop_is_forecast_by_item_category_and_day(
    shop_tables: Tables, tmp_path: Path
) -> None:
    out = tmp_path / "demand"
    options = ("--period", "day", "--horizon", "2", "--items", "20", "--json")
    result = _forecast(shop_tables.path, out, *options)
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert json.loads((out / "demand.json").read_text()) == report
    assert (out / "demand.png").read_bytes().startswith(b"\x89PNG")
    rows = pq.read_table(out / "demand.parquet").to_pylist()
    # Seven top categories of eight paths of two levels: Kitchen, Garden and Sports hold two each.
    assert report["series_counts"] == {"item": 20, "category": 5 + 8}
    assert len(rows) == 2 * (20 + 13)
    # The log ends within the last day of the year, which is left out as possibly cut.
    assert {row["day"] for row in rows} == {date(2024, 12, 31), date(2025, 1, 1)}
    assert all(row["forecast"] >= 0 and row["period_days"] == 1 for row in rows)
    chosen = {(group["kind"], group["chosen"]) for group in report["groups"]}
    assert {(row["kind"], row["method"]) for row in rows} == chosen
    for group in report["groups"]:
        assert set(group["methods"]) == {*METHODS, "gru", "gru_with_holt_winters"}
    tables = list(demand_tables(report))
    assert len(tables) == len(report["groups"]) + 1
    assert "network" in str(tables[-1])


def test_a_log_without_purchases_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    lines = ring_shop.walks(50, seed=2)
    (tmp_path / "sessions.txt").write_text("\n".join(lines), encoding="utf-8")
    prepare("sessions", tmp_path / "sessions.txt", out=tmp_path / "tables", now=1.7e9)
    result = _forecast(tmp_path / "tables", tmp_path / "out")
    assert result.exit_code == 1
    assert "expected purchases of three days or more" in result.output
    assert not (tmp_path / "out").exists()
