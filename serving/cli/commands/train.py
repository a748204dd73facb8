"""``nextclick train``: clean tables to a released bundle, measured against the baselines."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Bundle to write.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML, overrides.")
@click.option("--no-judgments", is_flag=True, help="Learn from items and events alone.")
@click.option(
    "--whole-log",
    is_flag=True,
    help="Learn the part withheld for testing too, before going live; nothing is left to compare on.",
)
@click.option("--no-evaluation", is_flag=True, help="Leave out the comparison with the baselines.")
@json_option
@reports_errors
def train(
    tables: Path,
    out: Path,
    config_file: Path | None,
    no_judgments: bool,
    whole_log: bool,
    no_evaluation: bool,
    as_json: bool,
) -> None:
    """Train both stages on TABLES, and write a bundle that a server can answer from."""
    from data.tables import read_tables
    from serving.cli.report_tables import evaluation_tables, training_table
    from serving.evaluation.as_served import EvaluationSettings, evaluate_tables
    from towers.config import read_config
    from towers.training.train import starting_config
    from towers.training.train import train as run

    began = time.time()
    shop = read_tables(tables)
    taught = replace(shop, judgments=shop.judgments.slice(0, 0)) if no_judgments else shop
    config = read_config(config_file, starting_config(shop))
    config = replace(config, learn_test_part=config.learn_test_part or whole_log)
    is_compared = not (no_evaluation or config.learn_test_part)
    with stage_bars() as bars:
        metrics = run(taught, out, config, created_time=began, stages=bars)
        evaluation = None
        if is_compared:
            settings = EvaluationSettings(request_limit=1_000)
            evaluation = evaluate_tables(out, shop, settings, stages=bars)
        bars.finish()
        seconds = {name: round(spent, 1) for name, spent in bars.seconds.items()}
    report = {**metrics, "seconds": seconds, "evaluation": evaluation}
    if as_json:
        print_json(report)
        return
    console().print(training_table(report))
    for table in evaluation_tables(evaluation or {}):
        console().print(table)
    if shop.events.num_rows and not config.learn_test_part:
        click.echo("withheld for testing: the newest part of the log; --whole-log learns it too")
    for warning in report["warnings"]:
        click.echo(f"warning: {warning}", err=True)
