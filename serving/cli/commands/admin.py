"""``nextclick publish`` and ``nextclick status``: the active bundle of a server."""

from __future__ import annotations

from pathlib import Path

import click

from serving.api.reports import Status
from serving.cli.options import (
    address_option,
    console,
    json_option,
    print_json,
    reports_errors,
)


@click.command()
@click.argument("bundle", required=False)
@click.option("--rollback", is_flag=True, help="Go back to the previous bundle.")
@address_option
@json_option
@reports_errors
def publish(bundle: str | None, rollback: bool, address: str, as_json: bool) -> None:
    """Make BUNDLE, a folder on the server's machine, the active bundle."""
    from serving.edge.client import Client

    if rollback == (bundle is not None):
        raise click.UsageError("expected either BUNDLE or --rollback")
    with Client(address) as client:
        # Absolute, since the server may have another working directory.
        done = client.publish(str(Path(bundle).resolve())) if bundle else client.rollback()
    _show(done, as_json=as_json)


@click.command()
@address_option
@json_option
@reports_errors
def status(address: str, as_json: bool) -> None:
    """Show the server's active bundle and its counts."""
    from serving.edge.client import Client

    with Client(address) as client:
        _show(client.status(), as_json=as_json)


def _show(status: Status, *, as_json: bool) -> None:
    from serving.cli.answer_tables import status_table

    if as_json:
        print_json(status)
    else:
        console().print(status_table(status))
