"""``nextclick record``: records events on a running server."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TextIO

import click

from data.records import EVENT_TYPE_BY_LABEL, Event
from serving.api.reports import RecordReport
from serving.cli.options import (
    address_option,
    json_option,
    print_json,
    reports_errors,
    visitor_option,
)

CHUNK_SIZE = 1_000


@click.command()
@click.argument("type_label", metavar="[TYPE]", required=False)
@address_option
@visitor_option
@click.option("--item", "item_id", default="", metavar="ID", help="Item id.")
@click.option("--query", default="", help="Query text of a search.")
@click.option("--quantity", default=1, show_default=True, help="Number of pieces.")
@click.option("--price", type=float, help="Price paid per piece.")
@click.option("--rating", type=float, help="Rating of a review, 1 to 5.")
@click.option("--text", default="", help="Text of a review.")
@click.option(
    "--token",
    default="",
    metavar="TOKEN",
    help="Attribution token of the answer that showed the item.",
)
@click.option(
    "--file",
    "file",
    type=click.File(encoding="utf-8"),
    help="Record a JSON Lines file instead; - for stdin.",
)
@json_option
@reports_errors
def record(
    type_label: str | None,
    address: str,
    visitor: str,
    file: TextIO | None,
    token: str,
    as_json: bool,
    **fields: object,
) -> None:
    """Record one event of TYPE, or a file of events.

    TYPE is search, view, favorite, unfavorite, add_to_cart, remove_from_cart, purchase, review or
    return.
    """
    from serving.cli.jsonl_input import read_events
    from serving.edge.client import Client

    now = time.time()
    if (type_label is None) == (file is None):
        raise click.UsageError("expected either TYPE or --file")
    if file is not None:
        # Read everything before sending: a file with an error is refused as a whole, and can be
        # corrected and sent again without counting any event twice.
        events: Iterable[Event] = list(read_events(file, file.name, now=now))
    elif type_label is not None and type_label in EVENT_TYPE_BY_LABEL:
        kind = EVENT_TYPE_BY_LABEL[type_label]
        events = [Event("", kind, visitor, now, attribution_token=token, **fields)]  # type: ignore[arg-type]
    else:
        raise click.UsageError(
            f"TYPE: expected one of {', '.join(EVENT_TYPE_BY_LABEL)}, received {type_label!r}"
        )
    with Client(address) as client:
        report = _sum(client.record(chunk) for chunk in _chunks(events))
    if as_json:
        print_json(report)
    else:
        click.echo(
            f"recorded {report.recorded_count:,}, known already {report.duplicate_count:,}, "
            f"of unknown items {report.unknown_item_count:,}"
        )


def _chunks(events: Iterable[Event]) -> Iterator[list[Event]]:
    remaining = iter(events)
    while chunk := list(islice(remaining, CHUNK_SIZE)):
        yield chunk


def _sum(reports: Iterable[RecordReport]) -> RecordReport:
    total = RecordReport(0, 0, 0)
    for report in reports:
        total = RecordReport(
            total.recorded_count + report.recorded_count,
            total.duplicate_count + report.duplicate_count,
            total.unknown_item_count + report.unknown_item_count,
        )
    return total
