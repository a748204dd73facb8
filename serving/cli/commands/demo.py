"""``nextclick demo``: all steps on real data of a grocer, in a few minutes."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from serving.api.answers import Answer
from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Folder for tables, bundle and state.",
)
@click.option("--reuse", is_flag=True, help="Use the bundle of an earlier demo.")
@click.option(
    "--load-seconds",
    type=float,
    default=10.0,
    show_default=True,
    help="Duration of the load test.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Train so many rerankers, each from a seed of its own, and report their spread.",
)
@json_option
@reports_errors
def demo(folder: Path, reuse: bool, load_seconds: float, seeds: int, as_json: bool) -> None:
    """Prepare a grocer's data, train, evaluate, serve, send requests, and run a load test."""
    from serving.cli.demo_story import (
        LOAD_CALLERS,
        household_history,
        play_household,
        play_shopper,
        put_load_on,
        running_server,
    )
    from serving.cli.tables.answer_tables import answer_table, load_table
    from serving.edge.client import Client

    began = time.perf_counter()
    # With --json one object is printed at the end, and nothing else.
    out = Console(quiet=True) if as_json else console()
    report: dict[str, Any] = {} if reuse else _train(folder, out, seeds)
    story: list[dict[str, Any]] = []
    state = folder / "demo-state"
    shutil.rmtree(state, ignore_errors=True)

    def show(headline: str, answer: Answer, previous: Answer | None) -> None:
        story.append({"headline": headline, "answer": asdict(answer)})
        out.rule(headline, align="left")
        out.print(answer_table(answer, previous))

    with running_server(folder / "bundle", state) as server:
        out.print(f"serving on {server.address} after {server.ready_seconds:.1f} s")
        with Client(server.address) as client:
            play_shopper(client, show)
            play_household(client, household_history(folder / "tables"), show)
        out.rule(f"{load_seconds:g} seconds of load, {LOAD_CALLERS} callers", align="left")
        load = put_load_on(server.address, load_seconds)
        out.print(load_table(load))
    if as_json:
        steps = [asdict(step) for step in load]
        print_json({**report, "server": asdict(server), "story": story, "load": steps})
    out.print(f"done in {time.perf_counter() - began:.0f} s. `make serve` keeps the server up.")


def _train(folder: Path, out: Console, seed_count: int) -> dict[str, Any]:
    from data.prepare import prepare
    from data.tables import read_tables
    from serving.cli.demo_story import CONFIG, VISITOR_SHARE
    from serving.cli.tables.report_tables import evaluation_tables, quality_table, training_table
    from serving.evaluation.as_served import EvaluationSettings, evaluate_tables
    from towers.config import config_from
    from towers.training.train import train

    tables, bundle = folder / "tables", folder / "bundle"
    began = time.time()
    with stage_bars() as bars:
        quality = prepare(
            "completejourney",
            None,
            out=tables,
            now=began,
            visitor_share=VISITOR_SHARE,
            progress=bars.start,
        )
    out.print(quality_table(quality))
    with stage_bars() as bars:
        shop = read_tables(tables)
        config = config_from(CONFIG)
        config = replace(config, rerank=replace(config.rerank, seed_count=seed_count))
        metrics = train(shop, bundle, config, created_time=began, stages=bars)
        settings = EvaluationSettings(request_limit=1_000, query_limit=300)
        evaluation = evaluate_tables(bundle, shop, settings, stages=bars)
        bars.finish()
        seconds = {name: round(spent, 1) for name, spent in bars.seconds.items()}
    training = {**metrics, "seconds": seconds}
    out.print(training_table(training))
    for table in evaluation_tables(evaluation):
        out.print(table)
    return {"quality": quality, "training": training, "evaluation": evaluation}
