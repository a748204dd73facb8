"""Exports trained models to LiteRT and measures their agreement with TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from towers.bundle.candidate_tables import CandidateTables
from towers.bundle.layout import Layout
from towers.catalog.items import Catalog
from towers.config import Config
from towers.datasets.examples import Examples
from towers.datasets.ranking_lists import Lists
from towers.indexes.item_index import ItemIndex
from towers.models.deep_cross import DeepCross
from towers.models.export import candidate_tower_file, query_tower_file
from towers.models.modality_attention import arrays_of
from towers.models.two_tower import TwoTower
from towers.ranking.litert_models import LiteModel, QueryEncoder, Reranker
from towers.sessions.query_input import QueryInput
from towers.training.item_embedding import embed_with_modalities

_SAMPLE_COUNT = 500
_COMPARED_COUNT = 500
_TOP = 10


@dataclass(frozen=True)
class ExportedTowers:
    """Both towers in the formats of a bundle, the items' embeddings, and the index over them."""

    tables: CandidateTables
    query_file: bytes
    candidate_file: bytes
    encoder: QueryEncoder
    index: ItemIndex
    modality_weights: Mapping[str, np.ndarray]
    """``[items] float32`` by modality: the weight of each item's picture or sound in its embedding."""

    def write(self, layout: Layout) -> None:
        """Writes the towers' files into a bundle; the index is written with the sources."""
        self.tables.save(layout.training)
        (layout / "query_tower.tflite").write_bytes(self.query_file)
        (layout / "candidate_tower.tflite").write_bytes(self.candidate_file)

    def agreement(self, model: TwoTower, examples: Examples) -> dict[str, float]:
        """Agreement of the exported and the trained query tower on all items, for some sessions."""
        embeddings = self.index.embeddings
        part = examples.spread(_COMPARED_COUNT)
        rows = dict(part.inputs)
        full = model.query_embeddings(
            rows,
            embeddings[np.maximum(rows["event_rows"], 0)],
            embeddings[np.maximum(rows["history_rows"], 0)],
        ).numpy()
        lite = np.stack(list(_encoded(self.encoder, part, embeddings)))
        scored = zip(lite @ embeddings.T, full @ embeddings.T, strict=True)
        return {f"query_{name}": value for name, value in _agreement(scored).items()}


def export_towers(
    model: TwoTower,
    catalog: Catalog,
    sample: Examples,
    config: Config,
    modalities: Mapping[str, np.ndarray] | None = None,
) -> ExportedTowers:
    """Exports both towers, embeds the catalogue, and builds the index.

    Args:
        modalities: ``[items, modality_dim] float32`` that the candidate tower was trained with.
        sample: At least one session, representative of the traffic: their embeddings tune the index.
    """
    fusion = model.candidate_tower.fusion
    tables = CandidateTables(
        catalog.item_ids,
        model.candidate_tower.item_table.numpy(),
        model.candidate_tower.token_table.numpy(),
        {} if fusion is None else arrays_of(fusion),
    )
    embeddings, weights = embed_with_modalities(tables, catalog, config, modalities or {})
    query_file = query_tower_file(model.query_tower, config)
    encoder = QueryEncoder(LiteModel(query_file))
    queries = np.stack(list(_encoded(encoder, sample.spread(_SAMPLE_COUNT), embeddings)))
    return ExportedTowers(
        tables,
        query_file,
        candidate_tower_file(model.candidate_tower, config),
        encoder,
        ItemIndex.build(embeddings, config.index, queries),
        weights,
    )


def rerank_agreement(model: DeepCross, reranker: Reranker, lists: Lists) -> dict[str, float]:
    """The same for the reranker, on its newest training lists."""
    newest = slice(-_COMPARED_COUNT, None)
    pairs = zip(lists.features[newest], lists.present[newest], strict=True)
    scored = (
        (reranker.scores(features[present]), model(features[present]).numpy())
        for features, present in pairs
    )
    return {f"rerank_{name}": value for name, value in _agreement(scored).items()}


def _encoded(
    encoder: QueryEncoder, examples: Examples, embeddings: np.ndarray
) -> Iterator[np.ndarray]:
    for at in range(examples.count):
        row = {name: column[at] for name, column in examples.inputs.items()}
        yield encoder.encode(QueryInput(**row), embeddings)


def _agreement(scored: Iterator[tuple[np.ndarray, np.ndarray]]) -> dict[str, float]:
    """Over pairs of scores of the same items: mean correlation, and share with the same top 10."""
    correlations, same = [], []
    for lite, full in scored:
        if len(lite) > 1:
            correlations.append(float(np.corrcoef(lite, full)[0, 1]))
        same.append(_top(lite) == _top(full))
    return {
        "score_correlation": float(np.mean(correlations)) if correlations else 1.0,
        "same_top10_share": float(np.mean(same)),
        "count": float(len(same)),
    }


def _top(scores: np.ndarray) -> set[int]:
    if len(scores) <= _TOP:
        return set(range(len(scores)))
    return set(np.argpartition(-scores, _TOP)[:_TOP].tolist())
