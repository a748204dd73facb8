"""``nextclick loadtest``: load tests of a running server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import click

from serving.api.requests import Placement, RecommendRequest
from serving.cli.options import (
    address_option,
    console,
    json_option,
    print_json,
    reports_errors,
)

if TYPE_CHECKING:
    from serving.load.freshness import Freshness

KINDS = ("search", "recommend", "record")


@click.command()
@address_option
@click.option(
    "--rate",
    "rates",
    type=float,
    multiple=True,
    help="Calls per second; repeat it for a step ramp.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1_000),
    help="Instead of a rate: callers that each send the next call after the last answer.",
)
@click.option(
    "--seconds", type=float, default=10.0, show_default=True, help="Duration of each step."
)
@click.option(
    "--freshness",
    is_flag=True,
    help="At each --rate, record events and check that the next answer reflects each of them.",
)
@click.option(
    "--calls",
    type=click.IntRange(1),
    default=1_000_000,
    help="Maximum number of calls with --concurrency.",
)
@click.option(
    "--mix",
    default="search=6,recommend=3,record=1",
    show_default=True,
    help="Relative frequency of each kind of call. The server logs searches and events.",
)
@click.option(
    "--queries",
    "query_file",
    type=click.File(encoding="utf-8"),
    help="File of queries, one per line.",
)
@click.option(
    "--items",
    "item_file",
    type=click.File(encoding="utf-8"),
    help="File of item ids, one per line.",
)
@click.option(
    "--visitors",
    "visitor_count",
    type=click.IntRange(1),
    default=1_000,
    help="Number of distinct visitors.",
)
@click.option(
    "--page-size",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    help="Results per page.",
)
@click.option(
    "--deadline-ms",
    type=click.IntRange(1),
    default=1_000,
    show_default=True,
    help="Deadline of each call.",
)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    help="Number of connections.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of all sampling.")
@json_option
@reports_errors
def loadtest(
    address: str,
    rates: tuple[float, ...],
    concurrency: int | None,
    freshness: bool,
    seconds: float,
    calls: int,
    mix: str,
    query_file: TextIO | None,
    item_file: TextIO | None,
    visitor_count: int,
    page_size: int,
    deadline_ms: int,
    connections: int,
    seed: int,
    as_json: bool,
) -> None:
    """Send calls at given rates, or from a number of callers, and report latencies and errors.

    Without --queries or --items, the titles and ids of the home page's items are used.
    """
    from serving.cli.answer_tables import load_table
    from serving.load.freshness import measure_freshness
    from serving.load.load_test import LoadSettings, run_closed_loop, run_open_loop
    from serving.load.traffic import Traffic

    if freshness and not rates:
        raise click.UsageError("expected --rate with --freshness")
    if bool(rates) == (concurrency is not None):
        raise click.UsageError("expected either --rate or --concurrency")
    shares = _shares(mix)
    queries, item_ids = _lines(query_file), _lines(item_file)
    if not (queries and item_ids):
        titles, home_item_ids = _home_page_items(address)
        queries, item_ids = queries or titles, item_ids or home_item_ids
    traffic = Traffic(
        queries,
        item_ids,
        [f"loadtest-{number}" for number in range(visitor_count)],
        search_share=shares["search"],
        recommend_share=shares["recommend"],
        record_share=shares["record"],
        page_size=page_size,
    )
    settings = LoadSettings(deadline_ms / 1_000, connections, seed)
    if freshness:
        _show_freshness(
            [measure_freshness(address, item_ids, rate, seconds, settings) for rate in rates],
            as_json=as_json,
        )
        return
    if concurrency is None:
        steps = run_open_loop(address, traffic, rates, seconds, settings)
    else:
        steps = [
            run_closed_loop(address, traffic, concurrency, seconds, settings, call_limit=calls)
        ]
    if as_json:
        print_json(steps)
    else:
        console().print(load_table(steps))
    if not any(step.ok_count for step in steps):
        raise click.ClickException("answered calls: expected 1 or more, received 0")


def _show_freshness(reports: Sequence[Freshness], *, as_json: bool) -> None:
    from serving.cli.answer_tables import freshness_table

    if as_json:
        print_json(reports)
    else:
        for report in reports:
            console().print(freshness_table(report))
    stale = sum(report.probe_count - report.fresh_count for report in reports)
    if stale:
        raise click.ClickException(
            f"answers that did not know their event: expected 0, received {stale:,}"
        )


def _shares(mix: str) -> dict[str, float]:
    shares = dict.fromkeys(KINDS, 0.0)
    for part in mix.split(","):
        name, _, share = part.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            shares.clear()
    if set(shares) != set(KINDS):
        raise click.UsageError(f"--mix: expected {'=1,'.join(KINDS)}=1, received {mix!r}")
    return shares


def _lines(file: TextIO | None) -> list[str]:
    return [line.strip() for line in file or () if line.strip()]


def _home_page_items(address: str) -> tuple[list[str], list[str]]:
    """Titles, cut to the query length limit, and ids of the items of the home page."""
    from serving.api.validation import QUERY_LENGTH_LIMIT
    from serving.edge.client import Client

    with Client(address) as client:
        answer = client.recommend(RecommendRequest(Placement.HOME, page_size=100))
    titles = [result.title[:QUERY_LENGTH_LIMIT] for result in answer.results if result.title]
    return titles, [result.item_id for result in answer.results]
