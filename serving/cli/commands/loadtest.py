"""``nextclick loadtest``: load tests of a running server."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
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
    from serving.load.calls import CallSource
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
    "caller_counts",
    type=click.IntRange(1, 1_000),
    multiple=True,
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
    "--traffic",
    "traffic_file",
    type=click.File(encoding="utf-8"),
    help='File of calls instead of sampled ones, one per line: {"search": {"query": "milk"}}.',
)
@click.option(
    "--log",
    "log_path",
    type=click.Path(exists=True, path_type=Path),
    help="State folder of a server: its logged answers and events are sent again.",
)
@click.option(
    "--shoppers",
    is_flag=True,
    help="Made-up shoppers: they search, view what was found, buy, and search again.",
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
@click.option(
    "--clients",
    "client_count",
    type=click.IntRange(1, 64),
    help="Client processes.  [default: as many as pay on this machine]",
)
@click.option(
    "--png",
    "chart",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw latency over rate to this file.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of all sampling.")
@json_option
@reports_errors
def loadtest(
    address: str,
    rates: tuple[float, ...],
    caller_counts: tuple[int, ...],
    freshness: bool,
    seconds: float,
    calls: int,
    mix: str,
    query_file: TextIO | None,
    item_file: TextIO | None,
    traffic_file: TextIO | None,
    log_path: Path | None,
    shoppers: bool,
    visitor_count: int,
    page_size: int,
    deadline_ms: int,
    connections: int,
    client_count: int | None,
    chart: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Send calls at given rates, or from a number of callers, and report latencies and errors.

    Without --queries or --items, the titles and ids of the home page's items are used. At a rate,
    latency counts from the time when a call was due, so that a slow server cannot hide its queue.
    """
    from serving.cli.tables.answer_tables import load_table
    from serving.load.client_processes import paying_client_count, run_steps
    from serving.load.freshness import measure_freshness
    from serving.load.latency_chart import draw_latency
    from serving.load.load_test import LoadSettings, step_plans
    from serving.load.recorded_traffic import read_log_traffic, read_traffic
    from serving.load.shopper_sessions import ShopperTraffic
    from serving.load.traffic import Traffic

    if freshness and not rates:
        raise click.UsageError("expected --rate with --freshness")
    if bool(rates) == bool(caller_counts):
        raise click.UsageError("expected either --rate or --concurrency")
    if sum((traffic_file is not None, log_path is not None, shoppers, freshness)) > 1:
        expected = "expected at most one of --traffic, --log, --shoppers and --freshness"
        raise click.UsageError(expected)
    shares = _shares(mix)
    plans = step_plans(rates, caller_counts, seconds, calls)
    settings = LoadSettings(deadline_ms / 1_000, connections, seed)
    queries, item_ids = _lines(query_file), _lines(item_file)
    source: CallSource
    if traffic_file is not None:
        source = read_traffic(traffic_file, traffic_file.name)
    elif log_path is not None:
        source = read_log_traffic(log_path, page_size)
    else:
        if not (queries and item_ids):
            titles, home_item_ids = _home_page_items(address)
            queries, item_ids = queries or titles, item_ids or home_item_ids
        if shoppers:
            source = ShopperTraffic(queries, page_size, f"shopper-{uuid.uuid4().hex[:8]}")
        else:
            source = Traffic(
                queries,
                item_ids,
                [f"loadtest-{number}" for number in range(visitor_count)],
                search_share=shares["search"],
                recommend_share=shares["recommend"],
                record_share=shares["record"],
                page_size=page_size,
            )
    if freshness:
        _show_freshness(
            [measure_freshness(address, item_ids, rate, seconds, settings) for rate in rates],
            as_json=as_json,
        )
        return
    client_count = client_count or paying_client_count(address)
    steps = list(run_steps(address, source, plans, settings, client_count=client_count))
    if as_json:
        print_json(steps)
    else:
        console().print(load_table(steps))
    if chart is not None:
        draw_latency(chart, steps)
    if not any(step.ok_count for step in steps):
        raise click.ClickException("answered calls: expected 1 or more, received 0")


def _show_freshness(reports: Sequence[Freshness], *, as_json: bool) -> None:
    from serving.cli.tables.answer_tables import freshness_table

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
