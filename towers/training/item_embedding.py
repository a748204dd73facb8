"""Embeds items in batch with the candidate tower, and builds a bundle for a changed catalogue."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.atomic import atomic_folder, check_replaceable
from data.errors import MissingExtraError
from data.predicted.predictions import Predictions
from data.records import Item
from towers.bundle.bundle import (
    Bundle,
    load_bundle,
    write_after_sales,
    write_completion,
    write_modality,
    write_sources,
    write_variants,
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
from towers.modalities.item_vectors import ContentVectors, encoded_contents
from towers.modalities.modality_list import MODALITIES, PICTURE, Modality
from towers.modalities.picture_heads import EncoderClasses
from towers.models.candidate_tower import CandidateTower
from towers.models.legacy_keras import tf
from towers.models.modality_attention import attention_from
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
        variant_group_count: Groups of variants found.
    """

    item_count: int
    new_item_count: int
    seconds: float
    variant_group_count: int = 0

    @property
    def items_per_second(self) -> float:
        """Items embedded per second."""
        return self.item_count / max(self.seconds, 1e-9)


def embed_items(tables: CandidateTables, catalog: Catalog, config: Config) -> np.ndarray:
    """Embeddings of a catalogue's items by their words, ``[items, dim] float32`` unit rows.

    Items of the training data keep their ID embeddings; new items are embedded by their words alone.
    """
    return embed_with_modalities(tables, catalog, config, {})[0]


def embed_with_modalities(
    tables: CandidateTables,
    catalog: Catalog,
    config: Config,
    modalities: Mapping[str, np.ndarray],
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Embeddings as by ``embed_items``, and the weights of each modality in them, ``[items] float32``.

    Args:
        modalities: ``[items, modality_dim] float32`` of every modality that the tower reads, zeros for
            an item without; empty where it reads none.
    """
    tokens = catalog.tokens[: catalog.count]
    row_of = {item_id: row for row, item_id in enumerate(tables.item_ids)}
    source = np.array([row_of.get(item_id, -1) for item_id in catalog.item_ids], np.int64)
    id_embeddings = np.where((source >= 0)[:, None], tables.item_table[np.maximum(source, 0)], 0.0)
    tower = CandidateTower(config, len(tables.item_ids), tokens[:1])
    tower.token_table.assign(tables.token_table)
    weights = {name: np.zeros(len(tokens), np.float32) for name in modalities}
    parts = [slice(start, start + _SLICE) for start in range(0, len(tokens), _SLICE)]
    if modalities:
        tower.fusion = attention_from(tables.fusion)
        for part in parts:
            vectors = {name: one[part] for name, one in modalities.items()}
            of_part = tower.modality_weights(tokens[part], vectors).numpy()
            for place, name in enumerate(tower.fusion.names, start=1):
                weights[name][part] = of_part[:, place]

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec((None, tokens.shape[1]), tf.int32),
            tf.TensorSpec((None, config.towers.dim), tf.float32),
            {name: tf.TensorSpec((None, one.shape[1])) for name, one in modalities.items()},
        ],
    )
    def embed(of_slice: tf.Tensor, of_ids: tf.Tensor, vectors: dict[str, tf.Tensor]) -> tf.Tensor:
        return tower.of_tokens(of_slice, of_ids, vectors)

    id_embeddings = id_embeddings.astype(np.float32)
    found = [
        embed(
            tokens[part],
            id_embeddings[part],
            {name: tf.constant(one[part]) for name, one in modalities.items()},
        ).numpy()
        for part in parts
    ]
    embeddings = np.concatenate(found) if found else np.zeros((0, config.towers.dim), np.float32)
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
        ConfigError: The bundle groups variants by an attribute that no item has any more.
        MissingExtraError: What reads the pictures or sounds of the bundle is not installed.
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
    contents = {
        modality: _contents(items, modality, old)
        for modality in MODALITIES
        if modality.name in old.modalities
    }
    vectors = {one.name: found.of_all(catalog.count) for one, found in contents.items()}
    embeddings, weights = embed_with_modalities(tables, catalog, config, vectors)
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
        shutil.copytree(layout.training, new.training)
        if layout.offers.is_dir():
            # They name items by id, and are placed in the catalogue when they are loaded.
            shutil.copytree(layout.offers, new.offers)
        if old.stock_cover is not None:
            old.stock_cover.rebased(sources.catalog, catalog).save(new.demand)
        write_after_sales(new, old.after_sales.rebased(sources.catalog, catalog))
        if old.action_model is not None:
            old.action_model.save(folder)
        for modality, found in contents.items():
            file = (layout / modality.encoder.file_name).read_bytes()
            encoder = old.modalities[modality.name].encoder
            built = modality.item_vectors.build(
                encoder, found, config.index, weights[modality.name]
            )
            write_modality(new, modality, file, built)
            EncoderClasses.load(layout / modality.folder).save(new / modality.folder)
        write_sources(new, renewed)
        metrics = json.loads(layout.metrics.read_text(encoding="utf-8"))
        pictures = contents.get(PICTURE)
        metrics["variants"] = write_variants(new, catalog, embeddings, config, pictures)
        new.metrics.write_text(json.dumps(metrics, indent=1), encoding="utf-8")
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
    return EmbedReport(catalog.count, new_count, seconds, metrics["variants"]["groups"])


def _contents(items: Sequence[Item], modality: Modality, old: Bundle) -> ContentVectors:
    """The items' pictures or sounds, of which those of the earlier bundle are not read again."""
    known = old.modalities[modality.name]
    if not modality.is_installed():
        medium = modality.medium
        raise MissingExtraError(f"{medium.noun}s of items", modality.extra, "what reads them")
    return encoded_contents(items, known.encoder, known=known.contents)
