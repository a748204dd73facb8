"""This engine's whole requests against the model stages alone in TensorFlow, both in process.

    python -m tests.benchmarks.tensorflow_in_process --bundle BUNDLE

Short rounds alternate between a process of each. See ``tensorflow_stages`` for what TensorFlow is
spared: the engine's figure has everything, from the bytes of the request to those of the answer.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click
from rich.console import Console

from tests.benchmarks.machine import machine
from tests.benchmarks.processes import ROOT, SCRIPTS, Round, ask, worker_process
from tests.benchmarks.version_traffic import Shop, session_calls, shop_of, single_requests
from tests.benchmarks.versions import (
    SINGLE_REQUESTS_PER_ROUND,
    side_by_side,
    summary,
)


def measure(bundle: Path, shop: Shop, rounds: int) -> dict[str, dict[str, list[Round]]]:
    """By kind of request; ``before`` is TensorFlow, ``after`` the engine."""
    measured: dict[str, dict[str, list[Round]]] = {}
    count = SINGLE_REQUESTS_PER_ROUND
    with ExitStack() as stack:
        stages = stack.enter_context(
            worker_process(["-m", "tests.benchmarks.tensorflow_stages", str(bundle)], ROOT)
        )
        engine = stack.enter_context(
            worker_process([str(SCRIPTS / "version_requests.py"), str(bundle)], ROOT)
        )
        ask(stages, count=count)
        ask(engine, sessions=session_calls(shop))
        ask(engine, **single_requests(shop, count, seed=0))
        for number in range(1, rounds + 1):
            before = {"p50 ms": 1e3 * median(ask(stages, count=count))}
            for kind, times in ask(engine, **single_requests(shop, count, seed=number)).items():
                case = measured.setdefault(kind, {"before": [], "after": []})
                case["before"].append(before)
                case["after"].append({"p50 ms": 1e3 * median(times["wall"])})
    return measured


@click.command()
@click.option(
    "--bundle", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def main(bundle: Path, rounds: int, as_json: bool) -> None:
    """Compare the engine with TensorFlow in process."""
    described = machine()
    measured = measure(bundle.resolve(), shop_of(bundle, 0.15), rounds)
    report = {case: summary(found) for case, found in measured.items()}
    if as_json:
        click.echo(json.dumps({"machine": described, "in process": report}, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(described)
    title = "before: model stages in TensorFlow; after: this engine, whole requests"
    console.print(side_by_side(report, title))


if __name__ == "__main__":
    main()
