"""What kinds of things an encoder learnt from a shop's photographs tells on photographs never seen.

    python -m tests.benchmarks.photo_classes PHOTOS.parquet --work FOLDER [--products PRODUCTS.parquet]

``PHOTOS.parquet`` has ``split``, ``fine_class``, ``coarse_class``, ``group`` and ``jpeg`` a photograph;
``PRODUCTS.parquet`` one picture a class, ``item_id`` (the class), ``group`` and ``jpeg``
(GroceryStoreDataset, Klasson et al. 2019). Items have a picture, the group as category, no title, and
the fine class as an attribute, which the photographs outside of ``train`` lack. The shop is built in
FOLDER by ``nextclick prepare`` and ``train`` if it is not there yet, and ``nextclick attributes`` fills
the others. A coarse class is right if the fine class that was told belongs to it; with ``--coarse`` the
shop also has it as an attribute, which is filled by itself. ``first 5`` is the
share of photographs whose product is among the five most similar pictures of PRODUCTS.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import ROOT
from towers.bootstrap import mean_interval
from towers.config import config_from
from towers.modalities.images import ImageEncoder

FIRST = 5
_FIELD, _COARSE = "fine_class", "coarse_class"
_SEED = 7

Row = Mapping[str, Any]


def write_items(
    folder: Path, rows: Iterable[Row], fields: Sequence[str], *, is_withheld: bool
) -> None:
    """``items.csv`` and its pictures: an empty title, the group as category, the classes or none."""
    folder.mkdir(parents=True)
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        names = [f"attributes.{field}" for field in fields]
        lines.writerow(["item_id", "title", "category", "image", *names])
        for number, row in enumerate(rows):
            name = f"{number}.jpg"
            (folder / name).write_bytes(row["jpeg"])
            told = ["" if is_withheld else row[field] for field in fields]
            lines.writerow([f"{folder.name}{number}", "", row["group"], name, *told])


def built_shop(
    photos: Sequence[Row],
    products: Sequence[Row],
    fields: Sequence[str],
    work: Path,
    config: Path | None,
) -> tuple[Path, float | None]:
    """The bundle, and the seconds that training took; None where it was there."""
    learnt, bundle, tables = work / "learnt", work / "bundle", work / "tables"
    if bundle.is_dir():
        return bundle, None
    if not learnt.is_dir():
        shown = [row for row in photos if row["split"] == "train"]
        pictured = [{**row, _FIELD: row["item_id"]} for row in products]
        write_items(learnt, [*shown, *pictured], fields, is_withheld=False)
    if not tables.is_dir():
        _run("prepare", "files", learnt, "--out", tables)
    settings = [] if config is None else ["--config", config]
    began = time.perf_counter()
    _run("train", tables, "--out", bundle, "--no-evaluation", *settings)
    return bundle, time.perf_counter() - began


def figures_of(
    values: Sequence[Mapping[str, str]], truth: Sequence[str], coarse_of: Mapping[str, str]
) -> dict[str, Any]:
    """What the values are worth, each figure with its 95 % interval.

    Args:
        values: Rows of the file that ``nextclick attributes`` wrote, one a photograph.
        truth: Fine classes in the same order.
        coarse_of: Coarse class by fine class.
    """
    told = [row["value"] for row in values]
    right = np.array([value == one for value, one in zip(told, truth, strict=True)], float)
    is_kind = np.array(
        [coarse_of.get(value) == coarse_of[one] for value, one in zip(told, truth, strict=True)],
        float,
    )
    given = np.array([row["abstained"] == "false" for row in values])
    probabilities = np.array([float(row["probability"]) for row in values])
    return {
        "photographs": len(values),
        "fine class": mean_interval(right, seed=_SEED),
        "coarse class": mean_interval(is_kind, seed=_SEED),
        "values given": int(given.sum()),
        "coverage": mean_interval(given.astype(float), seed=_SEED),
        "precision of values given": (
            mean_interval(right[given], seed=_SEED) if given.any() else None
        ),
        "probability stated": float(probabilities.mean()),
        "models": sorted({row["model"] for row in values}),
    }


def product_ranks(bundle: Path, photos: Sequence[Row], products: Sequence[Row]) -> np.ndarray:
    """``[photos] int64`` the rank of each photograph's product by similarity of pictures, from 1."""
    config = config_from(json.loads((bundle / "config.json").read_text(encoding="utf-8")))
    encoder = ImageEncoder.load(bundle, config.images)
    asked, _ = encoder.encode([row["jpeg"] for row in photos])
    shown, _ = encoder.encode([row["jpeg"] for row in products])
    place_of = {row["item_id"]: place for place, row in enumerate(products)}
    scores = asked @ shown.T
    own = scores[np.arange(len(photos)), [place_of[row[_FIELD]] for row in photos]]
    ranks: np.ndarray = 1 + np.count_nonzero(scores > own[:, None], axis=1)
    return ranks


def measured(
    bundle: Path, photos: Sequence[Row], fields: Sequence[str], work: Path, options: Sequence[Any]
) -> dict[str, Any]:
    """Fills the photographs outside of ``train``, and compares.

    Args:
        options: Further ones of ``nextclick attributes``.
    """
    asked = [row for row in photos if row["split"] != "train"]
    folder, out = work / "asked", work / "values.csv"
    if not folder.is_dir():
        write_items(folder, asked, fields, is_withheld=True)
    began = time.perf_counter()
    words = [word for field in fields for word in ("--attribute", field)]
    words += ["--out", out, "--json", *options]
    report = json.loads(_run("attributes", bundle, folder / "items.csv", *words))
    seconds = time.perf_counter() - began
    with out.open(encoding="utf-8", newline="") as file:
        of_field: dict[str, dict[str, Mapping[str, str]]] = {field: {} for field in fields}
        for row in csv.DictReader(file):
            of_field[row["attribute"]][row["item_id"]] = row
    coarse_of = {row[_FIELD]: row[_COARSE] for row in photos}
    (group,) = report["attributes"][_FIELD]["groups"]
    ids = [f"asked{number}" for number in range(len(asked))]
    by_itself = {}
    if _COARSE in fields:
        told = [of_field[_COARSE][one]["value"] for one in ids]
        right = [value == row[_COARSE] for value, row in zip(told, asked, strict=True)]
        by_itself["coarse class by itself"] = mean_interval(np.array(right, float), seed=_SEED)
    return {
        **figures_of(
            [of_field[_FIELD][one] for one in ids], [row[_FIELD] for row in asked], coarse_of
        ),
        **by_itself,
        "precision asked for": report["precision"],
        "expected precision": group["expected_precision"],
        "expected coverage": group["expected_coverage"],
        "measured on": group["validated_count"],
        "filling, seconds": seconds,
    }


def _run(*words: Any) -> str:
    command = [sys.executable, "-m", "serving.cli", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


@click.command()
@click.argument("photos", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--work", required=True, type=click.Path(path_type=Path), help="Folder of the shop.")
@click.option(
    "--products",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Pictures of the products, learnt from and searched.",
)
@click.option("--coarse", "has_coarse", is_flag=True, help="Coarse classes are an attribute too.")
@click.option("--config", type=click.Path(exists=True, path_type=Path), help="Settings of train.")
@click.option("--precision", default=0.95, show_default=True, help="Asked for.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    photos: Path,
    work: Path,
    products: Path | None,
    has_coarse: bool,
    config: Path | None,
    precision: float,
    models: tuple[str, ...],
    as_json: bool,
) -> None:
    """Fine and coarse classes of the photographs in PHOTOS outside of its split train."""
    work = work.absolute()
    rows = pq.read_table(photos).to_pylist()
    shown = [] if products is None else pq.read_table(products).to_pylist()
    absolute = None if config is None else config.absolute()
    fields = [_FIELD, _COARSE] if has_coarse else [_FIELD]
    bundle, seconds = built_shop(rows, shown, fields, work, absolute)
    options = [word for model in models for word in ("--model", model)]
    figures = measured(bundle, rows, fields, work, ["--precision", precision, *options])
    if shown:
        ranks = product_ranks(bundle, [row for row in rows if row["split"] != "train"], shown)
        figures[f"first {FIRST}"] = mean_interval((ranks <= FIRST).astype(float), seed=_SEED)
    if seconds is not None:
        figures["training, seconds"] = seconds
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, _shown(value))
    Console().print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict):
        return f"{value['mean']:.3f} ({value['low']:.3f}–{value['high']:.3f})"
    if isinstance(value, list):
        return ", ".join(value)
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"


if __name__ == "__main__":
    main()
