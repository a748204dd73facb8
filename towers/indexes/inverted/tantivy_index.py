"""Inverted index of stems by field: indexing, BM25 search, boolean matching, counts.

Scores and product codes come from tantivy, rows that have words from posting lists.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import numpy as np
import tantivy

from data.errors import OverloadError
from towers.falling_order import falling_order
from towers.indexes.inverted.item_documents import FIELD_WEIGHTS, Document
from towers.indexes.inverted.posting_lists import PostingLists, PostingWriter, stems_of
from towers.indexes.inverted.stem_queries import (
    KNOWN_LIMIT,
    RESPELT,
    Spelling,
    StemQueries,
    StemQuery,
)
from towers.indexes.inverted.stem_versions import StemCache, StemVersions
from towers.indexes.private_copy import link_files
from towers.text.parsed_query import Alternatives

_HEAP_BYTES = 200_000_000
_LIVE_HEAP_BYTES = 15_000_000
_MOSTLY_ENOUGH = 4_096


class TantivyIndex:
    """Documents by their stems and product codes.

    Stems are matched verbatim: tantivy neither tokenises nor parses any text.

    Args:
        folder: The index's private folder: even reading writes a lock file.
        remove: Removes the folder; called when the index is not used any more.

    Attributes:
        versions: Which change of the index concerned which stem.
    """

    def __init__(self, folder: Path, remove: Callable[[], object]) -> None:
        weakref.finalize(self, remove)
        self._folder = folder
        self._index = tantivy.Index.open(str(folder))
        self._schema = self._index.schema
        self.versions = StemVersions()
        self._known: StemCache[str, StemQuery] = StemCache(self.versions, KNOWN_LIMIT)
        self._queries = StemQueries(self._schema, self._index.searcher(), self._known, 0)
        self._postings = PostingLists.load(folder)
        self._writer: tantivy.IndexWriter | None = None
        # Above every row that has been staged so far, rolled back or not.
        self._row_end = self._postings.row_end
        self._has_replaced = False

    @staticmethod
    def build(documents: Iterable[Document], folder: Path) -> None:
        """Writes documents, by ascending row, into an existing empty folder."""
        index = tantivy.Index(_schema(), path=str(folder))
        writer, postings = index.writer(heap_size=_HEAP_BYTES, num_threads=1), PostingWriter()
        for document in documents:
            writer.add_document(_tantivy_document(document))
            postings.add(document)
        writer.commit()
        writer.wait_merging_threads()
        postings.save(folder)

    def save(self, folder: Path) -> None:
        """Writes the index as it is now into an existing empty folder."""
        link_files(self._folder, folder)
        self._postings.save_changed(folder)

    @property
    def document_count(self) -> int:
        """Documents visible to searches, without replaced ones."""
        return int(self._queries.searcher.num_docs)

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
                    self._stage(self._writer, document)
            yield self._commit
        except BaseException:
            # Dropping the writer discards staged documents; a new one starts at the last commit.
            self._writer = None
            raise

    def _stage(self, writer: tantivy.IndexWriter, document: Document) -> None:
        # Of a new row there is nothing to delete, and each deletion looks into every segment.
        if document.row < self._row_end:
            # By a query: a plain term would be taken for a signed integer and match nothing.
            writer.delete_documents_by_query(
                tantivy.Query.term_query(self._schema, "row", document.row)
            )
        self._row_end = max(self._row_end, document.row + 1)
        writer.add_document(_tantivy_document(document))

    def refresh(self, documents: Sequence[Document]) -> None:
        """Makes committed documents visible to searches."""
        before = self._queries.searcher
        # ``advance`` below gives the change this number.
        number = self.versions.number + 1
        self._queries = StemQueries(self._schema, self._index.searcher(), self._known, number)
        after = self._queries.searcher
        count = len({document.row for document in documents})
        replaced_count = before.num_docs + count - after.num_docs
        self._postings.put(documents)
        # What stems a replaced document had is not known, and it counts until its segment is merged.
        is_merged = after.num_segments != before.num_segments + 1
        is_any = replaced_count > 0 or (self._has_replaced and is_merged)
        self._has_replaced |= replaced_count > 0
        stems = set().union(*map(stems_of, documents))
        self.versions.advance(None if is_any else stems)

    def _commit(self) -> None:
        assert self._writer is not None
        with _disk_errors():
            self._writer.commit()
            self._index.reload()

    def forget(self) -> None:
        """Drops the queries that are kept."""
        self._known.clear()

    def frequency(self, stem: str) -> int:
        """Document frequency of a stem in the field where it is most frequent.

        Replaced documents count until tantivy merges their segment.
        """
        return max(self.frequencies(stem).values())

    def frequencies(self, stem: str) -> Mapping[str, int]:
        """Document frequencies of a stem by field, replaced documents included as above."""
        return self._queries.frequencies(stem)

    def has_any_code(self, codes: Iterable[str]) -> bool:
        """Whether a document has any of some product codes; replaced ones count as above."""
        return bool(self._queries.codes(dict.fromkeys(codes, 1.0)))

    def count(self, stem: str) -> int:
        """Documents that have a stem in any field, without replaced ones."""
        return len(self._postings.of(stem))

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
        queries = self._queries
        parts = [*queries.any_of(stem_weights), *queries.codes(code_scores)]
        for stems, weight in groups.items():
            parts += queries.together(stems, weight)
        parts += queries.spelt(spellings)
        if required:
            with_all = queries.all_of(required)
            if with_all is None:
                return np.zeros(0, np.int64), np.zeros(0, np.float32)
            parts.append((tantivy.Occur.Must, tantivy.Query.const_score_query(with_all, 0.0)))
        if among is not None:
            own = tantivy.Query.term_set_query(self._schema, "row", among.tolist())
            parts = [
                (tantivy.Occur.Must, tantivy.Query.boolean_query(parts)),
                (tantivy.Occur.Must, tantivy.Query.const_score_query(own, 0.0)),
            ]
        rows, scores = _hits(queries.searcher, tantivy.Query.boolean_query(parts), count)
        order = falling_order(scores, rows)
        return rows[order], scores[order]

    def rows_with_any(self, stems: Iterable[str]) -> np.ndarray:
        """Rows of all documents that have any of some stems, ``[n] int64``, ascending."""
        return self._postings.with_all([tuple((stem,) for stem in stems)])

    def rows_with_all(
        self, requirements: Sequence[Alternatives], codes: Iterable[str] = ()
    ) -> np.ndarray:
        """Rows of all documents that have one complete alternative of each requirement.

        Args:
            codes: Product codes; a document that has one needs no stems.

        Returns:
            ``[n] int64``, ascending; none where nothing is required.
        """
        rows = self._postings.with_all(requirements)
        of_codes = self._queries.codes(dict.fromkeys(codes, 1.0))
        if of_codes:
            searcher = self._queries.searcher
            found = _rows(searcher, tantivy.Query.boolean_query(of_codes))
            rows = np.union1d(rows, found)
        return rows

    def best_with_all(self, requirements: Sequence[Alternatives], count: int) -> np.ndarray:
        """The same rows of the ``count`` best BM25 scores, best first, ``[≤ count] int64``."""
        query = self._queries.all_of(requirements)
        if query is None or count == 0:
            return np.zeros(0, np.int64)
        return _hits(self._queries.searcher, query, count)[0]


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
            [*document.spellings.values(), *(RESPELT + stem for stem in document.spellings)]
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
    scores, addresses = zip(*hits, strict=True)
    rows = searcher.fast_field_values("row", list(addresses))
    return np.array(rows, np.int64), np.array(scores, np.float32)


def _rows(searcher: tantivy.Searcher, query: tantivy.Query) -> np.ndarray:
    """All rows, in no order; no score is computed."""
    # Room for as many hits as are asked for is taken before a search, and mostly there are few.
    count = _MOSTLY_ENOUGH
    while True:
        # Ordered by row, a hit's value is the row itself.
        hits = searcher.search(query, limit=count, count=False, order_by_field="row").hits
        if len(hits) < count or count >= searcher.num_docs:
            return np.array([row for row, _ in hits], np.int64)
        count = searcher.num_docs
