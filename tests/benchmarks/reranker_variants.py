"""Other second stages on the same lists: crosses, depth, members, gates, context, boosted trees.

    python -m tests.benchmarks.reranker_variants --tables TABLES --config model.toml --lists lists.npz
    python -m tests.benchmarks.reranker_variants --lists lists.npz --seeds 3

The first command trains the towers and replays the log as ``nextclick train`` does, and keeps the lists
of candidates that the reranker would be trained on; the second uses those of an earlier run. Every
variant learns from the same earlier lists, stops by the loss on the first half of the held-out ones, and
is measured by NDCG@10 on the second half.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from data.tables import read_tables
from serving.cli.progress import stage_bars
from serving.evaluation.metrics import mean_interval
from tests.benchmarks.machine import machine
from tests.benchmarks.reranker_networks import Scorer, flat, networks, trained
from towers.config import Config, RerankConfig, read_config
from towers.datasets.ranking_lists import Lists
from towers.training import second_stage
from towers.training.baselines.classical import classical_scores, fit_classical
from towers.training.baselines.lambda_mart import LambdaMart
from towers.training.train import starting_config, train

CUT = 10


class Split(NamedTuple):
    """Lists in the order of time."""

    learnt: Lists
    stopping: Lists
    measured: Lists


class Result(NamedTuple):
    """One variant: NDCG@10 of each list for each seed, and the time of one training."""

    name: str
    ndcg: np.ndarray
    seconds: float


class _KeptError(Exception):
    """Ends a training where that of the reranker would begin."""


def keep_lists(tables: Path, config: Config | None, path: Path) -> None:
    """Trains up to the second stage, and writes its lists."""
    read = read_tables(tables)

    def stop(learnt: Lists, held_out: Lists, *_: Any, **__: Any) -> None:
        parts = {"learnt": learnt, "held_out": held_out}
        arrays = {
            f"{part}_{name}": array
            for part, lists in parts.items()
            for name, array in lists.columns.items()
        }
        np.savez_compressed(path, **arrays)
        raise _KeptError

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_stage, "train_reranker", stop)
        settings = starting_config(read) if config is None else config
        out, now = Path(folder) / "bundle", time.time()
        with stage_bars() as stages, suppress(_KeptError):
            train(read, out, settings, created_time=now, stages=stages)


def read_lists(path: Path) -> Split:
    """What ``keep_lists`` wrote; the held-out lists in two halves."""
    with np.load(path, allow_pickle=False) as arrays:
        learnt, held_out = (
            Lists(*(arrays[f"{part}_{name}"] for name in ("features", "labels", "present")))
            for part in ("learnt", "held_out")
        )
    half = held_out.count // 2
    return Split(learnt, held_out.part(slice(0, half)), held_out.part(slice(half, None)))


def ndcg(scores: np.ndarray, lists: Lists) -> np.ndarray:
    """NDCG@10 of each list, ``[lists]``; gains as the labels have them, ties to the later candidate.

    Lists begin with what is relevant, so that a model that knows nothing does not look good.
    """
    scores = np.where(lists.present, scores, -np.inf)
    places = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.lexsort((-places, -scores), axis=-1)[:, :CUT]
    discounts = 1.0 / np.log2(np.arange(2, CUT + 2))
    found = (np.take_along_axis(lists.labels, order, 1) * discounts).sum(axis=1)
    best = (-np.sort(-lists.labels, axis=1)[:, :CUT] * discounts).sum(axis=1)
    return np.asarray(found / best)


def _standard(scores: np.ndarray, lists: Lists) -> np.ndarray:
    """Scores with mean 0 and deviation 1 within each list."""
    known = np.where(lists.present, scores, np.nan)
    deviation = np.maximum(np.nanstd(known, axis=1, keepdims=True), 1e-9)
    return np.nan_to_num((known - np.nanmean(known, axis=1, keepdims=True)) / deviation)


def compare(split: Split, config: RerankConfig, names: tuple[str, ...], seeds: int) -> list[Result]:
    """Trains and measures the variants of these names, all of them where there are none."""
    results: list[Result] = []
    released: list[Scorer] = []
    for name, (settings, build) in networks(config).items():
        if names and name not in names:
            continue
        began = time.perf_counter()
        scorers = [
            trained(build, settings, split.learnt, split.stopping, 1 + number)
            for number in range(seeds)
        ]
        seconds = (time.perf_counter() - began) / seeds
        if name == "as released":
            released = scorers
        values = [ndcg(score(split.measured), split.measured) for score in scorers]
        results.append(Result(name, np.stack(values), seconds))
        click.echo(f"{name}: {np.mean(values):.4f} after {seconds:.0f} s", err=True)
    began = time.perf_counter()
    trees = LambdaMart.train(split.learnt, split.stopping, seed=1)
    seconds = time.perf_counter() - began
    boosted = flat(trees.scores, split.measured)
    results.append(Result("LambdaMART", ndcg(boosted, split.measured)[None], seconds))
    for score in released[:1]:
        both = _standard(score(split.measured), split.measured) + _standard(boosted, split.measured)
        results.append(
            Result("as released and LambdaMART", ndcg(both, split.measured)[None], seconds)
        )
    began = time.perf_counter()
    relevant = split.learnt.is_relevant[split.learnt.present]
    weights = fit_classical(split.learnt.features[split.learnt.present], relevant, seed=1)
    seconds = time.perf_counter() - began

    def logistic(rows: np.ndarray) -> np.ndarray:
        return classical_scores(weights, rows)["logistic_regression"]

    values = ndcg(flat(logistic, split.measured), split.measured)
    results.append(Result("logistic regression", values[None], seconds))
    return results


def figures(results: Sequence[Result]) -> list[dict[str, Any]]:
    """NDCG@10 over seeds, and the lead over the first variant, paired by list, with its interval."""
    first = results[0].ndcg.mean(axis=0)
    found = []
    for result in results:
        lead = result.ndcg.mean(axis=0) - first
        interval = mean_interval(lead, seed=1)
        by_seed = result.ndcg.mean(axis=1)
        deviation = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
        figure = {
            "name": result.name,
            "ndcg@10": float(by_seed.mean()),
            "deviation": deviation,
            "lead": interval,
            "seconds": result.seconds,
        }
        found.append(figure)
    return found


def table_of(found: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The table of the terminal."""
    table = Table(title=title, title_justify="left")
    table.add_column("variant")
    for name in ("NDCG@10", "over seeds", "lead", "95 %", "training s"):
        table.add_column(name, justify="right")
    for one in found:
        deviation = "" if one["deviation"] is None else f"± {one['deviation']:.4f}"
        lead = one["lead"]
        interval = f"{lead['low']:+.4f} to {lead['high']:+.4f}"
        values = f"{one['ndcg@10']:.4f}", deviation, f"{lead['mean']:+.4f}", interval
        table.add_row(one["name"], *values, f"{one['seconds']:.0f}")
    return table


_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--lists", "path", required=True, type=_FILE, help="Where the lists are kept.")
@click.option("--tables", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--config", "config_path", type=_FILE, help="As for nextclick train.")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--variant", "names", multiple=True, help="Networks to train; all if left out.")
@click.option("--json", "as_json", is_flag=True)
def main(
    path: Path,
    tables: Path | None,
    config_path: Path | None,
    seeds: int,
    names: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train and measure other second stages on one set of lists."""
    described = machine()
    config = None if config_path is None else read_config(config_path)
    if tables is not None:
        keep_lists(tables, config, path)
    split = read_lists(path)
    settings = RerankConfig() if config is None else config.rerank
    found = figures(compare(split, settings, names, seeds))
    counts = [part.count for part in split]
    if as_json:
        click.echo(json.dumps({"machine": described, "lists": counts, "variants": found}, indent=1))
        return
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(described)
    title = f"second stages: {counts[0]:,} lists learnt, {counts[2]:,} measured, {seeds} seeds"
    console.print(table_of(found, title))


if __name__ == "__main__":
    main()
