"""``nextclick evaluate``: offline metrics, measured through the serving engine."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from data.errors import InputError
from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars

if TYPE_CHECKING:
    from serving.evaluation.as_served import EvaluationSettings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("tables", type=click.Path(path_type=Path))
@click.option("--queries", type=_FILE, help="Evaluate on this file: query_id<TAB>text per line.")
@click.option("--qrels", type=_FILE, help="TREC judgments; grade 1 or more is relevant.")
@click.option(
    "--sessions",
    type=_FILE,
    help="Evaluate on this file: item ids of a session per line, the last withheld.",
)
@click.option(
    "--run",
    "run_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rankings as a TREC run.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 1_000),
    default=100,
    show_default=True,
    help="Results per request.",
)
@click.option(
    "--requests",
    type=click.IntRange(1),
    default=3_000,
    show_default=True,
    help="Maximum number of browse requests.",
)
@click.option(
    "--filters",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Random filters to check against a scan of all items.",
)
@click.option(
    "--text-baselines",
    is_flag=True,
    help="Also rank searches by TF-IDF and by the text encoder as it comes.",
)
@click.option(
    "--rules",
    type=_FILE,
    help="TOML file of the shop's rules and policy, in force for the engine.",
)
@click.option(
    "--diversity",
    "diversities",
    type=click.FloatRange(0.0, 1.0),
    multiple=True,
    help="Also rank browse requests with this diversity of the policy; may be repeated.",
)
@click.option(
    "--offers",
    is_flag=True,
    help="Evaluate the offers alone: what was redeemed, and what offers changed.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of all sampling.")
@json_option
@reports_errors
def evaluate(
    bundle: Path,
    tables: Path,
    queries: Path | None,
    qrels: Path | None,
    sessions: Path | None,
    run_file: Path | None,
    depth: int,
    requests: int,
    filters: int,
    text_baselines: bool,
    rules: Path | None,
    diversities: tuple[float, ...],
    offers: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Evaluate BUNDLE on the test part of TABLES, and compare it with the baselines.

    With --queries or --sessions, evaluate on that file instead; --run writes the rankings. With
    --offers, evaluate the offers of TABLES.
    """
    from serving.cli.tables.offer_tables import offer_evaluation_tables
    from serving.cli.tables.report_tables import evaluation_tables, metrics_table
    from serving.evaluation.as_served import EvaluationSettings

    if queries is not None and sessions is not None:
        raise click.UsageError("expected either --queries or --sessions")
    if queries is None and qrels is not None:
        raise click.UsageError("--qrels: expected with --queries")
    if offers and (queries is not None or sessions is not None):
        raise click.UsageError("--offers: expected neither --queries nor --sessions")
    if offers:
        report = _of_offers(bundle, tables, seed)
        shown = offer_evaluation_tables(report)
    elif queries is None and sessions is None:
        if run_file is not None:
            raise click.UsageError("--run: expected with --queries or --sessions")
        settings = EvaluationSettings(
            request_limit=requests,
            depth=depth,
            seed=seed,
            filter_count=filters,
            has_text_baselines=text_baselines,
            diversities=tuple(dict.fromkeys(diversities)),
        )
        report = _from_tables(bundle, tables, settings, rules)
        shown = evaluation_tables(report)
    else:
        if rules is not None or diversities:
            raise click.UsageError("--rules, --diversity: expected without --queries, --sessions")
        report = _from_file(
            bundle, queries, sessions, qrels=qrels, run_file=run_file, depth=depth, seed=seed
        )
        shown = [metrics_table(report)]
    if as_json:
        print_json(report)
    else:
        for table in shown:
            console().print(table)
        for warning in report.get("warnings", ()):
            click.echo(f"warning: {warning}", err=True)


def _from_tables(
    bundle: Path, tables: Path, settings: EvaluationSettings, rules: Path | None
) -> dict[str, Any]:
    from data.tables import read_tables
    from serving.evaluation.as_served import evaluate_tables

    with stage_bars() as bars:
        bars.start("reading")
        return evaluate_tables(bundle, read_tables(tables), settings, stages=bars, rules=rules)


def _of_offers(bundle: Path, tables: Path, seed: int) -> dict[str, Any]:
    from data.tables import read_tables
    from towers.bundle.bundle import load_bundle
    from towers.training.offers.offer_evaluation import evaluate_offers

    with stage_bars() as bars:
        bars.start("loading")
        return evaluate_offers(load_bundle(bundle), read_tables(tables), bars, seed=seed)


def _from_file(
    bundle: Path,
    queries: Path | None,
    sessions: Path | None,
    *,
    qrels: Path | None,
    run_file: Path | None,
    depth: int,
    seed: int,
) -> dict[str, Any]:
    from serving.evaluation.file_evaluation import ask_query_file, ask_session_file

    began = time.perf_counter()
    with stage_bars() as bars, _written(run_file) as run:
        report = bars.start("asking")
        if queries is not None:
            result = ask_query_file(
                bundle, queries, qrels=qrels, run=run, depth=depth, seed=seed, progress=report
            )
        else:
            assert sessions is not None
            result = ask_session_file(
                bundle, sessions, run=run, depth=depth, seed=seed, progress=report
            )
    return {**result, "depth": depth, "seconds": round(time.perf_counter() - began, 1)}


@contextlib.contextmanager
def _written(path: Path | None) -> Any:
    """A file that is renamed to ``path`` if the block succeeds; None for None."""
    if path is None:
        yield None
        return
    unfinished = path.with_name(f".{path.name}.new")
    try:
        file: TextIO = unfinished.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: expected a place for a file, received: {error.strerror}"
        ) from error
    try:
        with file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
