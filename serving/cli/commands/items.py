"""``nextclick items``: live changes of a running server's catalogue."""

from __future__ import annotations

from itertools import islice
from typing import TextIO

import click

from serving.api.reports import CatalogReport
from serving.cli.options import address_option, json_option, print_json, reports_errors

CHUNK_SIZE = 1_000


@click.group()
def items() -> None:
    """Add, replace or delete items of a running server."""


@items.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@address_option
@json_option
@reports_errors
def update(file: TextIO, address: str, as_json: bool) -> None:
    """Add or replace the items of FILE, in JSON Lines; - for stdin."""
    from serving.cli.jsonl_input import read_items
    from serving.edge.client import Client

    added = updated = 0
    # Read everything before sending: a file with an error is refused as a whole.
    rows = iter(list(read_items(file, file.name)))
    with Client(address) as client:
        while chunk := list(islice(rows, CHUNK_SIZE)):
            report = client.update_items(chunk)
            added += report.added_count
            updated += report.updated_count
    _show(CatalogReport(added, updated, 0), as_json=as_json)


@items.command()
@click.argument("item_ids", metavar="ID...", nargs=-1, required=True)
@address_option
@json_option
@reports_errors
def delete(item_ids: tuple[str, ...], address: str, as_json: bool) -> None:
    """Delete items from all later answers."""
    from serving.edge.client import Client

    with Client(address) as client:
        _show(client.delete_items(item_ids), as_json=as_json)


def _show(report: CatalogReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"added {report.added_count:,}, updated {report.updated_count:,}, "
            f"removed {report.removed_count:,}"
        )
