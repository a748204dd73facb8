"""``nextclick attributes``: predicts what the catalogue lacks, and merges spellings of what it has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from serving.cli.options import console, json_option, print_json, reports_errors
from serving.cli.progress import StageBars, stage_bars

if TYPE_CHECKING:
    from data.records import Item
    from towers.attributes.filling import Filled, FillOptions

_MODELS = (
    *("naive_bayes", "linear_svm", "decision_tree", "random_forest", "nearest_neighbours"),
    *("dnn", "transformer", "picture_head"),
)


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("items", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Output file: .csv, .tsv, .jsonl or .parquet.",
)
@click.option(
    "--attribute",
    "fields",
    multiple=True,
    metavar="NAME",
    help="Only this attribute, or brand or category; may be repeated. By default all that some items "
    "have and others lack.",
)
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Of the values that are given; below it the file says abstained.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(_MODELS),
    help="Only this model; may be repeated. By default all are compared, and the best in validation is "
    "used.",
)
@click.option("--png", type=click.Path(path_type=Path), help="Picture of the comparison.")
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="TOML file that renames columns."
)
@click.option("--seed", default=7, show_default=True, help="Of folds and weights.")
@json_option
@reports_errors
def attributes(
    bundle: Path,
    items: Path,
    out: Path,
    fields: tuple[str, ...],
    precision: float,
    models: tuple[str, ...],
    png: Path | None,
    map_file: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Predict the attributes, brands and categories that ITEMS lack.

    ITEMS is a folder of tables, or a file of items: CSV, TSV, JSON Lines or Parquet. Models learn from
    those that have a value, and from the catalogue of BUNDLE, whose towers also read the items. All
    models are measured on a fifth of the filled items, or on those whose pictures the image encoder has
    not seen, nor near-copies of them, and the best one of each attribute is used. Values are given down
    to the probability at which measured ones have the precision asked for.

    Where items have pictures, title_words are the words that a short title lacks: of longer titles of its
    category that hold its words, those whose pictures are nearest.

    The file has item_id, attribute, value, probability, model, abstained and reason; rows of the model
    "spelling" are other spellings of what the shop has, such as Black for BLK.
    """
    from data.predicted.values import check_ending, write_values
    from data.prepare import prepare_items
    from data.tables import iter_items
    from serving.cli.tables.attribute_tables import attribute_tables
    from towers.attributes.filling import FillOptions
    from towers.attributes.picture import draw_models

    check_ending(out)
    options = FillOptions(fields, precision, models or _MODELS, seed)
    with stage_bars() as bars:
        bars.start("reading the items")
        table, _ = prepare_items(items, now=time.time(), map_file=map_file)
        found = _fill(bundle, list(iter_items(table)), options, bars)
        write_values(out, found.values)
        if png is not None:
            draw_models(png, found.report["attributes"])
    if as_json:
        print_json(found.report)
        return
    for part in attribute_tables(found.report):
        console().print(part)
    click.echo(f"{out}: {len(found.values):,} rows")


def _fill(
    bundle_path: Path, items: Sequence[Item], options: FillOptions, bars: StageBars
) -> Filled:
    from data.errors import MissingExtraError
    from towers.attributes.filling import Filled, fill, merged_items, spelling_rows
    from towers.attributes.item_features import ItemFeatures
    from towers.attributes.known_items import items_of
    from towers.attributes.picture_features import PictureFeatures
    from towers.bundle.bundle import load_bundle
    from towers.bundle.candidate_tables import CandidateTables
    from towers.bundle.layout import Layout
    from towers.modalities.modality_list import MODALITIES
    from towers.modalities.picture_heads import EncoderClasses

    bars.start("reading the bundle")
    bundle = load_bundle(bundle_path)
    table = CandidateTables.load(Layout(bundle_path).training).token_table
    known, rows = items_of(bundle.catalog, {item.item_id for item in items})
    bars.start("merging spellings")
    merged, merges = merged_items([*items, *known])
    pictures = None
    modalities = [one for one in MODALITIES if one.name in bundle.modalities]
    if modalities:
        # Of pictures and sounds, what most items have.
        of_bundle = bundle.modalities
        most = max(modalities, key=lambda one: len(of_bundle[one.name].contents.rows))
        if not most.is_installed():
            raise MissingExtraError(f"{most.folder} of items", most.extra, "what reads them")
        report = bars.start(f"reading {most.folder}", len(items))
        classes = EncoderClasses.load(Layout(bundle_path) / most.folder)
        pictures = PictureFeatures.of(merged, rows, of_bundle[most.name], classes, report)
    bars.start("reading words")
    features = ItemFeatures(merged, bundle.config.text, table, pictures)
    found = fill(merged, len(items), features, merges, options, bars)
    return Filled([*found.values, *spelling_rows(items, merges)], found.report)
