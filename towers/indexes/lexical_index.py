"""Lexical search of items: parsing of queries, BM25 and matching rows, live updates."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from data.records import Item
from towers.indexes.inverted.document_frequency import DocumentFrequency
from towers.indexes.inverted.item_documents import (
    Document,
    distinct_words,
    document_of,
    words_by_field,
)
from towers.indexes.inverted.leading_hits import CODE_SCORE as CODE_SCORE
from towers.indexes.inverted.leading_hits import with_leading
from towers.indexes.inverted.lexical_caches import LexicalCaches
from towers.indexes.inverted.naming_shares import NamingShares
from towers.indexes.inverted.stem_queries import spellings_of
from towers.indexes.inverted.tantivy_index import TantivyIndex
from towers.indexes.private_copy import PrivateCopy, new_folder
from towers.text.parsed_query import Alternatives, ParsedQuery, Synonym, Term
from towers.text.query_rewriter import QueryRewriter
from towers.text.spelling.english_words import common_english_words
from towers.text.term_relaxation import TermStatistics, leading_terms
from towers.text.title_heads import head_keys
from towers.text.writing.folding import has_chinese

MATCH_COUNT = 100
"""Items that are fetched to learn whether there are any; one number, so that caches are shared."""

_SYNONYM_WEIGHT = 0.9
_PARSED_LIMIT = 10_000
_WORDS_NAME = "words.json"
_HEADS_NAME = "heads.json"
_TRANSLATIONS_NAME = "translations.json"


class LexicalIndex:
    """Finds items by the words of title, category, brand, attributes and description.

    Queries are parsed by ``QueryRewriter``, which corrects and translates words. Items whose product
    code (key, SKU, model) is in the query come first. There is no query syntax: every character is
    plain text.

    Live changes go into the same index, so that document frequencies cover all items.

    Args:
        folder: The index's private folder.
        counts: Items by surface word.
        head_counts: Items by head noun of the title, as a stem.
        remove: Removes the folder.
    """

    def __init__(
        self,
        folder: Path,
        counts: Mapping[str, int],
        head_counts: Mapping[str, int],
        remove: Callable[[], object],
    ) -> None:
        self._index = index = TantivyIndex(folder, remove)
        self._head_counts = head_counts
        self._unseen_words: set[str] = set()
        self._unseen: list[Document] = []
        self._shares = NamingShares(self._index, head_counts)
        self._frequency = DocumentFrequency(self._index)
        self.rewriter = QueryRewriter(
            counts,
            self._frequency.of,
            self._frequency.rarity,
            common_english_words(),
            self._shares.of,
            # Not of ``self``, which holds the rewriter: a dropped bundle is freed at once, without
            # a garbage collection, which servers spare their bundles.
            has_all=lambda stems: len(index.rows_with_all([(stems,)])) > 0,
        )
        self.clear()

    @classmethod
    def build(cls, items: Iterable[Item], folder: Path | None = None) -> LexicalIndex:
        """Indexes items in row order; also saves the index where a folder is given."""
        own = new_folder()
        counts: Counter[str] = Counter()
        head_counts: Counter[str] = Counter()

        def documents() -> Iterator[Document]:
            for row, item in enumerate(items):
                by_field = words_by_field(item)
                counts.update(distinct_words(by_field))
                head_counts.update(head_keys(item.title, item.brand))
                yield document_of(row, item, by_field)

        TantivyIndex.build(documents(), own)
        index = cls(own, counts, head_counts, partial(shutil.rmtree, own, ignore_errors=True))
        if folder is not None:
            index.save(folder)
        return index

    def save(self, folder: Path) -> None:
        """Writes the index into an existing empty folder, with its words and translations."""
        self._index.save(folder)
        for name, tree in (
            (_WORDS_NAME, self.rewriter.counts),
            (_HEADS_NAME, self._head_counts),
            (_TRANSLATIONS_NAME, self.rewriter.translations),
        ):
            text = json.dumps(tree, ensure_ascii=False)
            (folder / name).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> LexicalIndex:
        """The index that ``save`` wrote, in a private copy: the folder itself is never changed."""
        counts = json.loads((folder / _WORDS_NAME).read_text(encoding="utf-8"))
        head_counts = json.loads((folder / _HEADS_NAME).read_text(encoding="utf-8"))
        own = PrivateCopy(folder)
        index = cls(own.folder, counts, head_counts, own.remove)
        if (folder / _TRANSLATIONS_NAME).exists():
            text = (folder / _TRANSLATIONS_NAME).read_text(encoding="utf-8")
            index.rewriter.translations = json.loads(text)
        return index

    @property
    def has_chinese(self) -> bool:
        """Whether any word of the items, or any that the dictionary translates, is Chinese."""
        return any(map(has_chinese, (*self.rewriter.counts, *self.rewriter.translations)))

    def translate(self, translations: Mapping[str, Mapping[str, float]]) -> None:
        """Sets the dictionary that queries are translated by."""
        self.rewriter.translations = translations
        self.clear()

    def put(self, items: Iterable[tuple[int, Item]]) -> None:
        """Adds or updates items by row; visible to searches on return.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        with self.staged(items) as commit:
            commit()
        self.show()

    @contextmanager
    def staged(self, items: Iterable[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Stages items by row and gives the function that commits them; visible after ``show``.

        Rolled back where the block ends with an error.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        new_words: set[str] = set()
        documents = []
        for row, item in items:
            by_field = words_by_field(item)
            new_words |= distinct_words(by_field)
            documents.append(document_of(row, item, by_field))
        with self._index.staged(documents) as commit:
            yield commit
        self._unseen_words |= new_words
        self._unseen += documents

    def show(self) -> None:
        """Makes committed items visible to searches."""
        self.rewriter.take_in(self._unseen_words)
        self._index.refresh(self._unseen)
        self._unseen_words, self._unseen = set(), []
        self._frequency.forget_total()
        self._forget_queries()

    def clear(self) -> None:
        """Clears the caches of queries."""
        self._index.forget()
        self._frequency.forget()
        self._shares.forget()
        self._forget_queries()

    def _forget_queries(self) -> None:
        """Clears what depends on the words of whole queries, and on the number of items."""
        self.rewriter.forget()
        self._caches = LexicalCaches()

    def parse(self, text: str, *, is_literal: bool = False) -> ParsedQuery:
        """Parses a query by the words of the items; cached.

        Args:
            is_literal: All of the text is words to match, conditions too.
        """
        caches = self._caches
        query = caches.parsed.get(text) or self._parsed(text, caches.parsed, is_literal=False)
        if is_literal and query.conditions.applied:
            query = self._parsed(text, caches.parsed_literally, is_literal=True)
        return query

    def _parsed(
        self, text: str, parsed: dict[str, ParsedQuery], *, is_literal: bool
    ) -> ParsedQuery:
        query = parsed.get(text)
        if query is None:
            query = self.rewriter.parse(text, is_literal=is_literal)
            if len(parsed) >= _PARSED_LIMIT:
                parsed.clear()
            # Where two threads parsed the same text, both use the one in the cache.
            query = parsed.setdefault(text, query)
        return query

    def search(
        self, query: ParsedQuery, count: int, synonyms: tuple[Synonym, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best items, ``[n] int64`` and ``[n] float32``, best first.

        Where no item has all words, and only words that qualify had to be given up, such as colours,
        items with all other words come first; the scores of the rest are scaled below theirs.

        Read-only: kept until the next change, since a few queries make up most of the traffic.
        """
        caches = self._caches
        if count < 1 or not caches.has_parsed(query):
            return self._search(query, count, synonyms)
        key = query.searched_text, synonyms
        kept = caches.found.get(key)
        if kept is not None:
            rows, scores, asked = kept
            # The best are the first of more, and where there were no more, these are all.
            if count <= asked[0] or len(rows) < asked[0]:
                return (rows, scores) if count >= len(rows) else (rows[:count], scores[:count])
        rows, scores = self._search(query, count, synonyms)
        caches.found.put(key, (rows, scores, np.array([count])))
        return rows, scores

    def search_among(
        self, query: ParsedQuery, rows: np.ndarray, count: int, synonyms: tuple[Synonym, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """As ``search``, among some ``rows [n] int64`` only, without a cache."""
        return self._search(query, count, synonyms, rows)

    def _search(
        self,
        query: ParsedQuery,
        count: int,
        synonyms: tuple[Synonym, ...],
        among: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        weights = dict(query.stem_weights)
        for synonym in synonyms:
            for word in synonym.phrase:
                weights.setdefault(word, _SYNONYM_WEIGHT / len(synonym.phrase))
        if count < 1 or not (weights or query.product_codes or query.groups):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        code_scores = dict.fromkeys(sorted(query.product_codes), CODE_SCORE)
        best = partial(
            self._index.best,
            weights,
            code_scores,
            count,
            groups=query.groups,
            spellings=spellings_of(query),
            among=among,
        )
        found = best()
        has_holders = partial(self._has_holders, query)
        leading = leading_terms(query.terms, TermStatistics(has_holders, self.rarity))
        if not leading:
            return found
        required = [term.alternatives for term in leading]
        return with_leading(best(required=required), found, count)

    def _has_holders(self, query: ParsedQuery, required: Sequence[Term]) -> bool:
        requirements = tuple([term.alternatives for term in required])
        if requirements == query.requirements and not self._index.has_any_code(query.product_codes):
            # The usual query: the answer needs these rows anyway.
            return len(self.complete_rows(query)) > 0
        return len(self.holders(requirements, MATCH_COUNT)) > 0

    def matching_rows(self, query: ParsedQuery) -> np.ndarray:
        """Rows of all items that match a query, ``[n] int64``, in no order; read-only.

        Items that have all of its words (function words excepted), as typed or replaced, or its
        product code; where there are none, items that have any of its words.
        """
        complete = self.complete_rows(query)
        if len(complete):
            return complete
        caches = self._caches
        any_of = partial(self._index.rows_with_any, query.stem_weights)
        is_known = caches.has_parsed(query)
        return caches.partial.of(query.searched_text, any_of) if is_known else any_of()

    def complete_rows(self, query: ParsedQuery) -> np.ndarray:
        """Rows of the items that have all words of a query, or its product code, as above.

        Cheap for a new text too, while items that have any of its words may be most of them.
        """
        caches = self._caches

        def find() -> np.ndarray:
            return self._index.rows_with_all(query.requirements, query.product_codes)

        is_known = caches.has_parsed(query)
        return caches.complete.of(query.searched_text, find) if is_known else find()

    def holders(
        self,
        requirements: Sequence[Alternatives],
        count: int | None,
        *,
        is_best_first: bool = False,
    ) -> np.ndarray:
        """Rows of items that have one complete alternative of each requirement.

        Args:
            count: Most rows; None: all of them.
            is_best_first: Those of the best BM25 scores, best first; else any, in no order.

        Returns:
            ``[≤ count] int64``, read-only; unlisted items are included.
        """

        def find() -> np.ndarray:
            if count is not None and is_best_first:
                return self._index.best_with_all(requirements, count)
            rows = self._index.rows_with_all(requirements)
            return rows if count is None else rows[max(0, len(rows) - count) :].copy()

        return self._caches.holders.of((tuple(requirements), count, is_best_first), find)

    def has_code(self, code: str) -> bool:
        """Whether an item has a product code, normalised."""
        return len(self._index.rows_with_all((), (code,))) > 0

    def rarity(self, term: Term) -> float:
        """Inverse document frequency of a term's most frequent alternative; 0 if no item has any."""
        rarities = [self.rarities(stems) for stems in term.alternatives]
        return min((max(of_one) for of_one in rarities if of_one and all(of_one)), default=0.0)

    def rarities(self, stems: Iterable[str]) -> list[float]:
        """Inverse document frequencies, by the field where the stem is most frequent; 0 if unknown."""
        return [self._frequency.rarity(word) for word in stems]
