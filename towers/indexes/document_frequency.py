"""How many items have a stem now, of which tantivy alone also counts those that were replaced."""

from __future__ import annotations

from collections.abc import Sequence

import tantivy

_COUNTED_LIMIT = 100_000


class DocumentFrequency:
    """Items by stem.

    A document that is replaced is marked so, and counted for its words until tantivy merges the
    segment that it is in. Where that may matter, documents are looked up instead.

    Args:
        index: Where they are counted.
        fields: Where a stem may stand.

    Attributes:
        replaced_count: How many documents may be counted still, though others took their place.
    """

    def __init__(self, index: tantivy.Index, fields: Sequence[str]) -> None:
        self.replaced_count = 0
        self._index = index
        self._fields = fields
        self.forget()

    def forget(self) -> None:
        """Counts anew from here on, since the index has changed, or for whoever typed the words."""
        # A new one, since a thread that still reads the index as it was keeps what it counts.
        self._counted: dict[tuple[str, int], int] = {}

    def of(self, stem: str, enough: int) -> int:
        """Items that have a stem now in any field, exact below ``enough``; else no less than that."""
        counted, key = self._counted, (stem, enough)
        count = counted.get(key)
        if count is None:
            count = self._count(stem, enough)
            if len(counted) < _COUNTED_LIMIT:
                counted[key] = count
        return count

    def _count(self, stem: str, enough: int) -> int:
        searcher = self._index.searcher()
        most = self._in_one_field(stem, searcher)
        if not 0 < most < enough + self.replaced_count:
            return most
        in_field = [
            (
                tantivy.Occur.Should,
                tantivy.Query.term_query(self._index.schema, field, stem, index_option="freq"),
            )
            for field in self._fields
            if searcher.doc_freq(field, stem)
        ]
        query = tantivy.Query.boolean_query(in_field)
        return len(searcher.search(query, limit=enough, count=False).hits)

    def in_one_field(self, stem: str) -> int:
        """Items that have a stem in the field that has it most often; 0 if none has it now.

        Not exact: replaced items may be among them, yet never more than there are items.
        """
        if not self.of(stem, 1):
            return 0
        searcher = self._index.searcher()
        return min(self._in_one_field(stem, searcher), searcher.num_docs)

    def _in_one_field(self, stem: str, searcher: tantivy.Searcher) -> int:
        return max(searcher.doc_freq(field, stem) for field in self._fields)
