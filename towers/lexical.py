"""Items by their words: a tantivy index, and how it takes in what changes while it is served."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tantivy

from data.records import Item
from towers.text import words

_FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
_FUZZY_LENGTH = 4
_TYPO_WEIGHT = 0.6
_LIVE_HEAP_BYTES = 15_000_000


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

    Live changes go into the same index, so that a word weighs the same wherever it stands. The
    folder it was loaded from is never written: the first change moves the index to a temporary
    folder, by links where the file system allows, since finished segments do not change.

    Args:
        index: The index made with the bundle.
        folder: Where it is.
    """

    def __init__(self, index: tantivy.Index, folder: Path) -> None:
        self._index = index
        self._folder = folder
        self._searcher = index.searcher()
        self._writer: tantivy.IndexWriter | None = None

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
        return cls(index, folder)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``build`` wrote; the folder is not changed."""
        return cls(tantivy.Index.open(str(folder)), folder)

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or changes items by row; searches find them once this returns."""
        writer = self._writer or self._writable()
        for row, item in items:
            writer.delete_documents_by_term("row", row)
            writer.add_document(_document(row, item))
        writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def _writable(self) -> tantivy.IndexWriter:
        copy = Path(tempfile.mkdtemp(prefix="nextclick-lexical-"))
        weakref.finalize(self, shutil.rmtree, copy, ignore_errors=True)
        for path in self._folder.iterdir():
            _link_or_copy(path, copy / path.name)
        self._index = tantivy.Index.open(str(copy))
        self._writer = self._index.writer(heap_size=_LIVE_HEAP_BYTES, num_threads=1)
        return self._writer

    def search(self, text: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best items, ``[n] int64`` and ``[n] float32``, best first."""
        of_query = words(text)
        if not of_query or count < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        searcher = self._searcher
        rows, scores = _hits(searcher, self._query(of_query, searcher), count)
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order]

    def _query(self, of_query: list[str], searcher: tantivy.Searcher) -> tantivy.Query:
        schema = self._index.schema
        parts = []
        for word in dict.fromkeys(of_query):
            known = any(searcher.doc_freq(field, word) for field in _FIELD_WEIGHTS)
            for field, weight in _FIELD_WEIGHTS.items():
                term = tantivy.Query.term_query(schema, field, word, index_option="freq")
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(term, weight)))
            if not known and len(word) >= _FUZZY_LENGTH and word.isascii():
                distance = 1 if len(word) < 8 else 2
                fuzzy = tantivy.Query.fuzzy_term_query(schema, "title", word, distance=distance)
                parts.append((tantivy.Occur.Should, tantivy.Query.boost_query(fuzzy, _TYPO_WEIGHT)))
        return tantivy.Query.boolean_query(parts)


def _link_or_copy(source: Path, target: Path) -> None:
    # What is rewritten in place must not be shared: only the segments' own files are final.
    if source.suffix != ".json":
        try:
            os.link(source, target)
            return
        except OSError:
            pass
    shutil.copyfile(source, target)


def _hits(
    searcher: tantivy.Searcher, query: tantivy.Query, count: int
) -> tuple[np.ndarray, np.ndarray]:
    hits = searcher.search(query, limit=count, count=False).hits
    if not hits:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = searcher.fast_field_values("row", [address for _, address in hits])
    return np.array(rows, np.int64), np.array([score for score, _ in hits], np.float32)
