"""How the engine grows: building, starting, memory and latency with ever more made-up items.

    python -m tests.benchmarks.growth --bundle BUNDLE --items 10000 --items 100000 --items 1000000

The models of the bundle stay; its catalogue is replaced by ``nextclick embed``, which embeds and
indexes everything again. Made-up items combine the titles, categories, brands and prices of the
bundle's own, which come first, so that sessions and counts of the bundle still hold. Then a server of
each size is started, and short rounds of the same load alternate between them.
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from serving.load.process_usage import resident_mb
from tests.benchmarks.machine import machine
from tests.benchmarks.processes import ROOT, ask, client_process, one_round, server_process
from tests.benchmarks.version_traffic import Shop, mixed_calls

FIGURES = (
    "build s",
    "bundle MB",
    "start s",
    "RSS at start MB",
    "RSS MB",
    "1 caller p50 ms",
    "1 caller p99 ms",
    "8 callers calls/s",
    "8 callers p50 ms",
    "server CPU ms/call",
)
_CALLS_PER_SECOND = 2_500
_COLUMNS = ("item_id", "title", "category", "brand", "price")


def write_items(path: Path, catalog: Any, count: int) -> None:
    """Writes ``count`` items as CSV: those of a catalogue, then combinations of them."""
    rng = random.Random(1)
    own_count = catalog.count
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for number in range(count):
            row = number if number < own_count else rng.randrange(own_count)
            item_id, title = catalog.item_ids[row], catalog.titles[row]
            if number >= own_count:
                item_id = f"made-{number}"
                words = title.split()
                words += catalog.titles[rng.randrange(own_count)].split()[:2]
                title = " ".join(words)
            price = float(catalog.price[row])
            writer.writerow(
                (
                    item_id,
                    title,
                    " > ".join(catalog.category(row)),
                    catalog.brand_name(row),
                    "" if math.isnan(price) else f"{price:.2f}",
                )
            )


def build(base: Path, catalog: Any, count: int, folder: Path) -> tuple[Path, float]:
    """A bundle of ``count`` items in ``folder``, and the seconds that embedding it took."""
    items, bundle = folder / f"{count}.csv", folder / f"bundle-{count}"
    write_items(items, catalog, count)
    command = [sys.executable, "-m", "serving.cli", "embed", str(base), str(items)]
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, "--out", str(bundle), "--json"],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return bundle, time.perf_counter() - start


def measure(
    base: Path, item_counts: Sequence[int], rounds: int, seconds: float
) -> dict[int, dict[str, float]]:
    """``FIGURES`` by number of items."""
    from towers.bundle.bundle import load_bundle

    catalog = load_bundle(base).catalog
    figures: dict[int, dict[str, float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-")))
        servers = {}
        for count in item_counts:
            bundle, build_seconds = build(base, catalog, count, folder)
            size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
            start = time.perf_counter()
            servers[count] = stack.enter_context(server_process(ROOT, bundle))
            figures[count] = {
                "build s": build_seconds,
                "bundle MB": size / 1e6,
                "start s": time.perf_counter() - start,
                "RSS at start MB": resident_mb(servers[count][1]),
            }
        # Texts and viewed items of the smallest catalogue, so that all answer the same calls.
        smallest = min(*item_counts, catalog.count)
        titles = [title for title in catalog.titles[:smallest] if title.split()]
        shop = Shop(list(catalog.item_ids[:smallest]), titles)
        client = stack.enter_context(client_process())
        for count, (address, _) in servers.items():
            calls = mixed_calls(shop, _CALLS_PER_SECOND, f"warm-{count}")
            ask(client, address=address, calls=calls, caller_count=8, seconds=seconds)
        measured: dict[tuple[int, int], list[Mapping[str, float]]] = {}
        for number in range(rounds):
            for caller_count in (1, 8):
                calls = mixed_calls(
                    shop, round(_CALLS_PER_SECOND * seconds), f"{caller_count}-{number}"
                )
                for count, server in servers.items():
                    measured.setdefault((count, caller_count), []).append(
                        one_round([client], *server, calls, caller_count, seconds)
                    )
    for count in item_counts:
        one, eight = (
            {name: median(each[name] for each in measured[count, callers]) for name in each_round}
            for callers in (1, 8)
            for each_round in measured[count, callers][:1]
        )
        figures[count] |= {
            "RSS MB": eight["server RSS MB"],
            "1 caller p50 ms": one["p50 ms"],
            "1 caller p99 ms": one["p99 ms"],
            "8 callers calls/s": eight["calls/s"],
            "8 callers p50 ms": eight["p50 ms"],
            "server CPU ms/call": eight["server CPU ms/call"],
        }
    return figures


@click.command()
@click.option(
    "--bundle", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--items", "item_counts", type=int, multiple=True, default=(10_000, 100_000))
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--seconds", type=float, default=2.0, show_default=True, help="Of each round.")
@click.option("--json", "as_json", is_flag=True)
def main(
    bundle: Path, item_counts: Sequence[int], rounds: int, seconds: float, as_json: bool
) -> None:
    """Measure how figures grow with the catalogue."""
    described = machine()
    figures = measure(bundle.resolve(), item_counts, rounds, seconds)
    if as_json:
        click.echo(json.dumps({"machine": described, "items": figures}, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(described)
    table = Table(title="growth with the catalogue", title_justify="left")
    table.add_column("figure")
    for count in item_counts:
        table.add_column(f"{count:,} items", justify="right")
    for name in FIGURES:
        values = [figures[count][name] for count in item_counts]
        table.add_row(
            name, *(f"{value:,.3g}" if value < 100 else f"{value:,.0f}" for value in values)
        )
    console.print(table)


if __name__ == "__main__":
    main()
