"""The lexical source: items by the words of the query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.records import Item
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.lexical_index import LexicalIndex
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source
from towers.retrieval.sparse_scores import SparseScores
from towers.text.parsed_query import ParsedQuery, Synonym

_WIDENING = 8
"""Times as many words' hits are fetched where too few of those before were allowed."""


class Lexical(Source):
    """Items by BM25 over their words, and by the product codes in a query.

    The reranker reads its scores with the share that a code has taken apart.
    """

    name: ClassVar[str] = "lexical"

    def __init__(self, index: LexicalIndex) -> None:
        self.index = index

    @classmethod
    def is_asked(cls, encoded: EncodedRequest) -> bool:
        """Where something was typed, for this request or just before it."""
        return bool(encoded.text)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The best ``config.lexical_count`` by words."""
        if not encoded.text:
            return Found()
        count, synonyms = config.lexical_count, encoded.rank_request.synonyms
        rows, scores = self.hits(encoded.query, allowed, count, synonyms)
        return Found(allowed.only(rows)[:count], SparseScores.summed(rows, scores))

    def hits(
        self,
        query: ParsedQuery,
        allowed: AllowedItems,
        count: int,
        synonyms: tuple[Synonym, ...] = (),
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and scores that hold the best ``count`` allowed ones, or all that there are."""
        fetched = allowed.widened(count)
        while True:
            rows, scores = self.index.search(query, fetched, synonyms)
            if len(rows) < fetched or len(allowed.only(rows)) >= count:
                return rows, scores
            fetched *= _WIDENING

    def save(self, folder: Path) -> None:
        """Writes the index with its words and translations."""
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote."""
        return cls(LexicalIndex.load(folder))

    @contextmanager
    def staged_items(self, changes: Sequence[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Writes the words of changed items to its own disk."""
        with self.index.staged(changes) as commit:
            yield commit

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Finds changed items by their new words from the next search on."""
        self.index.show()

    def rebased(self, rebase: Rebase) -> Self:
        """An index of the new items' words, read by the same dictionary."""
        index = LexicalIndex.build(rebase.items)
        index.translate(self.index.rewriter.translations)
        return type(self)(index)
