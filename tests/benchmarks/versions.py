"""This engine against an earlier version: throughput, latency and CPU, side by side in one run.

    python -m tests.benchmarks.versions --before REVISION --bundle BUNDLE --before-bundle BUNDLE

Checks the revision out into a temporary git worktree and runs a real server of each version, with
its own state, on loopback. Short rounds of the same calls alternate between the two, so that noise
of the machine meets both. Then single requests alternate in process, bytes to bytes.

A version whose bundles have another format needs its own of the same tables; in its worktree:

    PYTHONPATH=. python -m serving.cli demo --folder FOLDER
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from tests.benchmarks.machine import machine
from tests.benchmarks.processes import (
    ROOT,
    SCRIPTS,
    Round,
    ask,
    client_process,
    one_round,
    server_process,
    worker_process,
)
from tests.benchmarks.version_traffic import (
    Shop,
    mixed_calls,
    session_calls,
    shop_of,
    single_requests,
)

VERSIONS = ("before", "after")
SINGLE_REQUESTS_PER_ROUND = 40
_WARM_UP_LIMIT_SECONDS = 2.0
_CALLS_PER_SECOND = 2_500
"""Calls made ready for each second; a faster client begins again from the first."""

Measured = dict[str, dict[str, list[Round]]]
"""By case (``8 callers``) and version: a dictionary of figures of each round."""


@click.command()
@click.option("--before", required=True, metavar="REVISION", help="Git revision to compare with.")
@click.option(
    "--bundle", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--before-bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Bundle of the earlier version; default: the same.",
)
@click.option("--callers", "caller_counts", type=int, multiple=True, default=(1, 8, 32))
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--seconds", type=float, default=3.0, show_default=True, help="Of each round.")
@click.option("--clients", type=click.IntRange(1), default=1, help="Client processes.")
@click.option("--new-texts", type=click.FloatRange(0, 1), default=0.15, show_default=True)
@click.option("--in-process/--no-in-process", default=True, help="Measure single requests too.")
@click.option("--json", "as_json", is_flag=True)
def main(
    before: str,
    bundle: Path,
    before_bundle: Path | None,
    caller_counts: Sequence[int],
    rounds: int,
    seconds: float,
    clients: int,
    new_texts: float,
    in_process: bool,
    as_json: bool,
) -> None:
    """Compare this tree with an earlier revision."""
    described = machine()
    shop = shop_of(bundle, new_texts)
    loads: Measured = {}
    singles: Measured = {}
    with checkout(before) as folder:
        sources = {
            "before": (folder, (before_bundle or bundle).resolve()),
            "after": (ROOT, bundle.resolve()),
        }
        if caller_counts:
            loads = measure_load(sources, shop, caller_counts, rounds, seconds, clients)
        if in_process:
            singles = measure_single_requests(sources, shop, rounds)
    report = {
        "machine": described,
        "before": before,
        "rounds": rounds,
        "seconds": seconds,
        "load": {case: summary(found) for case, found in loads.items()},
        "in process": {case: summary(found) for case, found in singles.items()},
    }
    if as_json:
        click.echo(json.dumps(report, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(described)
    for name in ("load", "in process"):
        if report[name]:
            console.print(side_by_side(report[name], f"{name}, {before} and this version"))


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """A temporary git worktree of ``revision``."""
    with tempfile.TemporaryDirectory(prefix="nextclick-before-") as parent:
        folder = Path(parent) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def measure_load(
    sources: Mapping[str, tuple[Path, Path]],
    shop: Shop,
    caller_counts: Sequence[int],
    rounds: int,
    seconds: float,
    client_count: int,
) -> Measured:
    """Alternates rounds of load between a server of each version.

    Args:
        sources: By version, the folder of its code and its bundle.
        shop: What calls are made of.
        caller_counts: Callers of a closed loop; each is a case.
        rounds: Of each case and version.
        seconds: Duration of each round.
        client_count: Processes that share the callers.
    """
    measured: Measured = {}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(server_process(*source)) for name, source in sources.items()
        }
        clients = [stack.enter_context(client_process()) for _ in range(client_count)]
        for name, (address, _) in servers.items():
            warm_up = mixed_calls(shop, _CALLS_PER_SECOND, f"warm-{name}")
            ask(
                clients[0],
                address=address,
                calls=warm_up,
                caller_count=8,
                seconds=min(_WARM_UP_LIMIT_SECONDS, seconds),
            )
        for round_number in range(rounds):
            for count in caller_counts:
                calls = mixed_calls(
                    shop, round(_CALLS_PER_SECOND * seconds), f"{count}-{round_number}"
                )
                case = measured.setdefault(f"{count} caller{'s' * (count > 1)}", {})
                # Whoever goes second finds warm caches of the processor and of the client.
                order = VERSIONS if round_number % 2 == 0 else VERSIONS[::-1]
                for name in order:
                    figures = one_round(clients, *servers[name], calls, count, seconds)
                    case.setdefault(name, []).append(figures)
    return measured


def measure_single_requests(
    sources: Mapping[str, tuple[Path, Path]], shop: Shop, rounds: int
) -> Measured:
    """Alternates single requests of each kind between a process of each version."""
    measured: Measured = {}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(
                worker_process([str(SCRIPTS / "version_requests.py"), str(bundle)], folder)
            )
            for name, (folder, bundle) in sources.items()
        }
        for worker in workers.values():
            ask(worker, sessions=session_calls(shop))
            ask(worker, **single_requests(shop, SINGLE_REQUESTS_PER_ROUND, seed=0))
        for round_number in range(rounds):
            requests = single_requests(shop, SINGLE_REQUESTS_PER_ROUND, seed=round_number + 1)
            for name, worker in workers.items():
                for kind, times in ask(worker, **requests).items():
                    figures = {
                        "p50 ms": 1e3 * median(times["wall"]),
                        "CPU ms": 1e3 * median(times["cpu"]),
                    }
                    measured.setdefault(kind, {}).setdefault(name, []).append(figures)
    return measured


def summary(rounds: Mapping[str, Sequence[Round]]) -> dict[str, dict[str, float]]:
    """Medians over rounds of each figure, by version, and of the ratio after / before.

    The ratio is the median of the ratios of each round, whose two halves ran side by side.
    """
    summed = {}
    for figure in rounds["before"][0]:
        before, after = (np.array([one[figure] for one in rounds[name]]) for name in VERSIONS)
        summed[figure] = {"before": float(np.median(before)), "after": float(np.median(after))}
        if before.all():
            summed[figure]["ratio"] = float(np.median(after / before))
    return summed


def side_by_side(report: Mapping[str, Mapping[str, Mapping[str, float]]], title: str) -> Table:
    """A table of a report: a row for each case and figure."""
    table = Table(title=title, title_justify="left")
    for name in ("case", "figure"):
        table.add_column(name)
    for name in (*VERSIONS, "ratio"):
        table.add_column(name, justify="right")
    for case, figures in report.items():
        for position, (figure, values) in enumerate(figures.items()):
            cells = [
                f"{values[name]:,.3g}" if values[name] < 100 else f"{values[name]:,.0f}"
                for name in VERSIONS
            ]
            ratio = f"×{values['ratio']:.2f}" if "ratio" in values else ""
            table.add_row("" if position else case, figure, *cells, ratio)
        table.add_section()
    return table


if __name__ == "__main__":
    main()
