"""Recall of the vector index against exact search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from towers.indexes.item_index import exact_top
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest

_RECALL_COUNT = 100


def index_recall(ranker: Ranker, rank_requests: Sequence[RankRequest]) -> dict[str, Any]:
    """Recall of the index's top 100 against exact search, for the requests' query embeddings."""
    index, recalls = ranker.sources.index, []
    item_count = ranker.sources.catalog.count
    for rank_request in rank_requests:
        query = ranker.read(rank_request).query_embedding
        found = index.search(query, _RECALL_COUNT)
        exact = exact_top(index.embeddings[:item_count], query, _RECALL_COUNT)
        recalls.append(len(np.intersect1d(found, exact)) / max(1, len(exact)))
    return {
        "recall@100": float(np.mean(recalls)) if recalls else 0.0,
        "query_count": len(recalls),
        "item_count": item_count,
        "leaf_count": index.shape.leaf_count,
        "leaves_searched": index.shape.leaves_searched,
    }
