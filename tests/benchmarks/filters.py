"""What filters, facets and sort orders cost, by the share of the items that meet the filter.

    python -m tests.benchmarks.filters --bundle BUNDLE [--items 1000000]

Searches by the first words of titles and home pages, in process. With ``--items`` the bundle's
catalogue is first grown to that many items, as ``tests.benchmarks.growth`` grows it. Every kind of
request is asked in turn, round by round, so that other work on the machine meets all of them alike.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from serving.api.answers import Answer
from serving.api.requests import (
    BRAND,
    CATEGORY,
    PRICE,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from tests.benchmarks.growth import build
from tests.benchmarks.machine import machine
from towers.bundle.bundle import load_bundle
from towers.catalog.items import Catalog

SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5)
"""Shares of the items that the price filters keep."""
_WARM_ROUNDS = 2


class Cost(NamedTuple):
    """Milliseconds of one kind of request under one filter."""

    filter: str
    meeting_count: int
    request: str
    p50_ms: float
    p99_ms: float
    outside_count: int


class Kept(NamedTuple):
    """A filter, and the items that meet it, by the catalogue's columns: ``[count] bool``."""

    name: str
    filter: Filter
    mask: np.ndarray


def filters_of(catalog: Catalog) -> list[Kept]:
    """No filter, price ranges around the median for each of ``SHARES``, and two brands."""
    count = catalog.count
    price, brand = catalog.price[:count], catalog.brand[:count]
    found = [Kept("none", Filter(), np.ones(count, bool))]
    known = np.sort(price[np.isfinite(price)])
    for share in SHARES:
        half = int(share * len(known) / 2)
        low, high = float(known[len(known) // 2 - half]), float(known[len(known) // 2 + half])
        # A few prices are those of thousands of items.
        within = Filter(min_price=low, max_price=high)
        found.append(Kept(f"price, {share:.2%}", within, (price >= low) & (price <= high)))
    names = catalog.brand_codes.names
    sizes = {
        code: int(size) for code, size in enumerate(np.bincount(brand)) if size and names[code]
    }
    for name, choose in (("largest brand", max), ("smallest brand", min)):
        code = choose(sizes, key=sizes.__getitem__)
        found.append(Kept(name, Filter(brands=(names[code],)), brand == code))
    return found


def requests_of(text: str, kept: Filter) -> dict[str, SearchRequest | RecommendRequest]:
    """What is asked under one filter."""
    search = SearchRequest(text, filter=kept, record=False)
    facets = (FacetRequest(BRAND), FacetRequest(CATEGORY), FacetRequest(PRICE))
    return {
        "search": search,
        "search, 3 facets": replace(search, facets=facets),
        "search by price": replace(search, sort_by=SortOrder.PRICE_LOW),
        "home page": RecommendRequest(Placement.HOME, filter=kept),
    }


def measure(engine: Engine, texts: Sequence[str], rounds: int) -> list[Cost]:
    """The cost of every kind of request under every filter, over all texts."""
    catalog = engine.bundle.catalog
    kept_filters = filters_of(catalog)
    times: dict[tuple[int, str], list[float]] = {}
    outside: dict[tuple[int, str], int] = {}
    for number in range(_WARM_ROUNDS + rounds):
        for place, kept in enumerate(kept_filters):
            for text in texts:
                for name, request in requests_of(text, kept.filter).items():
                    began = time.perf_counter()
                    answer = _asked(engine, request)
                    took = 1e3 * (time.perf_counter() - began)
                    if number >= _WARM_ROUNDS:
                        times.setdefault((place, name), []).append(took)
                    rows = catalog.rows([result.item_id for result in answer.results])
                    wrong = int(np.count_nonzero(~kept.mask[rows]))
                    outside[place, name] = outside.get((place, name), 0) + wrong
    costs = []
    for (place, name), each in times.items():
        p50, p99 = np.percentile(each, (50, 99)).tolist()
        kept = kept_filters[place]
        meeting_count = int(np.count_nonzero(kept.mask))
        costs.append(Cost(kept.name, meeting_count, name, p50, p99, outside[place, name]))
    return costs


def _asked(engine: Engine, request: SearchRequest | RecommendRequest) -> Answer:
    if isinstance(request, SearchRequest):
        return engine.search(request)
    return engine.recommend(request)


def report(costs: Sequence[Cost], title: str) -> Table:
    """The table of the terminal."""
    table = Table(title=title, title_justify="left")
    for name in ("filter", "items", "request"):
        table.add_column(name, justify="right" if name == "items" else "left")
    for name in ("p50 ms", "p99 ms", "results outside"):
        table.add_column(name, justify="right")
    for cost in costs:
        meeting, outside = f"{cost.meeting_count:,}", f"{cost.outside_count:,}"
        p50, p99 = f"{cost.p50_ms:.2f}", f"{cost.p99_ms:.2f}"
        table.add_row(cost.filter, meeting, cost.request, p50, p99, outside)
    return table


@click.command()
@click.option(
    "--bundle", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--items", "item_count", type=int, help="Grow the catalogue to so many items first.")
@click.option("--texts", "text_count", type=click.IntRange(1), default=20, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(bundle: Path, item_count: int | None, text_count: int, rounds: int, as_json: bool) -> None:
    """Measure requests under filters that keep ever more items."""
    described = machine()
    with tempfile.TemporaryDirectory(prefix="filters-") as folder:
        path = bundle.resolve()
        if item_count is not None:
            path, _ = build(path, load_bundle(path).catalog, item_count, Path(folder))
        engine = Engine.open(path)
        try:
            catalog = engine.bundle.catalog
            rng = random.Random(1)
            titles = rng.sample([one for one in catalog.titles if one.split()], text_count)
            texts = [" ".join(title.split()[:2]) for title in titles]
            costs = measure(engine, texts, rounds)
            count = catalog.count
        finally:
            engine.close()
    if as_json:
        listed = [cost._asdict() for cost in costs]
        click.echo(json.dumps({"machine": described, "items": count, "costs": listed}, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(described)
    console.print(report(costs, f"requests under filters, {count:,} items"))


if __name__ == "__main__":
    main()
