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
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tantivy

from data.records import Item
from towers.spelling import Vocabulary
from towers.text import normalise, stem, surface_words, words

_FIELD_WEIGHTS = {"title": 2.0, "category": 1.5, "brand": 1.5, "rest": 0.7}
CODE_SCORE = 1_000.0
"""More than the words of a query add up to: an item whose number is asked for comes first."""

_GUESS_WEIGHT = 0.8
_SYNONYM_WEIGHT = 0.9
_RARE_COUNT = 3
"""A word of fewer items may be a slip in a title: its corrections are looked for too."""
_RARE_WEIGHT = 0.4
_READ_LIMIT = 20_000
_FOUND_LIMIT = 5_000
_MATCHING_LIMIT = 200
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "的")
)
"""Words that an item need not have to be about all that a query says."""

_TRANSLATION_WEIGHT = 0.9
_WORDS_NAME = "words.json"
_TRANSLATIONS_NAME = "translations.json"
_CODE_NAMES = re.compile(
    r"(?i)\b(sku|model|mpn|gtin|ean|upc|isbn|asin|part|article|art|number|no)\b"
)
_CODE_CHUNK = re.compile(r"(?=\S*\d)\S{4,40}")
_HEAP_BYTES = 200_000_000
_LIVE_HEAP_BYTES = 15_000_000


Alternatives = tuple[tuple[str, ...], ...]
"""Ways to have one wanted thing: stems that an item must have, for each way."""


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
        code=" ".join(sorted(_codes_of_item(item))),
    )
    # By its own method: as a keyword a number becomes a signed one, which the field refuses.
    document.add_unsigned("row", row)
    return document


class Synonym(NamedTuple):
    """Words of a query, as stems, and a phrase by which the same items may be found."""

    stems: frozenset[str]
    phrase: str


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

    A word that few items or none have is also looked for as it may have been meant: mended, cut in
    two, joined with the next, translated, or, being the last, as the beginning of a word. Items
    whose number (key, SKU, model) is in the query come first. Every character of a query is plain
    text: there is no query syntax.

    Live changes go into the same index, so that a word weighs the same wherever it stands.

    Args:
        folder: A folder of the index's own, which leaves with it: even reading puts a lock there.
        counts: Items by word as written.
    """

    def __init__(self, folder: Path, counts: dict[str, int]) -> None:
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._index = tantivy.Index.open(str(folder))
        self._searcher = self._index.searcher()
        self._writer: tantivy.IndexWriter | None = None
        self._vocabulary = Vocabulary(counts)
        self._live_counts: dict[str, int] = {}
        self._live_vocabulary = Vocabulary({})
        self._translations: Mapping[str, Mapping[str, float]] = {}
        self._read: dict[str, ReadQuery] = {}
        self._matching: dict[str, np.ndarray] = {}
        self._found: dict[tuple[str, int, tuple[Synonym, ...]], tuple[np.ndarray, np.ndarray]] = {}
        self._held: dict[tuple[tuple[Alternatives, ...], int], np.ndarray] = {}

    @classmethod
    def build(cls, items: Iterable[Item], folder: Path) -> LexicalIndex:
        """Indexes items in row order into an existing empty folder."""
        own = _temporary_folder()
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
        _copy_files(own, folder)
        (folder / _WORDS_NAME).write_text(json.dumps(counts, ensure_ascii=False), encoding="utf-8")
        return cls(own, counts)

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``build`` wrote; the folder is not changed, now or later.

        It is read in a temporary folder, by links where the file system allows, since finished
        segments do not change.
        """
        counts = json.loads((folder / _WORDS_NAME).read_text(encoding="utf-8"))
        own = _temporary_folder()
        _copy_files(folder, own)
        index = cls(own, counts)
        if (folder / _TRANSLATIONS_NAME).exists():
            text = (folder / _TRANSLATIONS_NAME).read_text(encoding="utf-8")
            index._translations = json.loads(text)
        return index

    @property
    def counts(self) -> Mapping[str, int]:
        """Items by word as written, as they were when the index was built."""
        return self._vocabulary.counts

    @property
    def translations(self) -> Mapping[str, Mapping[str, float]]:
        """Words of the items, with weights up to 1, by stems of words in another language."""
        return self._translations

    def translate(self, translations: Mapping[str, Mapping[str, float]], folder: Path) -> None:
        """Reads queries by a dictionary from here on, and writes it beside the index."""
        self._translations = translations
        self._read, self._found, self._matching = {}, {}, {}
        text = json.dumps(translations, ensure_ascii=False)
        (folder / _TRANSLATIONS_NAME).write_text(text, encoding="utf-8")

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or changes items by row; searches find them once this returns."""
        if self._writer is None:
            self._writer = self._index.writer(heap_size=_LIVE_HEAP_BYTES, num_threads=1)
        writer, schema = self._writer, self._index.schema
        new_words = set()
        for row, item in items:
            # By a query: given a number as a term it would look for a signed one, and find none.
            writer.delete_documents_by_query(tantivy.Query.term_query(schema, "row", row))
            written = _words_by_field(item)
            writer.add_document(_document(row, item, written))
            new_words |= set().union(*written.values()) - self._vocabulary.counts.keys()
        writer.commit()
        if not new_words <= self._live_counts.keys():
            self._live_counts = {**self._live_counts, **dict.fromkeys(new_words, 1)}
            self._live_vocabulary = Vocabulary(self._live_counts)
        self._index.reload()
        self._searcher = self._index.searcher()
        self.clear()

    def clear(self) -> None:
        """Forgets the queries that were asked; they are kept only to answer them faster."""
        self._read, self._found = {}, {}
        self._matching, self._held = {}, {}

    def search(
        self, text: str, count: int, synonyms: tuple[Synonym, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best items, ``[n] int64`` and ``[n] float32``, best first.

        Neither may be written to: answers of queries asked again and again are kept until the
        next change, since a few queries make up most of what a search box is asked.
        """
        known = self._found
        key = (text, count, synonyms)
        found = known.get(key)
        if found is None:
            found = self._search(text, count, synonyms)
            if len(known) >= _FOUND_LIMIT:
                known.clear()
            known[key] = found
        return found

    def _search(
        self, text: str, count: int, synonyms: tuple[Synonym, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        codes = _codes_of_query(text)
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
        known = self._matching
        rows = known.get(text)
        if rows is None:
            searcher, codes = self._searcher, _codes_of_query(text)
            rows = _all_rows(searcher, self._query_of_all(text, codes, searcher))
            if not len(rows):
                rows = _all_rows(searcher, self._query(self.read(text).meant, codes, searcher))
            if len(known) >= _MATCHING_LIMIT:
                known.clear()
            known[text] = rows
        return rows

    def holders(self, wanted: Sequence[Alternatives], count: int) -> np.ndarray:
        """Rows of up to ``count`` items that have, of each of ``wanted``, one alternative whole.

        Returns:
            ``[≤ count] int64``, not to be written to; items taken off the list are among them.
        """
        known, key = self._held, (tuple(wanted), count)
        rows = known.get(key)
        if rows is None:
            rows = self._holders(wanted, count)
            if len(known) >= _FOUND_LIMIT:
                known.clear()
            known[key] = rows
        return rows

    def _holders(self, wanted: Sequence[Alternatives], count: int) -> np.ndarray:
        searcher = self._searcher
        parts = []
        for alternatives in wanted:
            ways = [self._all_of(stems, searcher) for stems in alternatives]
            known = [(tantivy.Occur.Should, way) for way in ways if way is not None]
            if not known:
                return np.zeros(0, np.int64)
            parts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(known)))
        if not parts or not count:
            return np.zeros(0, np.int64)
        return _hits(searcher, tantivy.Query.boolean_query(parts), count)[0]

    def likely_beginnings(self, typed: str) -> list[str]:
        """Beginnings of items' words that a word half typed may be a slip for, best first."""
        found = self._vocabulary.likely_beginnings(typed)
        return found + self._live_vocabulary.likely_beginnings(typed)

    def read(self, text: str) -> ReadQuery:
        """What a query asks for; kept for those asked again and again."""
        known = self._read
        query = known.get(text)
        if query is None:
            query = self._read_anew(text)
            if len(known) >= _READ_LIMIT:
                known.clear()
            known[text] = query
        return query

    def _read_anew(self, text: str) -> ReadQuery:
        written = surface_words(text)
        meant = {stem(word): 1.0 for word in written}
        mended = [text]
        for place, word in enumerate(written):
            translated = self._translations.get(stem(word))
            if translated:
                guesses = [(w, _TRANSLATION_WEIGHT * share) for w, share in translated.items()]
            else:
                guesses = self.guesses(word, is_last=place + 1 == len(written))
            for guess, weight in guesses:
                of_guess = stem(guess)
                meant[of_guess] = max(meant.get(of_guess, 0.0), weight)
            if guesses and not self._count(word):
                mended.append(likeliest(word, guesses))
        for left, right in pairwise(written):
            joined = left + right
            if min(len(left), len(right)) > 1 and not joined.isdigit() and self._count(joined):
                meant.setdefault(stem(joined), _GUESS_WEIGHT)
        return ReadQuery(meant, self.rarities(meant), " ".join(mended))

    def rarities(self, stems: Iterable[str]) -> list[float]:
        """Inverse document frequency by the field that has the word most often; 0 if none has it."""
        searcher = self._searcher
        counts = [max(searcher.doc_freq(f, word) for f in _FIELD_WEIGHTS) for word in stems]
        total = searcher.num_docs + 1.0
        return [math.log(total / count) if count else 0.0 for count in counts]

    def guesses(self, word: str, *, is_last: bool) -> list[tuple[str, float]]:
        """What a word that few items or none have may have been meant to be, with weights."""
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

    def _ways(self, text: str) -> list[list[str]]:
        """For each word that an item must have, the stems that will do."""
        written = surface_words(text)
        # A Chinese word stands beside its characters: those are enough, however a title is cut.
        cut = {word for word in written if len(word) > 1 and set(word) <= set(written)}
        ways = []
        for place, word in enumerate(written):
            if word in cut or (word in _FUNCTION_WORDS and len(written) > 1):
                continue
            will_do = [
                word,
                *(w for w, _ in self.guesses(word, is_last=place + 1 == len(written))),
            ]
            will_do += [left + right for left, right in pairwise(written[max(0, place - 1) :][:3])]
            ways.append(list(dict.fromkeys(map(stem, will_do))))
        return ways

    def _count(self, word: str) -> int:
        return self._vocabulary.counts.get(word, 0) or self._live_counts.get(word, 0)

    def _query_of_all(
        self, text: str, codes: set[str], searcher: tantivy.Searcher
    ) -> tantivy.Query:
        ways = self._ways(text)
        each = [
            (tantivy.Occur.Must, self._query(dict.fromkeys(stems, 1.0), set(), searcher))
            for stems in ways
        ]
        of_code = self._query({}, codes, searcher)
        parts = [(tantivy.Occur.Should, of_code)]
        if each:
            parts.append((tantivy.Occur.Should, tantivy.Query.boolean_query(each)))
        return tantivy.Query.boolean_query(parts)

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


def likeliest(word: str, guesses: Sequence[tuple[str, float]]) -> str:
    """What a word was most likely meant to be, of the index's ``guesses``, of which there are some."""
    parts = [guess for guess, _ in guesses[:2]]
    # Two words that make up the one come one after the other, and both are meant.
    if len(parts) == 2 and "".join(parts) == word:
        return " ".join(parts)
    return max(guesses, key=lambda guess: guess[1])[0]


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


def _temporary_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="nextclick-lexical-"))


def _copy_files(source: Path, target: Path) -> None:
    for path in source.iterdir():
        if path.suffix != ".lock":
            _link_or_copy(path, target / path.name)


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


def _all_rows(searcher: tantivy.Searcher, query: tantivy.Query) -> np.ndarray:
    limit = max(1, searcher.num_docs)
    # Ordered by the row, a hit is the row itself, and no score has to be worked out.
    hits = searcher.search(query, limit=limit, count=False, order_by_field="row").hits
    return np.array([row for row, _ in hits], np.int64)
