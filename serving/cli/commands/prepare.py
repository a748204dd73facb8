"""``nextclick prepare``: converts raw data to clean tables and a quality report."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from serving.cli.options import (
    console,
    items_time_option,
    json_option,
    print_json,
    reports_errors,
)
from serving.cli.progress import stage_bars


@click.command()
@click.argument("source")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output folder.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="TOML file that renames columns."
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="Earlier tables to extend: items and older events.",
)
@click.option("--days", type=float, help="Keep only the events of this many newest days.")
@click.option(
    "--visitor-share", type=float, default=1.0, show_default=True, help="Share of visitors to keep."
)
@click.option(
    "--test-days",
    type=float,
    help="Days in the test part; by default a tenth of the log, at most 30 days.",
)
@click.option(
    "--gap-minutes",
    type=float,
    default=30.0,
    show_default=True,
    help="Inactivity that ends a session.",
)
@click.option(
    "--predicted",
    type=click.Path(path_type=Path),
    help="Values of nextclick attributes, for training with [attributes] use_predicted = true; those of "
    "--base by default.",
)
@items_time_option
@json_option
@reports_errors
def prepare(source: str, path: Path | None, as_json: bool, **options: Any) -> None:
    """Convert raw data to clean tables.

    SOURCE is files (PATH: a folder with items.*, events.* and/or judgments.*), sessions (PATH: a
    file, one session per line), completejourney (no PATH), onlineretail (PATH: the file) or own_log
    (PATH: the server's log or its state folder).
    """
    from data.prepare import prepare as run

    with stage_bars() as bars:
        report = run(source, path, now=time.time(), progress=bars.start, **options)
    if as_json:
        print_json(report)
        return
    from serving.cli.report_tables import quality_table

    console().print(quality_table(report))
    for line in (*report["dropped"], *report["notes"]):
        click.echo(line)
