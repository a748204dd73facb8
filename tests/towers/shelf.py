"""The synthetic shop behind real sources and real exported towers with random weights."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.records import Event, EventType, Item, LogPosition
from data.synthetic import END_TIME, synthetic_shop
from data.tables import iter_events, iter_items
from towers.after_sales.after_sales import AfterSales
from towers.bundle.bundle import (
    RERANK_BATCH_SIZE,
    write_after_sales,
    write_completion,
    write_sources,
)
from towers.bundle.golden import golden_answers
from towers.bundle.layout import Layout
from towers.bundle.manifest import sign
from towers.bundle.model_metadata import ModelMetadata, write_facts
from towers.catalog.items import Catalog
from towers.config import Config, IndexConfig, RerankConfig, TextConfig, TowerConfig
from towers.datasets.replayed_log import ReplayedLog
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel, QueryEncoder, Reranker
from towers.ranking.ranker import Ranker
from towers.retrieval.candidates import Sources
from towers.retrieval.source import TextVectors, TrainingData
from towers.retrieval.sources.semantic import item_text, text_keys
from towers.search_box.popular_queries import searched_queries
from towers.text.distilled_encoder import DistilledEncoder
from towers.text.words import words

if TYPE_CHECKING:
    from towers.bundle.candidate_tables import CandidateTables

CONFIG = Config(
    text=TextConfig(bucket_count=2_048, item_slot_count=24, query_slot_count=16),
    towers=TowerConfig(
        dim=16, event_slot_count=8, history_slot_count=12, head_count=2, feedforward_dim=32
    ),
    rerank=RerankConfig(member_count=1, cross_rank=0),
    index=IndexConfig(exact_item_limit=5_000),
)

KNOWN_TYPES = frozenset({1, 2, 3, 5, 7})


@dataclass(frozen=True)
class Models:
    """Exported files, and the items' embeddings by the exported tower."""

    query_tower: bytes
    candidate_tower: bytes
    reranker: bytes
    embeddings: np.ndarray
    item_table: np.ndarray
    token_table: np.ndarray


@cache
def items() -> tuple[Item, ...]:
    """The 240 items of the shop, in row order."""
    return tuple(iter_items(synthetic_shop(visitor_count=1).items))


@cache
def events() -> tuple[Event, ...]:
    """What 60 visitors did, by time."""
    return tuple(iter_events(synthetic_shop(visitor_count=60).events))


def catalog() -> Catalog:
    """A fresh catalogue of the shop."""
    return Catalog.of(items(), CONFIG.text)


@cache
def log() -> ReplayedLog:
    """The events with their rows and targets."""
    return ReplayedLog.of(events(), catalog().row_of)


@cache
def models() -> Models:
    """Both towers and a reranker with random weights, exported once a run."""
    with warnings.catch_warnings():
        # TensorFlow's converter raises warnings of its own.
        warnings.simplefilter("ignore")
        from towers.models.deep_cross import DeepCross
        from towers.models.export import candidate_tower_file, query_tower_file, reranker_file
        from towers.models.legacy_keras import keras, tf
        from towers.models.two_tower import TwoTower

        keras.utils.set_random_seed(7)
        tokens = catalog().tokens[: len(items())]
        two_tower = TwoTower(CONFIG, tokens)
        # Words alone make the vectors, so that items of similar words are near each other untrained.
        two_tower.candidate_tower.drop_id_embeddings()
        width = len(FEATURE_NAMES)
        deep_cross = DeepCross(
            CONFIG.rerank, np.zeros(width, np.float32), np.ones(width, np.float32)
        )
        shape = CONFIG.towers
        two_tower.query_tower(
            {
                "event_embeddings": tf.zeros((1, shape.event_slot_count, shape.dim)),
                "event_types": tf.zeros((1, shape.event_slot_count), tf.int32),
                "event_ages": tf.zeros((1, shape.event_slot_count)),
                "event_dwells": tf.zeros((1, shape.event_slot_count)),
                "text_slot": tf.zeros(1, tf.int32),
                "tokens": tf.zeros((1, CONFIG.text.query_slot_count), tf.int32),
                "taste": tf.zeros((1, shape.dim)),
            }
        )
        deep_cross(tf.zeros((2, width)))
        # Untrained it gives nothing but the rule: random weights stand for what it may have learnt.
        (member,) = deep_cross.members
        kernel = member.logit.kernel
        kernel.assign(keras.initializers.GlorotUniform(seed=7)(kernel.shape))
        # Untrained it would add nothing to the fixed rule.
        kernel, bias = member.logit.get_weights()
        member.logit.set_weights([np.random.default_rng(7).normal(0, 0.15, kernel.shape), bias])
        return Models(
            query_tower_file(two_tower.query_tower, CONFIG),
            candidate_tower_file(two_tower.candidate_tower, CONFIG),
            reranker_file(deep_cross, width, RERANK_BATCH_SIZE),
            two_tower.candidate_tower.all().numpy(),
            two_tower.candidate_tower.item_table.numpy(),
            two_tower.candidate_tower.token_table.numpy(),
        )


def tables() -> CandidateTables:
    """The candidate tower's weights, as training leaves them to batch embedding."""
    from towers.bundle.candidate_tables import CandidateTables

    item_ids = [item.item_id for item in items()]
    return CandidateTables(item_ids, models().item_table, models().token_table)


def text_vectors() -> TextVectors:
    """The items as a large encoder might have read them: near what the small one makes of them."""
    rng = np.random.default_rng(3)
    stems = list(dict.fromkeys(stem for item in items() for stem in words(item.title)))
    dim = 12
    encoder = DistilledEncoder(
        {stem: row for row, stem in enumerate(stems)},
        rng.normal(size=(len(stems), dim)).astype(np.float32),
        rng.uniform(0.2, 2.0, len(stems)).astype(np.float32),
        rng.normal(0, 0.3, (dim, 8)).astype(np.float32),
        rng.normal(0, 0.3, (8, dim)).astype(np.float32),
    )
    read = np.stack([encoder.encode(words(item_text(item))) for item in items()])
    read += rng.normal(0, 0.1, read.shape)
    read /= np.linalg.norm(read, axis=1, keepdims=True)
    vectors = read.astype(np.float32)
    index = ItemIndex.build(vectors, CONFIG.index, vectors[:20])
    return TextVectors(index, encoder, text_keys(items()))


def sources(words: LexicalIndex | None) -> Sources:
    """All sources, fresh, over everything that happened; without words no lexical one.

    As after a training without a large encoder: the semantic one finds nothing.
    """
    embeddings = models().embeddings.copy()
    data = TrainingData(
        catalog(),
        log().events,
        log().rows,
        log().session_log(),
        ItemIndex.build(embeddings, CONFIG.index, embeddings[:20]),
        words or lexical(),
    )
    found = Sources.build(data, CONFIG.sources)
    if words is None:
        found.lexical = None
    return found


def ranker_of(found: Sources) -> Ranker:
    """A ranker with the exported towers."""
    return Ranker(
        found,
        QueryEncoder(LiteModel(models().query_tower)),
        Reranker(LiteModel(models().reranker)),
        config=CONFIG,
        known_types=KNOWN_TYPES,
    )


def write_bundle(folder: Path) -> None:
    """A whole bundle, signed, into an empty folder."""
    layout = Layout(folder)
    released = ranker_of(sources(lexical()))
    write_sources(layout, released.sources)
    write_after_sales(layout, AfterSales.of(events(), log().rows.tolist(), catalog()))
    write_completion(layout, catalog(), searched_queries(events(), CONFIG.completion))
    (layout / "query_tower.tflite").write_bytes(models().query_tower)
    (layout / "candidate_tower.tflite").write_bytes(models().candidate_tower)
    (layout / "reranker.tflite").write_bytes(models().reranker)
    layout.metrics.write_text("{}", encoding="utf-8")
    layout.training.mkdir()
    tables().save(layout.training)
    golden = golden_answers(released, ("moccado espresso", "云帆 智能手机"), time=END_TIME)
    means = tuple(0.5 for _ in FEATURE_NAMES)
    facts = ModelMetadata(
        tuple(sorted(KNOWN_TYPES)),
        FEATURE_NAMES,
        means,
        END_TIME,
        END_TIME,
        golden,
        # Of a log that no test writes.
        log_positions=(LogPosition(1, 1), LogPosition(2**40, 7)),
    )
    write_facts(layout, CONFIG, facts)
    sign(folder, END_TIME)


def search(query: str, time: float, visitor: str = "v") -> Event:
    """A search."""
    return Event(f"s{time}", EventType.SEARCH, visitor, time, query=query)


def view(item_id: str, time: float, visitor: str = "v") -> Event:
    """A view of an item."""
    return Event(f"e{time}{item_id}", EventType.VIEW, visitor, time, item_id=item_id)


def _new_folder(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"nextclick-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def bundle_folder() -> Path:
    """A bundle to read; whoever changes it takes a copy."""
    folder = _new_folder("bundle") / "shelf"
    folder.mkdir()
    write_bundle(folder)
    return folder


def bundle_with(folder: Path, **facts: object) -> Path:
    """A copy of the bundle in a new folder, with other metadata, signed."""
    shutil.copytree(bundle_folder(), folder)
    path = Layout(folder).model
    tree = {**json.loads(path.read_text(encoding="utf-8")), **facts}
    path.write_text(json.dumps(tree), encoding="utf-8")
    sign(folder, END_TIME)
    return folder


@cache
def lexical() -> LexicalIndex:
    """The words of the shop; nothing is ever put there."""
    return LexicalIndex.build(items(), _new_folder("lexical"))


def ranker() -> Ranker:
    """Both stages over fresh sources; the lexical index is everybody's."""
    return ranker_of(sources(lexical()))
