"""The lexical source: items by the words of the query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.lexical_index import LexicalIndex
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source, TrainingData
from towers.retrieval.sparse_scores import SparseScores
from towers.text.parsed_query import ParsedQuery, Synonym

_OVERFETCH = 8
"""Factor of the hits to fetch where too few of the previous ones were allowed."""


class Hits(NamedTuple):
    """Hits of the index.

    Args:
        rows: ``[n] int64``, best first.
        scores: ``[n] float32``.
        allowed: ``[≤ n] int64`` the allowed ones of ``rows``.
    """

    rows: np.ndarray
    scores: np.ndarray
    allowed: np.ndarray


class Lexical(Source):
    """Items by BM25 over their words, and by the product codes in a query.

    For the reranker, BM25 score and product-code match are separate features.
    """

    name: ClassVar[str] = "lexical"
    reads_events: ClassVar[bool] = False

    def __init__(self, index: LexicalIndex) -> None:
        self.index = index

    @classmethod
    def applies_to(cls, encoded: EncodedRequest) -> bool:
        """Where the request has a query, or the session a pending search."""
        return bool(encoded.text)

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """Over the items' words."""
        return cls(data.lexical)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The best ``config.lexical_count`` by BM25."""
        if not encoded.text:
            return Found()
        count, synonyms = config.lexical_count, encoded.rank_request.synonyms
        hits = self.hits(encoded.query, allowed, count, synonyms)
        return Found(hits.allowed[:count], SparseScores.summed(hits.rows, hits.scores))

    def hits(
        self,
        query: ParsedQuery,
        allowed: AllowedItems,
        count: int,
        synonyms: tuple[Synonym, ...] = (),
    ) -> Hits:
        """Hits that include the best ``count`` allowed ones, or all hits.

        Where few items are allowed and the first hits are others, these few are searched alone, so that
        a narrow filter does not fetch most of the catalogue.
        """
        fetched = allowed.widened(count)
        if allowed.is_narrow:
            fetched = min(fetched, _OVERFETCH * count)
        while True:
            rows, scores = self.index.search(query, fetched, synonyms)
            kept = allowed.only(rows)
            if len(rows) < fetched or len(kept) >= count:
                return Hits(rows, scores, kept)
            if allowed.is_narrow:
                kept = allowed.rows()
                rows, scores = self.index.search_among(query, kept, 2 * count, synonyms)
                return Hits(rows, scores, allowed.only(rows))
            fetched *= _OVERFETCH

    def save(self, folder: Path) -> None:
        """Writes the index with its words and translations."""
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote."""
        return cls(LexicalIndex.load(folder))

    @contextmanager
    def staged_items(self, changes: Sequence[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Stages the words of changed items in the index."""
        with self.index.staged(changes) as commit:
            yield commit

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Makes changed items visible by their new words."""
        self.index.show()

    def rebased(self, rebase: Rebase) -> Self:
        """An index of the new items, with the same translations."""
        index = LexicalIndex.build(rebase.items)
        index.translate(self.index.rewriter.translations)
        return type(self)(index)
