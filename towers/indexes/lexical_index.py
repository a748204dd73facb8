"""Items by their words: a tantivy index, and how it takes in what changes while it is served."""

from __future__ import annotations

import json
import math
import shutil
import weakref
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy

from data.records import Item
from towers.indexes.document_frequency import DocumentFrequency
from towers.indexes.result_cache import ResultCache
from towers.indexes.working_copy import link_files, new_folder
from towers.text.product_codes import numbers_in_query, numbers_of_item
from towers.text.query_rewriter import Alternatives, QueryRewriter
from towers.text.words import stem, surface_words, words

_FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
CODE_SCORE = 1_000.0
"""More than the words of a query add up to: an item whose number is asked for comes first."""

_SYNONYM_WEIGHT = 0.9
_READ_LIMIT = 20_000
_FOUND_BYTES = _MATCHING_BYTES = 64_000_000
_HELD_BYTES = 16_000_000
_WORDS_NAME = "words.json"
_TRANSLATIONS_NAME = "translations.json"
_HEAP_BYTES = 200_000_000
_LIVE_HEAP_BYTES = 15_000_000


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    for name in _FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("code", tokenizer_name="whitespace", index_option="basic")
    return builder.build()


def _words_by_field(item: Item) -> dict[str, list[str]]:
    """Words as written, by field."""
    texts = {
        "title": (item.title,),
        "category": item.category,
        "brand": (item.brand,),
        "rest": (*item.attributes.values(), item.description),
    }
    return {
        field: [w for text in of_field for w in surface_words(text)]
        for field, of_field in texts.items()
    }


def _document(row: int, item: Item, written: dict[str, list[str]]) -> tantivy.Document:
    # Words are cut by towers.text, so that queries and items are read alike; tantivy sees them
    # with blanks between.
    document = tantivy.Document(
        **{field: " ".join(map(stem, of_field)) for field, of_field in written.items()},
        code=" ".join(sorted(numbers_of_item(item))),
    )
    # By its own method: as a keyword a number becomes a signed one, which the field refuses.
    document.add_unsigned("row", row)
    return document


class Synonym(NamedTuple):
    """Words of a query, as stems, and a phrase by which the same items may be found."""

    stems: frozenset[str]
    phrase: str


_Search = tuple[str, int, tuple[Synonym, ...]]
_Holding = tuple[tuple[Alternatives, ...], int]


class ReadQuery(NamedTuple):
    """A query as the index reads it.

    Args:
        meant: Weight of each stem asked for: 1 as written, less where it is guessed.
        rarities: Inverse document frequency of each of them.
        mended: The query, and behind it what words that no item has were meant to be.
    """

    meant: Mapping[str, float]
    rarities: Sequence[float]
    mended: str


class LexicalIndex:
    """Finds items by the words of title, category, brand, attributes and description.

    Words are read as ``QueryRewriter`` corrects and translates them. Items whose product code (key,
    SKU, model) is in the query come first. Every character of a query is plain text: there is no
    query syntax.

    Live changes go into the same index, so that a word weighs the same wherever it stands.

    Args:
        folder: A folder of the index's own, which leaves with it: even reading puts a lock there.
        counts: Items by word as written.
    """

    def __init__(self, folder: Path, counts: dict[str, int]) -> None:
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder
        index = tantivy.Index.open(str(folder))
        self._index, self._searcher = index, index.searcher()
        self._writer: tantivy.IndexWriter | None = None
        # Of tantivy's index: were it this one's, each would hold the other, and its folder with it.
        self._stem_counts = DocumentFrequency(index, tuple(_FIELD_WEIGHTS))
        self.rewriter = QueryRewriter(counts, self._stem_counts.of)
        self.clear()

    @classmethod
    def build(cls, items: Iterable[Item], folder: Path | None = None) -> LexicalIndex:
        """Indexes items in row order; saves the index too where a folder is given."""
        own = new_folder()
        writer = tantivy.Index(_schema(), path=str(own)).writer(
            heap_size=_HEAP_BYTES, num_threads=1
        )
        counts: Counter[str] = Counter()
        for row, item in enumerate(items):
            written = _words_by_field(item)
            writer.add_document(_document(row, item, written))
            counts.update(set().union(*written.values()))
        writer.commit()
        writer.wait_merging_threads()
        index = cls(own, counts)
        if folder is not None:
            index.save(folder)
        return index

    def save(self, folder: Path) -> None:
        """Writes the index into an existing empty folder, with its words and translations."""
        link_files(self._folder, folder)
        for name, tree in (
            (_WORDS_NAME, self.rewriter.counts),
            (_TRANSLATIONS_NAME, self.rewriter.translations),
        ):
            text = json.dumps(tree, ensure_ascii=False)
            (folder / name).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``save`` wrote; the folder is not changed, now or later.

        It is read in a temporary folder, by links where the file system allows, since finished
        segments do not change.
        """
        counts = json.loads((folder / _WORDS_NAME).read_text(encoding="utf-8"))
        own = new_folder()
        link_files(folder, own)
        index = cls(own, counts)
        if (folder / _TRANSLATIONS_NAME).exists():
            text = (folder / _TRANSLATIONS_NAME).read_text(encoding="utf-8")
            index.rewriter.translations = json.loads(text)
        return index

    def translate(self, translations: Mapping[str, Mapping[str, float]]) -> None:
        """Reads queries by a dictionary from here on."""
        self.rewriter.translations = translations
        self.clear()

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or changes items by row; searches find them once this returns."""
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_LIVE_HEAP_BYTES, num_threads=1)
        writer, schema = self._writer, self._index.schema
        new_words: set[str] = set()
        expected_count = self._searcher.num_docs
        for row, item in items:
            # By a query: given a number as a term it would look for a signed one, and find none.
            writer.delete_documents_by_query(tantivy.Query.term_query(schema, "row", row))
            written = _words_by_field(item)
            writer.add_document(_document(row, item, written))
            new_words.update(*written.values())
            expected_count += 1
        writer.commit()
        self.rewriter.take_in(new_words)
        self._index.reload()
        self._searcher = self._index.searcher()
        self._stem_counts.replaced_count += expected_count - self._searcher.num_docs
        self.clear()

    def clear(self) -> None:
        """Forgets the queries that were asked; they are kept only to answer them faster."""
        # New ones, since a thread that still reads the index as it was keeps what it finds.
        self._stem_counts.forget()
        self._read: dict[str, ReadQuery] = {}
        self._found: ResultCache[_Search, tuple[np.ndarray, np.ndarray]] = ResultCache(_FOUND_BYTES)
        self._matching: ResultCache[str, np.ndarray] = ResultCache(_MATCHING_BYTES)
        self._held: ResultCache[_Holding, np.ndarray] = ResultCache(_HELD_BYTES)

    def search(
        self, text: str, count: int, synonyms: tuple[Synonym, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best items, ``[n] int64`` and ``[n] float32``, best first.

        Neither may be written to: answers of queries asked again and again are kept until the
        next change, since a few queries make up most of what a search box is asked.
        """
        key = (text, count, synonyms)
        return self._found.of(key, lambda: self._search(text, count, synonyms))

    def _search(
        self, text: str, count: int, synonyms: tuple[Synonym, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = numbers_in_query(text)
        meant = dict(self.read(text).meant)
        for synonym in synonyms:
            stems = words(synonym.phrase)
            for word in stems:
                meant.setdefault(word, _SYNONYM_WEIGHT / len(stems))
        if count < 1 or not (meant or codes):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        searcher = self._searcher
        rows, scores = _hits(searcher, self._query(meant, codes, searcher), count)
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order]

    def matching_rows(self, text: str) -> np.ndarray:
        """Rows of all items that a query matches, ``[n] int64``, in no order; not to be written to.

        Those that have every word of it, function words aside, each as written or as it may have
        been meant, or that have its number; where there are none, those that have any word.
        """
        return self._matching.of(text, lambda: self._matching_rows(text))

    def _matching_rows(self, text: str) -> np.ndarray:
        searcher, codes = self._searcher, numbers_in_query(text)
        with_all = self._holding(self.rewriter.ways(text), searcher)
        parts = [(tantivy.Occur.Should, self._query({}, codes, searcher))]
        if with_all is not None:
            parts.append((tantivy.Occur.Should, with_all))
        rows = _all_rows(searcher, tantivy.Query.boolean_query(parts))
        if len(rows):
            return rows
        return _all_rows(searcher, self._query(self.read(text).meant, codes, searcher))

    def holders(self, wanted: Sequence[Alternatives], count: int) -> np.ndarray:
        """Rows of up to ``count`` items that have, of each of ``wanted``, one alternative whole.

        Returns:
            ``[≤ count] int64``, not to be written to; items taken off the list are among them.
        """
        key = (tuple(wanted), count)
        return self._held.of(key, lambda: self._holders(wanted, count))

    def _holders(self, wanted: Sequence[Alternatives], count: int) -> np.ndarray:
        query = self._holding(wanted, self._searcher)
        if query is None or not count:
            return np.zeros(0, np.int64)
        return _hits(self._searcher, query, count)[0]

    def read(self, text: str) -> ReadQuery:
        """What a query asks for; kept for those asked again and again."""
        known = self._read
        query = known.get(text)
        if query is None:
            meant, mended = self.rewriter.meant(text)
            query = ReadQuery(meant, self.rarities(meant), mended)
            if len(known) >= _READ_LIMIT:
                known.clear()
            known[text] = query
        return query

    def rarities(self, stems: Iterable[str]) -> list[float]:
        """Inverse document frequency by the field that has the word most often; 0 if none has it."""
        counts = [self._stem_counts.in_one_field(word) for word in stems]
        total = self._searcher.num_docs + 1.0
        return [math.log(total / count) if count else 0.0 for count in counts]

    def _holding(
        self, wanted: Sequence[Alternatives], searcher: tantivy.Searcher
    ) -> tantivy.Query | None:
        """Items that have, of each of ``wanted``, one alternative whole; None if none can."""
        parts = []
        for alternatives in wanted:
            ways = [self._all_of(stems, searcher) for stems in alternatives]
            known = [(tantivy.Occur.Should, way) for way in ways if way is not None]
            if not known:
                return None
            parts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(known)))
        return tantivy.Query.boolean_query(parts) if parts else None

    def _all_of(self, stems: tuple[str, ...], searcher: tantivy.Searcher) -> tantivy.Query | None:
        """Items that have every stem, each in any field; None if some stem is in no item."""
        musts = []
        for word in stems:
            fields = [
                (
                    tantivy.Occur.Should,
                    tantivy.Query.term_query(self._index.schema, name, word, index_option="freq"),
                )
                for name in _FIELD_WEIGHTS
                if searcher.doc_freq(name, word)
            ]
            if not fields:
                return None
            musts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(fields)))
        return tantivy.Query.boolean_query(musts) if musts else None

    def _query(
        self, meant: Mapping[str, float], codes: set[str], searcher: tantivy.Searcher
    ) -> tantivy.Query:
        schema = self._index.schema
        parts = []
        for word, weight in meant.items():
            for field, field_weight in _FIELD_WEIGHTS.items():
                if searcher.doc_freq(field, word):
                    term = tantivy.Query.term_query(schema, field, word, index_option="freq")
                    boosted = tantivy.Query.boost_query(term, field_weight * weight)
                    parts.append((tantivy.Occur.Should, boosted))
        for code in sorted(codes):
            if searcher.doc_freq("code", code):
                term = tantivy.Query.term_query(schema, "code", code, index_option="basic")
                exact = tantivy.Query.const_score_query(term, CODE_SCORE)
                parts.append((tantivy.Occur.Should, exact))
        return tantivy.Query.boolean_query(parts)


def _hits(
    searcher: tantivy.Searcher, query: tantivy.Query, count: int
) -> tuple[np.ndarray, np.ndarray]:
    hits = searcher.search(query, limit=count, count=False).hits
    if not hits:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    rows = searcher.fast_field_values("row", [address for _, address in hits])
    return np.array(rows, np.int64), np.array([score for score, _ in hits], np.float32)


def _all_rows(searcher: tantivy.Searcher, query: tantivy.Query) -> np.ndarray:
    limit = max(1, searcher.num_docs)
    # Ordered by the row, a hit is the row itself, and no score has to be worked out.
    hits = searcher.search(query, limit=limit, count=False, order_by_field="row").hits
    return np.array([row for row, _ in hits], np.int64)
