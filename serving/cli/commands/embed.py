"""``nextclick embed``: re-embeds a catalogue in batch, into a new bundle or into Parquet files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from serving.cli.options import items_time_option, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Output bundle.")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path),
    help="Output folder of embeddings in Parquet files, instead of a bundle; an interrupted run goes on.",
)
@click.option(
    "--known",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Earlier folder of --vectors: items that are in it as they are now are not embedded again.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes that embed with --vectors; by default one a core.",
)
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="TOML file that renames columns."
)
@items_time_option
@json_option
@reports_errors
def embed(
    bundle: Path,
    items: Path,
    out: Path | None,
    vectors: Path | None,
    known: Path | None,
    workers: int | None,
    map_file: Path | None,
    items_time: float | None,
    as_json: bool,
) -> None:
    """Embed ITEMS with the towers of BUNDLE, and write a new bundle that serves them.

    ITEMS is a folder of tables, or a file of items: CSV, TSV, JSON Lines or Parquet. No model is
    trained. To activate the bundle on a running server: nextclick publish OUT. Items keep the values
    that were predicted for them, where the bundle was trained with [attributes] use_predicted = true.

    With --vectors, ITEMS is a Parquet file of any size in the form that nextclick prepare writes, or
    its folder of tables. Only embeddings are written, to FOLDER/part-*.parquet, by item_id. They are of
    the items' words, and of what training learnt of their ids: pictures and sounds are not read, so that
    items which have one get another embedding than with --out. Such a bundle is warned of.
    """
    if (out is None) == (vectors is None):
        raise click.UsageError("expected either --out or --vectors")
    if vectors is not None:
        _embed_parts(bundle, items, vectors, known, workers, as_json)
        return
    assert out is not None
    from data.predicted.predictions import Predictions
    from data.predicted.usable_values import TABLE_NAME, read_predicted
    from data.prepare import prepare_items
    from data.tables import iter_items
    from towers.training.item_embedding import reembed

    began = time.time()
    with stage_bars() as bars:
        bars.start("reading the items")
        table, known_time = prepare_items(
            items, now=began, map_file=map_file, items_time=items_time
        )
        has_predicted = (items / TABLE_NAME).is_file()
        report = reembed(
            bundle,
            list(iter_items(table)),
            out,
            items_time=known_time,
            created_time=began,
            predictions=Predictions.of(read_predicted(items)) if has_predicted else None,
            progress=bars.start,
        )
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{out}: {report.item_count:,} items, {report.new_item_count:,} of them new to the towers, "
        f"embedded at {report.items_per_second:,.0f} a second; "
        f"{report.variant_group_count:,} groups of variants"
    )


def _embed_parts(
    bundle: Path, items: Path, out: Path, known: Path | None, workers: int | None, as_json: bool
) -> None:
    from towers.training.embedding_stream import embed_parts

    with stage_bars() as bars:
        report_rate = bars.start("embedding")
        began = time.perf_counter()

        def progress(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - began, 1e-9)
            report_rate(done, total, note=f"{rate:,.0f} items/s")

        count = workers or len(os.sched_getaffinity(0))
        report = embed_parts(bundle, items, out, known=known, worker_count=count, progress=progress)
    if report.unread:
        read = " and ".join(f"{name}s" for name in report.unread)
        click.echo(
            f"warning: the bundle's embeddings are of words and {read}, these are of words alone;"
            " --out reads both",
            err=True,
        )
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{out}: {report.item_count:,} items, {report.embedded_count:,} of them embedded, "
        f"{report.kept_count:,} known from before, {report.found_count:,} from an interrupted run; "
        f"{report.items_per_second:,.0f} a second"
    )
