"""Embeds items in batch with the candidate tower, and makes a new bundle of a changed catalogue."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.atomic import atomic_folder, check_replaceable
from data.errors import BundleError, InputError
from data.records import CONTROL_CHARACTER, Item
from towers.bundle.bundle import load_bundle, write_completion, write_sources
from towers.bundle.golden import golden_answers
from towers.bundle.layout import Layout
from towers.bundle.manifest import NAME as MANIFEST_NAME
from towers.bundle.manifest import sign
from towers.bundle.model_facts import write_facts
from towers.catalog.items import Catalog
from towers.config import Config
from towers.indexes.item_index import ItemIndex, checked_embeddings
from towers.indexes.lexical_index import LexicalIndex
from towers.models.legacy_keras import tf
from towers.models.two_tower import CandidateTower
from towers.ranking.ranker import Ranker
from towers.retrieval.candidates import Sources
from towers.retrieval.cooccurrence import Cooccurrence
from towers.retrieval.popularity import Popularity
from towers.retrieval.session_knn import SessionKnn
from towers.sessions.session_log import SessionLog

_SLICE = 4_096


@dataclass(frozen=True)
class EmbedReport:
    """What a batch re-embedding did.

    Args:
        item_count: Items embedded.
        new_item_count: Items among them that training did not know.
        seconds: From items in memory to embeddings, tokenising included.
    """

    item_count: int
    new_item_count: int
    seconds: float

    @property
    def items_per_second(self) -> float:
        """Items embedded a second."""
        return self.item_count / max(self.seconds, 1e-9)


@dataclass(frozen=True)
class CandidateTables:
    """The candidate tower's weights as plain arrays, and whose vectors they are.

    Args:
        item_ids: ``[items]`` in the order of ``item_table``.
        item_table: ``[items, dim] float32``.
        token_table: ``[buckets, dim] float32``.
    """

    item_ids: Sequence[str]
    item_table: np.ndarray
    token_table: np.ndarray

    @classmethod
    def of(cls, tower: CandidateTower, item_ids: Sequence[str]) -> CandidateTables:
        """The tables of a trained tower."""
        return cls(item_ids, tower.item_table.numpy(), tower.token_table.numpy())

    def save(self, folder: Path) -> None:
        """Writes them into an existing folder.

        Raises:
            InputError: An id holds a control character: a line break would end it.
        """
        for item_id in self.item_ids:
            if CONTROL_CHARACTER.search(item_id):
                raise InputError(f"item id: expected no control characters, received {item_id!r}")
        np.save(folder / "item_table.npy", self.item_table)
        np.save(folder / "token_table.npy", self.token_table)
        encoded = [item_id.encode() for item_id in self.item_ids]
        np.save(folder / "item_ids.npy", np.frombuffer(b"\n".join(encoded), np.uint8))

    @classmethod
    def load(cls, folder: Path) -> CandidateTables:
        """What ``save`` wrote.

        Raises:
            BundleError: There is not one id for each vector, so that vectors would go to others.
        """
        text = np.load(folder / "item_ids.npy", allow_pickle=False).tobytes().decode()
        # Not by ``splitlines``, which also ends a line where an id may have U+2028.
        item_ids = text.split("\n") if text else []
        item_table = np.load(folder / "item_table.npy", allow_pickle=False)
        if len(item_ids) != len(item_table):
            raise BundleError(
                f"item_ids.npy: expected {len(item_table):,} ids, received {len(item_ids):,}"
            )
        return cls(item_ids, item_table, np.load(folder / "token_table.npy", allow_pickle=False))


def embed_items(tables: CandidateTables, catalog: Catalog, config: Config) -> np.ndarray:
    """Embeddings of a catalogue's items, ``[items, dim] float32`` unit rows.

    An item that training knew keeps its own vector beside its words; a new one has its words alone.
    """
    tokens = catalog.tokens[: catalog.count]
    known = {item_id: row for row, item_id in enumerate(tables.item_ids)}
    source = np.array([known.get(item_id, -1) for item_id in catalog.item_ids], np.int64)
    own = np.where((source >= 0)[:, None], tables.item_table[np.maximum(source, 0)], 0.0)
    tower = CandidateTower(config, len(tables.item_ids), tokens[:1])
    tower.token_table.assign(tables.token_table)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec((None, tokens.shape[1]), tf.int32),
            tf.TensorSpec((None, config.towers.dim), tf.float32),
        ],
    )
    def embed(of_slice: tf.Tensor, own_vectors: tf.Tensor) -> tf.Tensor:
        return tower.of_tokens(of_slice, own_vectors)

    own = own.astype(np.float32)
    parts = [
        embed(tokens[start : start + _SLICE], own[start : start + _SLICE]).numpy()
        for start in range(0, len(tokens), _SLICE)
    ]
    embeddings = np.concatenate(parts) if parts else np.zeros((0, config.towers.dim), np.float32)
    # An item without any word and without a vector has no direction: give it a fixed one.
    empty = np.linalg.norm(embeddings, axis=1) < 0.5
    embeddings[empty] = 1.0 / np.sqrt(config.towers.dim)
    return checked_embeddings(embeddings, "item embeddings", config.towers.dim)


def reembed(
    bundle_path: Path,
    items: Sequence[Item],
    out: Path,
    *,
    items_time: float,
    created_time: float,
    progress: Callable[[str], object] | None = None,
) -> EmbedReport:
    """Makes a new bundle with the same models over another catalogue, as it was at ``items_time``.

    Items that are gone leave the index, the companions and the past sessions too.

    Raises:
        InputError: ``out`` is something else than an older bundle.
    """
    check_replaceable(out, marker=MANIFEST_NAME)
    say = progress or (lambda stage: None)
    say("reading the bundle")
    old = load_bundle(bundle_path)
    layout, sources, config = Layout(bundle_path), old.ranker.sources, old.config
    tables = CandidateTables.load(layout.training)
    say("embedding")
    began = time.perf_counter()
    catalog = Catalog.of(items, config.text)
    embeddings = embed_items(tables, catalog, config)
    seconds = time.perf_counter() - began
    moved = catalog.rows(sources.catalog.item_ids)
    say("building the index")
    sample = _sample(embeddings, config.seed)
    with atomic_folder(out, marker=MANIFEST_NAME) as folder:
        new = Layout(folder)
        for name in ("query_tower.tflite", "candidate_tower.tflite", "reranker.tflite"):
            if (layout / name).exists():
                shutil.copyfile(layout / name, new / name)
        shutil.copyfile(layout.metrics, new.metrics)
        shutil.copytree(layout.training, new.training)
        new.lexical.mkdir()
        lexical = LexicalIndex.build(items, new.lexical)
        if sources.lexical is not None:
            lexical.translate(sources.lexical.rewriter.translations, new.lexical)
        log = None if sources.session_knn is None else _moved_log(sources.session_knn.log, moved)
        renewed = Sources(
            catalog=catalog,
            index=ItemIndex.build(embeddings, config.index, sample),
            lexical=lexical,
            cooccurrence=sources.cooccurrence
            and _moved_covisits(sources.cooccurrence, moved, catalog.count),
            session_knn=None if log is None else SessionKnn(log, catalog.count),
            popularity=_moved_counts(sources.popularity, moved, catalog.count),
            trend=_moved_counts(sources.trend, moved, catalog.count),
            surge=_moved_counts(sources.surge, moved, catalog.count),
            repurchase=sources.repurchase.moved(sources.catalog.item_ids, catalog),
            config=config.sources,
        )
        write_sources(new, renewed)
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
        say("signing")
        sign(folder, created_time)
    new_count = len(set(catalog.item_ids) - set(tables.item_ids))
    return EmbedReport(catalog.count, new_count, seconds)


def _sample(embeddings: np.ndarray, seed: int, count: int = 200) -> np.ndarray:
    """Query-like unit rows: items, moved a little."""
    draw = np.random.default_rng(seed)
    rows = embeddings[draw.integers(0, len(embeddings), count)]
    near = rows + 0.5 * draw.normal(size=rows.shape) / np.sqrt(rows.shape[1])
    unit: np.ndarray = near / np.linalg.norm(near, axis=1, keepdims=True)
    return unit.astype(np.float32)


def _moved_counts(counts: Popularity, moved: np.ndarray, item_count: int) -> Popularity:
    values = np.zeros(item_count)
    kept = np.flatnonzero(moved[: len(counts.counts)] >= 0)
    values[moved[kept]] = counts.counts[kept]
    return Popularity(counts.half_life_days, values, counts.base_time, counts.newest_time)


def _moved_covisits(cooccurrence: Cooccurrence, moved: np.ndarray, item_count: int) -> Cooccurrence:
    width = cooccurrence.companions.shape[1]
    companions = np.full((item_count, width), -1, np.int32)
    scores = np.zeros((item_count, width), np.float32)
    follow_shares = np.zeros((item_count, width), np.float32)
    kept = np.flatnonzero(moved[: len(cooccurrence.companions)] >= 0)
    old = cooccurrence.companions[kept]
    new = np.where(old >= 0, moved[np.maximum(old, 0)], -1)
    companions[moved[kept]] = new
    scores[moved[kept]] = np.where(new >= 0, cooccurrence.scores[kept], 0.0)
    follow_shares[moved[kept]] = np.where(new >= 0, cooccurrence.follow_shares[kept], 0.0)
    return Cooccurrence(companions, scores, follow_shares)


def _moved_log(log: SessionLog, moved: np.ndarray) -> SessionLog:
    sessions = np.repeat(np.arange(log.session_count), np.diff(log.offsets))
    return SessionLog.of(sessions, moved[log.rows])
