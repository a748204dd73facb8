"""``nextclick index``: what the vector index of a bundle finds, at what cost, and what others would."""

from __future__ import annotations

from pathlib import Path

import click

from serving.cli.options import json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--target", type=click.FloatRange(0.0, 1.0), help="Recall target; by default the bundle's."
)
@click.option(
    "--png", type=click.Path(dir_okay=False, path_type=Path), help="Picture of recall over time."
)
@json_option
@reports_errors
def index(bundle: Path, target: float | None, png: Path | None, as_json: bool) -> None:
    """Measure the vector index of BUNDLE, and search for the cheapest one that reaches a recall.

    Trees with and without SOAR are built over the bundle's embeddings, and searched by popular queries
    and item pages. The bundle stays as it is; training chooses its index in the same way, by sessions of
    the log, and leaves what it measured in sources/learnt/tuning.json.
    """
    from dataclasses import replace

    from serving.cli.recall_picture import draw_recall
    from towers.bundle.bundle import load_bundle
    from towers.bundle.sample_queries import sample_queries
    from towers.indexes.index_tuning import Sample, tuned

    with stage_bars() as bars:
        bars.start("reading the bundle")
        loaded = load_bundle(bundle)
        config, known = loaded.config.index, loaded.ranker.sources.index
        config = config if target is None else replace(config, recall_target=target)
        bars.start("encoding queries")
        queries = sample_queries(loaded)
        rows = known.embeddings[: known.shape.item_count]
        bars.start("measuring the index")
        now = known.measured(Sample.of(rows, queries, min(config.neighbours_checked, len(rows))))
        bars.start("building and measuring others")
        _, _, trials = tuned(rows, config, queries)
    if png is not None:
        draw_recall(png, trials, config.recall_target)
    if as_json:
        print_json(
            {
                "item_count": len(rows),
                "query_count": len(queries),
                "recall_target": config.recall_target,
                "index": now._asdict(),
                "trials": [trial._asdict() for trial in trials],
            }
        )
        return
    click.echo(f"{'leaves':>9} {'searched':>9} {'reordered':>10} {'recall':>7} {'time':>9}")
    for trial in (now, *trials):
        leaves = f"{trial.leaf_count:,}{'+' if trial.has_soar else ' '}"
        note = "  of the bundle" if trial is now else "  chosen" if trial.is_chosen else ""
        click.echo(
            f"{leaves:>9} {trial.leaves_searched:>9,} {trial.reordered_count:>10,} "
            f"{trial.recall:>7.3f} {trial.search_us:>6,.0f} µs{note}"
        )
    click.echo(f"+ with SOAR; recall@{config.neighbours_checked}, target {config.recall_target:g}")
