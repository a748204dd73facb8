"""The learnt source: the items nearest to the query embedding."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.errors import BundleError
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.item_index import ItemIndex
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source, TrainingData

_EMBEDDINGS_NAME = "embeddings.npy"
_DEEPER = 4
"""Factor by which the next search is deeper."""
_ROWS_PER_FETCHED = 8
"""Rows that are scored exactly in the time of one more fetched neighbour: .13 against .016 microseconds,
92,331 items of 64 dimensions."""


class Learnt(Source):
    """Nearest neighbours of the query embedding among the items' embeddings.

    It gives no sparse scores: the reranker computes the cosines of all candidates from the embeddings.
    The vector of a changed item must be put into ``index`` before the catalogue has the item's row.
    """

    name: ClassVar[str] = "learnt"

    def __init__(self, index: ItemIndex) -> None:
        self.index = index

    @classmethod
    def applies_to(cls, encoded: EncodedRequest) -> bool:
        """Always."""
        return True

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """Over the items' embeddings."""
        return cls(data.index)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The nearest ``config.learnt_count``; none where the query tower failed."""
        # A zero query embedding has no nearest items.
        if not np.count_nonzero(encoded.query_embedding):
            return Found()
        return Found(self.nearest(encoded.query_embedding, allowed, config.learnt_count))

    def nearest(self, query: np.ndarray, allowed: AllowedItems, count: int) -> np.ndarray:
        """Rows of the ``count`` allowed items nearest to ``query [dim]``, best first."""
        return nearest_allowed(self.index, query, allowed, count)

    def save(self, folder: Path) -> None:
        """Writes the embeddings and the index over them."""
        np.save(folder / _EMBEDDINGS_NAME, self.index.embeddings)
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote.

        Raises:
            BundleError: The numbers of embeddings and items differ.
        """
        embeddings = np.load(folder / _EMBEDDINGS_NAME, allow_pickle=False)
        if len(embeddings) != catalog.count:
            raise BundleError(
                f"{_EMBEDDINGS_NAME}: expected {catalog.count:,} rows, received {len(embeddings):,}"
            )
        return cls(ItemIndex.load(folder, embeddings))

    def rebased(self, rebase: Rebase) -> Self:
        """A new index over the new embeddings."""
        index = ItemIndex.build(rebase.embeddings, rebase.index_config, rebase.sample_queries)
        return type(self)(index)


def nearest_allowed(
    index: ItemIndex, query: np.ndarray, allowed: AllowedItems, count: int
) -> np.ndarray:
    """Rows of the ``count`` allowed items of ``index`` nearest to ``query [dim]``, best first."""
    if not allowed.is_narrow:
        fetched = allowed.widened(count)
        # Where the nearest are mostly others, as the cheap ones are in a search of dear things, a deeper
        # search finds enough, for less than the score of every allowed item.
        while True:
            found = index.search(query, fetched)
            rows = allowed.only(found)[:count]
            if len(rows) == count:
                return rows
            is_exhausted = len(found) < fetched
            fetched *= _DEEPER
            if is_exhausted or fetched * _ROWS_PER_FETCHED > allowed.count():
                break
    # Few items are allowed, or they are far from the query: score all of them.
    rows = allowed.rows()
    # An item may be listed a moment before its vector is there.
    return index.search_among(query, rows[rows < len(index.embeddings)], count)
