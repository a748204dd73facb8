"""Inverted index of stems by field: indexing, BM25 search, boolean matching, counts."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tantivy

from data.errors import OverloadError
from towers.indexes.item_documents import FIELD_WEIGHTS, NAME_FIELDS, Document
from towers.text.parsed_query import Alternatives

_RESPELT = "~"
"""In front of a stem: the document has it only in words that folding has changed."""

_HEAP_BYTES = 200_000_000
_LIVE_HEAP_BYTES = 15_000_000


class Spelling(NamedTuple):
    """A word of a query, for a preference of the items that spell it alike.

    Args:
        stem: Its stem.
        typed: As typed, if folding has changed it; else empty.
        score: Constant score of an item that has the word so spelt.
    """

    stem: str
    typed: str
    score: float


class TantivyIndex:
    """Documents by their stems and product codes.

    Stems are matched verbatim: tantivy neither tokenises nor parses any text.

    Args:
        folder: The index's private folder: even reading writes a lock file.
        remove: Removes the folder; called when the index is not used any more.
    """

    def __init__(self, folder: Path, remove: Callable[[], object]) -> None:
        weakref.finalize(self, remove)
        self._index = tantivy.Index.open(str(folder))
        self._schema = self._index.schema
        self._searcher = self._index.searcher()
        self._writer: tantivy.IndexWriter | None = None

    @staticmethod
    def build(documents: Iterable[Document], folder: Path) -> None:
        """Writes documents into an existing empty folder."""
        index = tantivy.Index(_schema(), path=str(folder))
        writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
        for document in documents:
            writer.add_document(_tantivy_document(document))
        writer.commit()
        writer.wait_merging_threads()

    @property
    def document_count(self) -> int:
        """Documents visible to searches, without replaced ones."""
        return int(self._searcher.num_docs)

    @contextmanager
    def staged(self, documents: Iterable[Document]) -> Iterator[Callable[[], None]]:
        """Stages documents by row and gives the function that commits them; visible after ``refresh``.

        Rolled back where the block ends with an error.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        try:
            with _disk_errors():
                if self._writer is None:
                    self._writer = self._index.writer(heap_size=_LIVE_HEAP_BYTES, num_threads=1)
                for document in documents:
                    # By a query: a plain term would be taken for a signed integer and match nothing.
                    query = tantivy.Query.term_query(self._schema, "row", document.row)
                    self._writer.delete_documents_by_query(query)
                    self._writer.add_document(_tantivy_document(document))
            yield self._commit
        except BaseException:
            # Dropping the writer discards staged documents; a new one starts at the last commit.
            self._writer = None
            raise

    def refresh(self) -> None:
        """Makes committed documents visible to searches."""
        self._searcher = self._index.searcher()

    def _commit(self) -> None:
        assert self._writer is not None
        with _disk_errors():
            self._writer.commit()
            self._index.reload()

    def frequency(self, stem: str) -> int:
        """Document frequency of a stem in the field where it is most frequent.

        Replaced documents count until tantivy merges their segment.
        """
        return max(self.frequencies(stem).values())

    def frequencies(self, stem: str) -> dict[str, int]:
        """Document frequencies of a stem by field, replaced documents included as above."""
        return {field: self._searcher.doc_freq(field, stem) for field in FIELD_WEIGHTS}

    def count(self, stem: str, limit: int) -> int:
        """Documents that have a stem in any field, counted up to ``limit``, without replaced ones."""
        searcher = self._searcher
        query = tantivy.Query.boolean_query(self._in_any_field(stem, searcher))
        return len(searcher.search(query, limit=limit, count=False).hits)

    def best(
        self,
        stem_weights: Mapping[str, float],
        code_scores: Mapping[str, float],
        count: int,
        *,
        groups: Mapping[tuple[str, ...], float] = MappingProxyType({}),
        spellings: Iterable[Spelling] = (),
        required: Sequence[Alternatives] = (),
        among: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and BM25 scores of the best documents that have any stem or code, best first.

        Args:
            stem_weights: Factor of each stem's score.
            code_scores: Constant score of each product code.
            groups: Stems that count only where a field has all of them, and the weight of the group.
            spellings: Preferences for a spelling.
            required: Only documents that have one complete alternative of each.
            among: ``[n] int64`` rows; only these. None: all.

        Returns:
            ``[≤ count] int64`` and ``[≤ count] float32``; of equal scores the lower row first.
        """
        searcher = self._searcher
        parts = [*self._any(stem_weights, searcher), *self._codes(code_scores, searcher)]
        for stems, weight in groups.items():
            parts += self._together(stems, weight, searcher)
        parts += self._spelt(spellings, searcher)
        if required:
            with_all = self._all(required, searcher)
            if with_all is None:
                return np.zeros(0, np.int64), np.zeros(0, np.float32)
            parts.append((tantivy.Occur.Must, tantivy.Query.const_score_query(with_all, 0.0)))
        if among is not None:
            own = tantivy.Query.term_set_query(self._schema, "row", among.tolist())
            parts = [
                (tantivy.Occur.Must, tantivy.Query.boolean_query(parts)),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(own, 0.0)),
            ]
        rows, scores = _hits(searcher, tantivy.Query.boolean_query(parts), count)
        order = np.lexsort((rows, -scores))
        return rows[order], scores[order]

    def rows_with_any(self, stems: Mapping[str, float]) -> np.ndarray:
        """Rows of all documents that have any of some stems, ``[n] int64``, in no order."""
        searcher = self._searcher
        return _all_rows(searcher, tantivy.Query.boolean_query(self._any(stems, searcher)))

    def rows_with_all(
        self,
        requirements: Sequence[Alternatives],
        codes: Iterable[str] = (),
        limit: int | None = None,
    ) -> np.ndarray:
        """Rows of documents that have one complete alternative of each requirement.

        Args:
            codes: Product codes; a document that has one needs no stems.
            limit: Most rows, the best by BM25 first; None: all rows in no order.

        Returns:
            ``[≤ limit] int64``.
        """
        searcher = self._searcher
        parts = self._codes(dict.fromkeys(codes, 1.0), searcher)
        with_all = self._all(requirements, searcher)
        if with_all is not None:
            parts.append((tantivy.Occur.Should, with_all))
        if not parts or limit == 0:
            return np.zeros(0, np.int64)
        query = tantivy.Query.boolean_query(parts)
        return _all_rows(searcher, query) if limit is None else _hits(searcher, query, limit)[0]

    def _all(
        self, requirements: Sequence[Alternatives], searcher: tantivy.Searcher
    ) -> tantivy.Query | None:
        """One complete alternative of each requirement; None if no document can match."""
        parts = []
        for alternatives in requirements:
            queries = [self._all_stems(stems, searcher) for stems in alternatives]
            known = [(tantivy.Occur.Should, query) for query in queries if query is not None]
            if not known:
                return None
            parts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(known)))
        return tantivy.Query.boolean_query(parts) if parts else None

    def _all_stems(
        self, stems: tuple[str, ...], searcher: tantivy.Searcher
    ) -> tantivy.Query | None:
        """Every stem, each in any field; None if some stem is in no document."""
        parts = []
        for stem in stems:
            fields = self._in_any_field(stem, searcher)
            if not fields:
                return None
            parts.append((tantivy.Occur.Must, tantivy.Query.boolean_query(fields)))
        return tantivy.Query.boolean_query(parts) if parts else None

    def _in_any_field(
        self, stem: str, searcher: tantivy.Searcher
    ) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        return [
            (tantivy.Occur.Should, self._term(field, stem))
            for field in FIELD_WEIGHTS
            if searcher.doc_freq(field, stem)
        ]

    def _any(
        self, stem_weights: Mapping[str, float], searcher: tantivy.Searcher
    ) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        return [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(self._term(field, stem), field_weight * weight),
            )
            for stem, weight in stem_weights.items()
            for field, field_weight in FIELD_WEIGHTS.items()
            if searcher.doc_freq(field, stem)
        ]

    def _together(
        self, stems: Sequence[str], weight: float, searcher: tantivy.Searcher
    ) -> Iterator[tuple[tantivy.Occur, tantivy.Query]]:
        """All of some stems in one field, for each field."""
        for field, field_weight in FIELD_WEIGHTS.items():
            if all(searcher.doc_freq(field, stem) for stem in stems):
                terms = [(tantivy.Occur.Must, self._term(field, stem)) for stem in stems]
                query = tantivy.Query.boolean_query(terms)
                boost = field_weight * weight / len(stems)
                yield tantivy.Occur.Should, tantivy.Query.boost_query(query, boost)

    def _spelt(
        self, spellings: Iterable[Spelling], searcher: tantivy.Searcher
    ) -> Iterator[tuple[tantivy.Occur, tantivy.Query]]:
        for stem, typed, score in spellings:
            respelt = _RESPELT + stem
            if typed and searcher.doc_freq("spelling", typed):
                query = self._basic_term("spelling", typed)
            elif not typed and searcher.doc_freq("spelling", respelt):
                query = tantivy.Query.boolean_query(
                    [
                        (tantivy.Occur.Must, self._in_any_name(stem)),
                        (tantivy.Occur.MustNot, self._basic_term("spelling", respelt)),
                    ]
                )
            else:
                continue
            yield tantivy.Occur.Should, tantivy.Query.const_score_query(query, score)

    def _in_any_name(self, stem: str) -> tantivy.Query:
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Should, self._term(field, stem)) for field in NAME_FIELDS]
        )

    def _codes(
        self, code_scores: Mapping[str, float], searcher: tantivy.Searcher
    ) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        found = []
        for code, score in code_scores.items():
            if searcher.doc_freq("code", code):
                query = tantivy.Query.const_score_query(self._basic_term("code", code), score)
                found.append((tantivy.Occur.Should, query))
        return found

    def _basic_term(self, field: str, text: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, text, index_option="basic")

    def _term(self, field: str, stem: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, stem, index_option="freq")


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise OverloadError(
            f"lexical index: expected a writable disk, received: {error}"
        ) from error


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", indexed=True, fast=True)
    for name in FIELD_WEIGHTS:
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    for name in ("code", "spelling"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    return builder.build()


def _tantivy_document(document: Document) -> tantivy.Document:
    # Text is tokenised by towers.text, for queries and items alike; tantivy gets stems separated
    # by blanks.
    found = tantivy.Document(
        **{field: " ".join(stems) for field, stems in document.stems.items()},
        code=" ".join(sorted(document.codes)),
        spelling=" ".join(
            [*document.spellings.values(), *(_RESPELT + stem for stem in document.spellings)]
        ),
    )
    # By ``add_unsigned``: a keyword argument would become a signed integer and be rejected.
    found.add_unsigned("row", document.row)
    return found


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
    # Ordered by row, a hit's value is the row itself and no score is computed.
    hits = searcher.search(query, limit=limit, count=False, order_by_field="row").hits
    return np.array([row for row, _ in hits], np.int64)
