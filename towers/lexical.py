"""Items by their words: a tantivy index, with a small second one for what changed since it was built."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tantivy

from data.records import Item
from towers.text import words

_FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
_FUZZY_LENGTH = 4
_TYPO_WEIGHT = 0.6


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    for name in _FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    return builder.build()


def _document(row: int, item: Item) -> tantivy.Document:
    rest = (*item.attributes.values(), item.description)
    # Words are cut by towers.text, so that queries and items are read alike; tantivy sees them
    # with blanks between.
    document = tantivy.Document(
        title=" ".join(words(item.title)),
        category=" ".join(word for name in item.category for word in words(name)),
        brand=" ".join(words(item.brand)),
        rest=" ".join(word for text in rest for word in words(text)),
    )
    # By its own method: as a keyword a number becomes a signed one, which the field refuses.
    document.add_unsigned("row", row)
    return document


class LexicalIndex:
    """Finds items by the words of title, category, brand, attributes and description.

    A word that no item has is looked for with one or two letters changed. Every character of a
    query is plain text: there is no query syntax.

    Args:
        built: The index made with the bundle.
    """

    def __init__(self, built: tantivy.Index) -> None:
        self._built = built
        self._searcher = built.searcher()
        self._live = tantivy.Index(_schema())
        self._live_writer: tantivy.IndexWriter | None = None
        self._live_searcher: tantivy.Searcher | None = None
        self._replaced = np.zeros(0, np.int64)

    @classmethod
    def build(cls, items: Iterable[Item], folder: Path) -> LexicalIndex:
        """Indexes items in row order into an existing empty folder."""
        index = tantivy.Index(_schema(), path=str(folder))
        writer = index.writer(heap_size=200_000_000, num_threads=1)
        for row, item in enumerate(items):
            writer.add_document(_document(row, item))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        for lock in folder.glob(".tantivy-*.lock"):
            lock.unlink()
        return cls(index)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``build`` wrote; the folder is not changed."""
        return cls(tantivy.Index.open(str(folder)))

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or changes items by row; searches find them once this returns."""
        if self._live_writer is None:
            self._live_writer = self._live.writer(heap_size=15_000_000, num_threads=1)
        rows = []
        for row, item in items:
            self._live_writer.delete_documents_by_term("row", row)
            self._live_writer.add_document(_document(row, item))
            rows.append(row)
        self._live_writer.commit()
        self._live.reload()
        self._replaced = np.union1d(self._replaced, np.array(rows, np.int64))
        self._live_searcher = self._live.searcher()

    def search(self, text: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best items, ``[n] int64`` and ``[n] float32``, best first."""
        of_query = words(text)
        if not of_query or count < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        query = self._query(of_query)
        rows, scores = _hits(self._searcher, query, count + len(self._replaced))
        if self._live_searcher is not None:
            kept = ~np.isin(rows, self._replaced)
            live_rows, live_scores = _hits(self._live_searcher, query, count)
            rows = np.concatenate([rows[kept], live_rows])
            scores = np.concatenate([scores[kept], live_scores])
        order = np.lexsort((rows, -scores))[:count]
        return rows[order], scores[order]

    def _query(self, of_query: list[str]) -> tantivy.Query:
        schema = self._built.schema
        parts = []
        for word in dict.fromkeys(of_query):
            known = any(self._searcher.doc_freq(field, word) for field in _FIELD_WEIGHTS)
            for field, weight in _FIELD_WEIGHTS.items():
                term = tantivy.Query.term_query(schema, field, word, index_option="freq")
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(term, weight)))
            if not known and len(word) >= _FUZZY_LENGTH and word.isascii():
                distance = 1 if len(word) < 8 else 2
                fuzzy = tantivy.Query.fuzzy_term_query(schema, "title", word, distance=distance)
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(fuzzy, _TYPO_WEIGHT)))
        return tantivy.Query.boolean_query(parts)


def _hits(
    searcher: tantivy.Searcher, query: tantivy.Query, count: int
) -> tuple[np.ndarray, np.ndarray]:
    hits = searcher.search(query, limit=count, count=False).hits
    if not hits:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = searcher.fast_field_values("row", [address for _, address in hits])
    return np.array(rows, np.int64), np.array([score for score, _ in hits], np.float32)
