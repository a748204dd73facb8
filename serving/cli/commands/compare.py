"""``nextclick compare``: trains every session encoder on the same examples and compares them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file of settings to override.",
)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=3_000,
    show_default=True,
    help="Maximum number of evaluation requests.",
)
@json_option
@reports_errors
def compare(
    tables: Path, out: Path, config_file: Path | None, requests: int, as_json: bool
) -> None:
    """Train the towers with each session encoder on TABLES, and compare them on the test part.

    Writes the exported query towers, the loss curves and comparison.json to --out.
    """
    from data.atomic import atomic_folder, check_replaceable
    from data.tables import read_tables
    from serving.cli.report_tables import comparison_table
    from serving.evaluation.metrics import rank_values, summary
    from towers.config import read_config
    from towers.training.compare import compare_encoders
    from towers.training.loss_curves import draw_curves
    from towers.training.train import starting_config

    marker = "comparison.json"
    check_replaceable(out, marker=marker)
    shop = read_tables(tables)
    config = read_config(config_file, starting_config(shop))
    report: dict[str, Any] = {"request_count": 0, "encoders": {}}
    curves = {}
    with stage_bars() as bars, atomic_folder(out, marker=marker) as folder:
        for trial in compare_encoders(shop, config, request_limit=requests, stages=bars):
            report["request_count"] = len(trial.ranks)
            report["encoders"][trial.name] = {
                "metrics": summary(rank_values(trial.ranks), seed=config.seed),
                "encode_microseconds": round(trial.encode_microseconds, 1),
                "training_seconds": round(trial.training_seconds, 1),
                "epoch_count": len(trial.curves.training),
                "kept_epoch": trial.curves.best_epoch + 1,
                "gap": trial.curves.gap,
            }
            curves[trial.name] = trial.curves
            (folder / f"{trial.name}.tflite").write_bytes(trial.query_file)
        draw_curves(folder / "curves.png", curves)
        (folder / marker).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if as_json:
        print_json(report)
    else:
        console().print(comparison_table(report))
