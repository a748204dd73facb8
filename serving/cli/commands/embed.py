"""``nextclick embed``: re-embeds a changed catalogue in batch, into a new bundle."""

from __future__ import annotations

import time
from pathlib import Path

import click

from serving.cli.options import items_time_option, json_option, print_json, reports_errors
from serving.cli.progress import stage_bars


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Output bundle.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="TOML file that renames columns."
)
@items_time_option
@json_option
@reports_errors
def embed(
    bundle: Path,
    items: Path,
    out: Path,
    map_file: Path | None,
    items_time: float | None,
    as_json: bool,
) -> None:
    """Embed ITEMS with the towers of BUNDLE, and write a new bundle that serves them.

    ITEMS is a folder of tables, or a file of items: CSV, TSV, JSON Lines or Parquet. No model is
    trained. To activate the bundle on a running server: nextclick publish OUT.
    """
    from data.prepare import prepare_items
    from data.tables import iter_items
    from towers.training.item_embedding import reembed

    began = time.time()
    with stage_bars() as bars:
        bars.start("reading the items")
        table, known_time = prepare_items(
            items, now=began, map_file=map_file, items_time=items_time
        )
        report = reembed(
            bundle,
            list(iter_items(table)),
            out,
            items_time=known_time,
            created_time=began,
            progress=bars.start,
        )
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{out}: {report.item_count:,} items, {report.new_item_count:,} of them new to the towers, "
        f"embedded at {report.items_per_second:,.0f} a second"
    )
