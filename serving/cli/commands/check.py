"""``nextclick check``: a shop's own queries, checked against a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from data.errors import InputError
from serving.cli.options import json_option, print_json, reports_errors
from serving.cli.progress import stage_bars

if TYPE_CHECKING:
    from serving.evaluation.searches.query_check import CheckReport

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("queries", type=FILE)
@click.option("--rules", type=FILE, help="File of the query rules, as `serve` takes it.")
@json_option
@reports_errors
def check(bundle: Path, queries: Path, rules: Path | None, as_json: bool) -> None:
    """Check that BUNDLE answers QUERIES as the shop expects; exit code 1 if not.

    A line of the file holds, with tabs between: a query; the ids or patterns that belong at the top,
    separated by commas (title:/regex/i, title:words, category:Audio, brand:Sony); n, in how many
    results (the number of ids, or 10 with patterns); ids or patterns that must not stand before
    them. Lines that begin with // or # are comments.
    """
    report = check_file(bundle, queries, rules=rules)
    if as_json:
        print_json(report)
    else:
        show_report(report)
    if report.failed_count:
        raise click.exceptions.Exit(1)


def check_file(bundle: Path, queries: Path, *, rules: Path | None) -> CheckReport:
    """The report of a bundle on a file of checks.

    Raises:
        click.BadParameter: A line of the file is malformed.
    """
    from serving.evaluation.searches.check_file import read_checks
    from serving.evaluation.searches.query_check import check_bundle

    try:
        checks = read_checks(queries)
    except InputError as error:
        raise click.BadParameter(str(error)) from error
    with stage_bars() as bars:
        progress = bars.start("checking queries", len(checks))
        return check_bundle(bundle, checks, rules=rules, progress=progress)


def show_report(report: CheckReport, *, on_stderr: bool = False) -> None:
    """Prints what failed, ids that the catalogue does not have, and a summary."""
    from serving.cli.tables.report_tables import check_table

    if report.failed:
        Console(stderr=on_stderr).print(check_table(report))
    if report.unknown_item_ids:
        click.echo(f"not in the catalogue: {', '.join(report.unknown_item_ids)}", err=on_stderr)
    passed = report.query_count - report.failed_count
    summary = f"{passed:,} of {report.query_count:,} queries pass, {report.failed_count:,} fail"
    click.echo(summary, err=on_stderr)
