"""Items by their words: a tantivy index, and how it takes in what changes while it is served."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import tantivy

from data.records import Item
from towers.spelling import Vocabulary
from towers.text import normalise, stem, surface_words, words

_FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
CODE_SCORE = 1_000.0
"""More than the words of a query add up to: an item whose number is asked for comes first."""

_GUESS_WEIGHT = 0.8
_RARE_COUNT = 3
"""A word of fewer items may be a slip in a title: its corrections are looked for too."""
_RARE_WEIGHT = 0.4
_WORDS_NAME = "words.json"
_CODE_NAMES = re.compile(
    r"(?i)\b(sku|model|mpn|gtin|ean|upc|isbn|asin|part|article|art|number|no)\b"
)
_CODE_CHUNK = re.compile(r"(?=\S*\d)\S{4,40}")
_LIVE_HEAP_BYTES = 15_000_000


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    for name in _FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("code", tokenizer_name="whitespace", index_option="basic")
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
        code=" ".join(sorted(_codes_of_item(item))),
    )
    # By its own method: as a keyword a number becomes a signed one, which the field refuses.
    document.add_unsigned("row", row)
    return document


class LexicalIndex:
    """Finds items by the words of title, category, brand, attributes and description.

    A word that few items or none have is also looked for as it may have been meant: mended, cut in
    two, joined with the next, or, being the last, as the beginning of a word. Items whose number
    (key, SKU, model) is in the query come first. Every character of a query is plain text: there
    is no query syntax.

    Live changes go into the same index, so that a word weighs the same wherever it stands. The
    folder it was loaded from is never written: the first change moves the index to a temporary
    folder, by links where the file system allows, since finished segments do not change.

    Args:
        index: The index made with the bundle.
        folder: Where it is.
        counts: Items by word as written.
    """

    def __init__(self, index: tantivy.Index, folder: Path, counts: dict[str, int]) -> None:
        self._index = index
        self._folder = folder
        self._searcher = index.searcher()
        self._writer: tantivy.IndexWriter | None = None
        self._vocabulary = Vocabulary(counts)
        self._live_counts: dict[str, int] = {}
        self._live_vocabulary = Vocabulary({})

    @classmethod
    def build(cls, items: Iterable[Item], folder: Path) -> LexicalIndex:
        """Indexes items in row order into an existing empty folder."""
        index = tantivy.Index(_schema(), path=str(folder))
        writer = index.writer(heap_size=200_000_000, num_threads=1)
        counts: Counter[str] = Counter()
        for row, item in enumerate(items):
            writer.add_document(_document(row, item))
            counts.update(_words_of_item(item))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        for lock in folder.glob(".tantivy-*.lock"):
            lock.unlink()
        (folder / _WORDS_NAME).write_text(json.dumps(counts, ensure_ascii=False), encoding="utf-8")
        return cls(index, folder, counts)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``build`` wrote; the folder is not changed."""
        counts = json.loads((folder / _WORDS_NAME).read_text(encoding="utf-8"))
        return cls(tantivy.Index.open(str(folder)), folder, counts)

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or changes items by row; searches find them once this returns."""
        writer = self._writer or self._writable()
        new_words = set()
        for row, item in items:
            writer.delete_documents_by_term("row", row)
            writer.add_document(_document(row, item))
            new_words |= _words_of_item(item) - self._vocabulary.counts.keys()
        writer.commit()
        if not new_words <= self._live_counts.keys():
            self._live_counts = {**self._live_counts, **dict.fromkeys(new_words, 1)}
            self._live_vocabulary = Vocabulary(self._live_counts)
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
        codes = _codes_of_query(text)
        meant = self.meant(text)
        if count < 1 or not (meant or codes):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        searcher = self._searcher
        rows, scores = _hits(searcher, self._query(meant, codes, searcher), count)
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order]

    def meant(self, text: str) -> dict[str, float]:
        """Stems that a query asks for, with the weight of each: 1 as written, less where guessed."""
        written = surface_words(text)
        meant = {stem(word): 1.0 for word in written}
        for place, word in enumerate(written):
            for guess, weight in self._guesses(word, is_last=place + 1 == len(written)):
                of_guess = stem(guess)
                meant[of_guess] = max(meant.get(of_guess, 0.0), weight)
        for left, right in pairwise(written):
            joined = left + right
            if min(len(left), len(right)) > 1 and not joined.isdigit() and self._count(joined):
                meant.setdefault(stem(joined), _GUESS_WEIGHT)
        return meant

    def rarities(self, stems: Iterable[str]) -> list[float]:
        """Inverse document frequency by the field that has the word most often; 0 if none has it."""
        searcher = self._searcher
        counts = [max(searcher.doc_freq(f, word) for f in _FIELD_WEIGHTS) for word in stems]
        total = searcher.num_docs + 1.0
        return [math.log(total / count) if count else 0.0 for count in counts]

    def _guesses(self, word: str, *, is_last: bool) -> list[tuple[str, float]]:
        count = self._count(word)
        if count >= _RARE_COUNT or (len(word) < 2 and not count):
            return []
        weight = _RARE_WEIGHT if count else _GUESS_WEIGHT
        guesses: list[tuple[str, float]] = []
        for vocabulary in (self._vocabulary, self._live_vocabulary):
            guesses += [(part, weight) for part in vocabulary.parts(word) or ()]
            guesses += [(other, weight * share) for other, share in vocabulary.corrections(word)]
            if is_last and not count:
                guesses += [(other, weight) for other in vocabulary.completions(word)]
        return guesses

    def _count(self, word: str) -> int:
        return self._vocabulary.counts.get(word, 0) or self._live_counts.get(word, 0)

    def _query(
        self, meant: dict[str, float], codes: set[str], searcher: tantivy.Searcher
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


def _words_of_item(item: Item) -> set[str]:
    texts = (item.title, *item.category, item.brand, *item.attributes.values(), item.description)
    return {word for text in texts for word in surface_words(text)}


def _codes_of_item(item: Item) -> set[str]:
    """Key and numbers by which the item can be asked for, without hyphens and the like."""
    texts = [item.item_id]
    texts += [text for name, text in item.attributes.items() if _CODE_NAMES.search(name)]
    texts += [chunk[1:] for chunk in item.title.split() if chunk.startswith("#")]
    return {code for text in texts if (code := _bare(text))}


def _codes_of_query(text: str) -> set[str]:
    """Every run of the query that holds a digit, and the query as a whole."""
    runs = _CODE_CHUNK.findall(text)
    codes = {_bare(run) for run in runs}
    if runs:
        codes.add(_bare(text))
    return {code for code in codes if len(code) >= 4}


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, normalise(text)))


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
