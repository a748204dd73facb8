"""Embeds items in batch with the candidate tower, and builds a bundle for a changed catalogue."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.atomic import atomic_folder, check_replaceable
from data.predicted.predictions import Predictions
from data.records import Item
from towers.bundle.bundle import (
    load_bundle,
    write_after_sales,
    write_completion,
    write_pictures,
    write_sources,
)
from towers.bundle.candidate_tables import CandidateTables
from towers.bundle.golden import golden_answers
from towers.bundle.layout import Layout
from towers.bundle.manifest import NAME as MANIFEST_NAME
from towers.bundle.manifest import sign
from towers.bundle.model_metadata import write_facts
from towers.bundle.sample_queries import sample_queries
from towers.catalog.items import Catalog
from towers.config import Config
from towers.indexes.item_index import checked_embeddings
from towers.modalities.images import ENCODER_NAME
from towers.modalities.item_pictures import ItemPictures, PictureVectors, encoded_pictures
from towers.modalities.picture_heads import EncoderClasses
from towers.models.candidate_tower import CandidateTower
from towers.models.legacy_keras import tf
from towers.models.modality_attention import MODALITIES, PICTURE, attention_from
from towers.ranking.ranker import Ranker
from towers.retrieval.source import Rebase

_SLICE = 4_096


@dataclass(frozen=True)
class EmbedReport:
    """What a batch re-embedding did.

    Args:
        item_count: Items embedded.
        new_item_count: Items among them that were not in training.
        seconds: From items in memory to embeddings, tokenisation included.
    """

    item_count: int
    new_item_count: int
    seconds: float

    @property
    def items_per_second(self) -> float:
        """Items embedded per second."""
        return self.item_count / max(self.seconds, 1e-9)


def embed_items(tables: CandidateTables, catalog: Catalog, config: Config) -> np.ndarray:
    """Embeddings of a catalogue's items by their words, ``[items, dim] float32`` unit rows.

    Items of the training data keep their ID embeddings; new items are embedded by their words alone.
    """
    return embed_with_pictures(tables, catalog, config, None)[0]


def embed_with_pictures(
    tables: CandidateTables, catalog: Catalog, config: Config, pictures: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings as by ``embed_items``, and the weights of the pictures in them, ``[items] float32``.

    Args:
        pictures: ``[items, picture_dim] float32``, zeros for an item without; None where the tower
            reads no pictures, or none is at hand.
    """
    tokens = catalog.tokens[: catalog.count]
    row_of = {item_id: row for row, item_id in enumerate(tables.item_ids)}
    source = np.array([row_of.get(item_id, -1) for item_id in catalog.item_ids], np.int64)
    id_embeddings = np.where((source >= 0)[:, None], tables.item_table[np.maximum(source, 0)], 0.0)
    tower = CandidateTower(config, len(tables.item_ids), tokens[:1])
    tower.token_table.assign(tables.token_table)
    weights = np.zeros(len(tokens), np.float32)
    if pictures is not None and tables.fusion:
        tower.fusion = attention_from(tables.fusion)
        for start in range(0, len(tokens), _SLICE):
            part = slice(start, start + _SLICE)
            of_part = tower.modality_weights(tokens[part], pictures[part]).numpy()
            weights[part] = of_part[:, MODALITIES.index(PICTURE)]
    else:
        # Without a column nothing is read: the same graph for a shop without pictures.
        pictures = np.zeros((len(tokens), 0), np.float32)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec((None, tokens.shape[1]), tf.int32),
            tf.TensorSpec((None, config.towers.dim), tf.float32),
            tf.TensorSpec((None, pictures.shape[1]), tf.float32),
        ],
    )
    def embed(of_slice: tf.Tensor, of_ids: tf.Tensor, of_pictures: tf.Tensor) -> tf.Tensor:
        return tower.of_tokens(of_slice, of_ids, of_pictures)

    id_embeddings = id_embeddings.astype(np.float32)
    parts = [
        embed(tokens[part], id_embeddings[part], pictures[part]).numpy()
        for part in (slice(start, start + _SLICE) for start in range(0, len(tokens), _SLICE))
    ]
    embeddings = np.concatenate(parts) if parts else np.zeros((0, config.towers.dim), np.float32)
    # An item without words and ID embedding has no direction: it gets a fixed one.
    empty = np.linalg.norm(embeddings, axis=1) < 0.5
    embeddings[empty] = 1.0 / np.sqrt(config.towers.dim)
    return checked_embeddings(embeddings, "item embeddings", config.towers.dim), weights


def reembed(
    bundle_path: Path,
    items: Sequence[Item],
    out: Path,
    *,
    items_time: float,
    created_time: float,
    predictions: Predictions | None = None,
    progress: Callable[[str], object] | None = None,
) -> EmbedReport:
    """Builds a bundle of the same models over another catalogue, as it was at ``items_time``.

    Removed items also leave the index, the co-occurrence table and the past sessions.

    Args:
        predictions: What the items get where they have no value, if the bundle's settings say so; None:
            as in the bundle.

    Raises:
        InputError: ``out`` exists and is not a bundle.
    """
    check_replaceable(out, marker=MANIFEST_NAME)
    report = progress or (lambda stage: None)
    report("reading the bundle")
    old = load_bundle(bundle_path)
    layout, sources, config = Layout(bundle_path), old.ranker.sources, old.config
    tables = CandidateTables.load(layout.training)
    report("embedding")
    began = time.perf_counter()
    if predictions is None or not config.attributes.use_predicted:
        predictions = old.predictions
    items = predictions.filled_all(items)
    catalog = Catalog.of(items, config.text)
    pictures: PictureVectors | None = None
    if old.pictures is not None:
        encoder, known = old.pictures.encoder, old.pictures.pictures
        pictures = encoded_pictures(items, encoder, known=known)
    of_all = None if pictures is None else pictures.of_all(catalog.count)
    embeddings, weights = embed_with_pictures(tables, catalog, config, of_all)
    seconds = time.perf_counter() - began
    report("building the index")
    renewed = sources.rebased(
        Rebase(
            catalog,
            items,
            moved=catalog.rows(sources.catalog.item_ids),
            embeddings=embeddings,
            sample_queries=sample_queries(old),
            index_config=config.index,
        )
    )
    with atomic_folder(out, marker=MANIFEST_NAME) as folder:
        new = Layout(folder)
        for name in ("query_tower.tflite", "candidate_tower.tflite", "reranker.tflite"):
            if (layout / name).exists():
                shutil.copyfile(layout / name, new / name)
        shutil.copyfile(layout.metrics, new.metrics)
        shutil.copytree(layout.training, new.training)
        if layout.offers.is_dir():
            # They name items by id, and are placed in the catalogue when they are loaded.
            shutil.copytree(layout.offers, new.offers)
        if old.stock_cover is not None:
            old.stock_cover.rebased(sources.catalog, catalog).save(new.demand)
        write_after_sales(new, old.after_sales.rebased(sources.catalog, catalog))
        if old.action_model is not None:
            old.action_model.save(folder)
        if pictures is not None:
            file = (layout / ENCODER_NAME).read_bytes()
            built = ItemPictures.build(encoder, pictures, config.index, weights)
            write_pictures(new, file, built)
            EncoderClasses.load(layout.pictures).save(new.pictures)
        write_sources(new, renewed)
        predictions.save(folder)
        write_completion(new, catalog, old.completion.searched)
        ranker = Ranker(
            renewed,
            old.ranker.encoder,
            old.ranker.reranker,
            config=config,
            known_types=old.ranker.known_types,
        )
        golden = golden_answers(
            ranker, [str(g["query"]) for g in old.facts.golden], time=old.facts.counted_until
        )
        facts = replace(old.facts, golden=golden, items_time=items_time)
        write_facts(new, config, facts)
        report("signing")
        sign(folder, created_time)
    new_count = len(set(catalog.item_ids) - set(tables.item_ids))
    return EmbedReport(catalog.count, new_count, seconds)
