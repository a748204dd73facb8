"""Fusion of words and pictures beside concatenation and either alone, for items with poor titles.

    python -m tests.benchmarks.fusion PHOTOS.parquet PRODUCTS.parquet ENCODER.tflite

PHOTOS: split (``train`` or ``val``), fine_class, group and jpeg; PRODUCTS: item_id (a fine class) and
title. Photographs of ``train`` are items with the title of their product, those of ``val`` new items with
its first word, or its last, alone; all have the group as category. The towers learn from made queries.
Searched for are the whole titles, among the new items; similar items are the nearest of each new item
among all others. ENCODER has been trained on ``train`` alone. In the last row, new items have the words
that ``nextclick attributes`` tells of their pictures, ``title_words``, as an attribute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from data.predicted.predictions import Predictions
from data.records import Item
from tests.benchmarks.machine import machine
from towers.attributes.picture_features import PictureFeatures
from towers.attributes.titles.title_words import title_words
from towers.bootstrap import mean_interval
from towers.catalog.items import Catalog
from towers.config import ImagesConfig, default_config
from towers.datasets.examples import ExampleWriter, catalogue_examples, search_input
from towers.modalities.images import ImageEncoder
from towers.models import candidate_tower
from towers.models.legacy_keras import tf
from towers.models.modality_attention import ModalityAttention
from towers.text.word_vectors import word_vectors
from towers.training.tower_training import train_towers

_MADE_QUERIES = 20_000
_FIRST = 10
_PRECISION = 0.95
_SEED = 7


class Concatenation(ModalityAttention):
    """A linear map of the vectors of words and picture or sound, side by side: without attention."""

    def call(
        self,
        words: tf.Tensor,
        has_words: tf.Tensor,
        vectors: Mapping[str, tf.Tensor],
        training: bool = False,
    ) -> tf.Tensor:
        projected = [tf.matmul(vectors[name], self.projections[name]) for name in self.names]
        return words + tf.add_n(projected)


def recall(scores: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Recall in the first 10 by row, of the rows with a relevant column; ``relevant [n, m] bool``."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :_FIRST]
    hits = np.take_along_axis(relevant, first, axis=1).sum(axis=1)
    counts = relevant.sum(axis=1)
    return (hits / np.minimum(np.maximum(counts, 1), _FIRST))[counts > 0]


@dataclass(frozen=True, eq=False)
class PoorShop:
    """A catalogue with new items whose titles are poor.

    Args:
        items: Old and new ones.
        kinds: ``[items] str`` what each is.
        is_new: ``[items] bool``.
        title_of: What is searched for, by kind.
        modality: Name of what items have besides their words.
        vectors: ``[items, dim] float32`` of that.
    """

    items: list[Item]
    kinds: np.ndarray
    is_new: np.ndarray
    title_of: Mapping[str, str]
    modality: str
    vectors: np.ndarray


def compared(shop: PoorShop) -> dict[str, dict[str, dict[str, float]]]:
    """Recall in the first 10 with its interval, by candidate tower, of searches and of similar items."""
    items, kinds, is_new = shop.items, shop.kinds, shop.is_new
    config = default_config(has_words=True, has_log=False)
    counts: dict[str, int] = {}
    for item in items:
        for word in {*item.title.lower().split(), *item.category[0].lower().split()}:
            counts[word] = counts.get(word, 0) + 1
    size = {"dim": config.towers.dim, "bucket_count": config.text.bucket_count}
    words = word_vectors(counts, **size)
    titles = sorted(set(kinds[is_new]))
    wanted = np.array([[kind == title for kind in kinds[is_new]] for title in titles])
    alike = kinds[is_new][:, None] == kinds[None, :]
    own = np.arange(int(is_new.sum())), np.flatnonzero(is_new)
    alike[own] = False
    vectors = {shop.modality: shop.vectors}
    report: dict[str, dict[str, dict[str, float]]] = {}
    for name, of_shop, has_words, modalities, layer in (
        ("words", items, True, None, ModalityAttention),
        (shop.modality, items, False, vectors, ModalityAttention),
        ("concatenation", items, True, vectors, Concatenation),
        ("attention", items, True, vectors, ModalityAttention),
        ("attention, title words", with_title_words(shop), True, vectors, ModalityAttention),
    ):
        catalog = Catalog.of(of_shop, config.text)
        examples = catalogue_examples(catalog, config, limit=_MADE_QUERIES)
        writer = ExampleWriter(1)
        for kind in titles:
            writer.add(search_input(shop.title_of[kind], catalog, config), [0])
        queries = dict(writer.finish().inputs)
        of_words = catalog.tokens[: catalog.count] * has_words
        candidate_tower.ModalityAttention = layer  # type: ignore[misc]
        model, _ = train_towers(
            *(examples, examples.part(slice(0)), of_words, config),
            words=words,
            modalities=modalities,
            has_log=False,
        )
        embeddings = model.candidate_tower.all().numpy()
        nothing = np.zeros((*queries["event_types"].shape, embeddings.shape[1]), np.float32)
        history = np.zeros((*queries["history_rows"].shape, embeddings.shape[1]), np.float32)
        asked = model.query_embeddings(queries, nothing, history).numpy()
        new = embeddings[is_new]
        similar = new @ embeddings.T
        similar[own] = -np.inf
        report[name] = {
            "search": mean_interval(recall(asked @ new.T, wanted), seed=_SEED),
            "similar items": mean_interval(recall(similar, alike), seed=_SEED),
        }
    return report


def with_title_words(shop: PoorShop) -> list[Item]:
    """The items, new ones with the words that are told of their pictures or sounds."""
    order = np.argsort(~shop.is_new, kind="stable")
    features = PictureFeatures(shop.vectors[order], np.ones(len(order), bool))
    count = int(shop.is_new.sum())
    in_order = [shop.items[row] for row in order.tolist()]
    values, report = title_words(in_order, count, features, precision=_PRECISION, seed=_SEED)
    click.echo(json.dumps(report), err=True)
    told = Predictions.of(value for value in values if not value.abstained)
    return told.filled_all(shop.items)


def show(shop: PoorShop, report: Mapping[str, Any], as_json: bool) -> None:
    """Prints what ``compared`` found."""
    if as_json:
        click.echo(json.dumps({"machine": machine(), "recall@10": report}))
        return
    title_count = len(set(shop.kinds[shop.is_new]))
    table = Table(title=f"recall@10 of {int(shop.is_new.sum())} new items; 95 % intervals")
    for heading in ("candidate tower", f"search ({title_count} titles)", "similar items"):
        table.add_column(heading)
    for name, of_tower in report.items():
        cells = [
            f"{one['mean']:.3f} ({one['low']:.3f}–{one['high']:.3f})" for one in of_tower.values()
        ]
        table.add_row(name, *cells)
    Console().print(table)


@click.command()
@click.argument("photos", type=click.Path(exists=True, path_type=Path))
@click.argument("products", type=click.Path(exists=True, path_type=Path))
@click.argument("encoder", type=click.Path(exists=True, path_type=Path))
@click.option("--all-poor", is_flag=True, help="Cut all titles, not those of new items alone.")
@click.option(
    "--kept",
    type=click.Choice(["first", "last"]),
    default="first",
    show_default=True,
    help="Word that is left of a title.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    photos: Path, products: Path, encoder: Path, all_poor: bool, kept: str, as_json: bool
) -> None:
    """Train four candidate towers and compare their recall."""
    title_of = {row["item_id"]: row["title"] for row in pq.read_table(products).to_pylist()}
    rows = pq.read_table(photos).to_pylist()
    is_new = np.array([row["split"] != "train" for row in rows])
    kinds = np.array([row["fine_class"] for row in rows])
    place = {"first": 0, "last": -1}[kept]
    items = [
        Item(
            str(number),
            title=title_of[kind].split()[place] if new or all_poor else title_of[kind],
            category=(row["group"],),
        )
        for number, (row, kind, new) in enumerate(zip(rows, kinds, is_new, strict=True))
    ]
    vectors, _ = ImageEncoder(encoder.read_bytes(), ImagesConfig()).encode(
        [r["jpeg"] for r in rows]
    )
    shop = PoorShop(items, kinds, is_new, title_of, "picture", vectors)
    show(shop, compared(shop), as_json)


if __name__ == "__main__":
    main()
