"""``nextclick compare``: models of what a shopper does next, side by side on the same data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import StageBars, stage_bars

if TYPE_CHECKING:
    from data.tables import Tables
    from towers.config import Config

_PARTS = ("encoders", "behaviour")
_MARKER = "comparison.json"


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
    "--only",
    type=click.Choice(_PARTS),
    help="encoders: the towers with each session encoder. behaviour: networks and classical "
    "models. Both by default.",
)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=3_000,
    show_default=True,
    help="Maximum number of evaluation requests of the encoders.",
)
@click.option(
    "--moments",
    type=click.IntRange(8),
    default=10_000,
    show_default=True,
    help="Maximum number of training moments of each behaviour task; half as many test it.",
)
@json_option
@reports_errors
def compare(
    tables: Path,
    out: Path,
    config_file: Path | None,
    only: str | None,
    requests: int,
    moments: int,
    as_json: bool,
) -> None:
    """Compare models on TABLES: trained on the same part of the log, measured on the test part.

    The towers with each session encoder rank all items. Linear and logistic regression, naive Bayes,
    linear SVM, decision tree, random forest, boosting, DNN, GRU and transformer predict whether a
    visit buys, which type of event comes next, and which item.

    Writes the exported query towers, curves.png, behaviour.png and comparison.json to --out.
    """
    from data.atomic import atomic_folder, check_replaceable
    from data.tables import read_tables
    from serving.cli.tables.behaviour_tables import behaviour_tables
    from serving.cli.tables.report_tables import comparison_table
    from towers.behaviour.comparison import compare_behaviour
    from towers.behaviour.picture import draw_comparison
    from towers.behaviour.tasks import Limits
    from towers.config import read_config
    from towers.training.train import starting_config

    check_replaceable(out, marker=_MARKER)
    shop = read_tables(tables)
    config = read_config(config_file, starting_config(shop))
    report: dict[str, Any] = {}
    with stage_bars() as bars, atomic_folder(out, marker=_MARKER) as folder:
        if only != "behaviour":
            report |= _encoders(shop, config, requests, folder, bars)
        if only != "encoders":
            limits = Limits.of(moments)
            found = compare_behaviour(shop, limits=limits, seed=config.seed, stages=bars)
            draw_comparison(folder / "behaviour.png", found["tasks"])
            report["behaviour"] = found
        (folder / _MARKER).write_text(json.dumps(report, indent=1), encoding="utf-8")
    if as_json:
        print_json(report)
        return
    if "encoders" in report:
        console().print(comparison_table(report))
    if "behaviour" in report:
        for part in behaviour_tables(report["behaviour"]):
            console().print(part)


def _encoders(
    shop: Tables, config: Config, requests: int, folder: Path, bars: StageBars
) -> dict[str, Any]:
    from serving.evaluation.metrics import rank_values, summary
    from towers.training.compare import compare_encoders
    from towers.training.loss_curves import draw_curves

    report: dict[str, Any] = {"request_count": 0, "encoders": {}}
    curves = {}
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
    return report
