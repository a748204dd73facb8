"""``nextclick publish``, ``interleave`` and ``status``: the bundles of a server."""

from __future__ import annotations

from pathlib import Path

import click

from data.errors import BundleError
from serving.api.reports import Status
from serving.cli.commands.check import FILE, check_file, show_report
from serving.cli.options import (
    address_option,
    console,
    json_option,
    print_json,
    reports_errors,
)

_DEFAULT_SHARE = 0.1


@click.command()
@click.argument("bundle", required=False)
@click.option("--rollback", is_flag=True, help="Go back to the previous bundle.")
@click.option(
    "--check",
    "queries",
    type=FILE,
    help="Publish only if the bundle, read on this machine, passes this file of `nextclick check`.",
)
@click.option("--rules", type=FILE, help="With --check: the query rules, as `serve` takes them.")
@address_option
@json_option
@reports_errors
def publish(
    bundle: str | None,
    rollback: bool,
    queries: Path | None,
    rules: Path | None,
    address: str,
    as_json: bool,
) -> None:
    """Make BUNDLE, a folder on the server's machine, the active bundle."""
    from serving.edge.client import Client

    if rollback == (bundle is not None):
        raise click.UsageError("expected either BUNDLE or --rollback")
    if rollback and queries is not None:
        raise click.UsageError("--check: expected with BUNDLE")
    if rules is not None and queries is None:
        raise click.UsageError("--rules: expected with --check")
    if bundle and queries is not None:
        _refuse_if_failed(Path(bundle), queries, rules)
    with Client(address) as client:
        # Absolute, since the server may have another working directory.
        done = client.publish(str(Path(bundle).resolve())) if bundle else client.rollback()
    _show(done, as_json=as_json)


def _refuse_if_failed(bundle: Path, queries: Path, rules: Path | None) -> None:
    report = check_file(bundle, queries, rules=rules)
    if report.failed_count:
        show_report(report, on_stderr=True)
        raise BundleError(
            f"{bundle}: expected a bundle that passes {queries.name}, received {report.failed_count:,}"
            f" of {report.query_count:,} queries that fail; the active bundle stays"
        )


@click.command()
@click.argument("bundle", required=False)
@click.option("--stop", is_flag=True, help="End the comparison that runs.")
@click.option(
    "--share",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    help="Share of the visitors whose answers are interleaved.  [default: 0.1]",
)
@address_option
@json_option
@reports_errors
def interleave(
    bundle: str | None, stop: bool, share: float | None, address: str, as_json: bool
) -> None:
    """Compare BUNDLE, a folder on the server's machine, with the active bundle on live traffic.

    First pages of a share of the visitors are drafted from both bundles in turns; `nextclick status`
    tells whose results they click, put into the cart and buy. Decide beforehand for how many visitors:
    of many looks, one finds a leader by chance more often than one time in twenty. Where BUNDLE leads,
    `nextclick publish BUNDLE` ends the comparison too.
    """
    from serving.edge.client import Client

    if stop == (bundle is not None):
        raise click.UsageError("expected either BUNDLE or --stop")
    if stop and share is not None:
        raise click.UsageError("--share: expected with BUNDLE")
    with Client(address) as client:
        if bundle is None:
            done = client.stop_interleaving()
        else:
            done = client.interleave(str(Path(bundle).resolve()), share or _DEFAULT_SHARE)
    _show(done, as_json=as_json)


@click.command()
@address_option
@json_option
@reports_errors
def status(address: str, as_json: bool) -> None:
    """Show the server's active bundle, its counts, and how two bundles compare."""
    from serving.edge.client import Client

    with Client(address) as client:
        _show(client.status(), as_json=as_json)


def _show(status: Status, *, as_json: bool) -> None:
    from serving.cli.tables.answer_tables import status_table
    from serving.cli.tables.interleaving_tables import interleaving_tables

    if as_json:
        print_json(status)
    else:
        console().print(status_table(status))
        if status.interleaving is not None:
            console().print(*interleaving_tables(status.interleaving), sep="\n")
