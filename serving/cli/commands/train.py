"""``nextclick train``: trains a bundle on clean tables, and compares it with the baselines."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars
from serving.cli.tables.behaviour_tables import actions_table


@click.command()
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output bundle.")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file of settings to override.",
)
@click.option("--no-judgments", is_flag=True, help="Train on items and events only.")
@click.option(
    "--whole-log",
    is_flag=True,
    help="Train on the test part as well, before going live; no evaluation is possible then.",
)
@click.option("--no-evaluation", is_flag=True, help="Skip the comparison with the baselines.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    help="Train so many rerankers, each from a seed of its own, and report their spread.",
)
@json_option
@reports_errors
def train(
    tables: Path,
    out: Path,
    config_file: Path | None,
    no_judgments: bool,
    whole_log: bool,
    no_evaluation: bool,
    seeds: int | None,
    as_json: bool,
) -> None:
    """Train retrieval and ranking on TABLES, and write a bundle that a server can load."""
    from data.tables import read_tables

    began = time.time()
    # Before TensorFlow is imported: a wrong path is told at once.
    shop = read_tables(tables)
    from serving.cli.tables.report_tables import evaluation_tables, training_table
    from serving.evaluation.as_served import EvaluationSettings, evaluate_tables
    from towers.config import read_config
    from towers.training.train import starting_config
    from towers.training.train import train as run

    training_tables = replace(shop, judgments=shop.judgments.slice(0, 0)) if no_judgments else shop
    config = read_config(config_file, starting_config(shop))
    config = replace(config, learn_test_part=config.learn_test_part or whole_log)
    if seeds is not None:
        config = replace(config, rerank=replace(config.rerank, seed_count=seeds))
    is_compared = not (no_evaluation or config.learn_test_part)
    with stage_bars() as bars:
        metrics = run(training_tables, out, config, created_time=began, stages=bars)
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
    if report["actions"]:
        console().print(actions_table(report["actions"]))
    for table in evaluation_tables(evaluation or {}):
        console().print(table)
    if shop.events.num_rows and not config.learn_test_part:
        click.echo(
            "not trained on: the newest part of the log, kept for testing; --whole-log includes it"
        )
    for warning in report["warnings"]:
        click.echo(f"warning: {warning}", err=True)
