"""How many items have a stem now, of which tantivy alone also counts those that were replaced."""

from __future__ import annotations

import math

from towers.indexes.tantivy_index import TantivyIndex

_COUNTED_LIMIT = 100_000


class DocumentFrequency:
    """Items by stem.

    A document that is replaced is marked so, and counted for its words until tantivy merges the
    segment that it is in. Where that may matter, documents are looked up instead.

    Args:
        index: Where they are counted.

    Attributes:
        replaced_count: How many documents may be counted still, though others took their place.
    """

    def __init__(self, index: TantivyIndex) -> None:
        self.replaced_count = 0
        self._index = index
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

    def rarity(self, stem: str) -> float:
        """Inverse document frequency by the field that has the stem most often; 0 if none has it.

        Not exact: replaced items may be counted, yet never more than there are items.
        """
        if not self.of(stem, 1):
            return 0.0
        total = self._index.document_count
        count = min(self._index.frequency(stem), total)
        return math.log((total + 1.0) / count) if count else 0.0

    def _count(self, stem: str, enough: int) -> int:
        most = self._index.frequency(stem)
        if not 0 < most < enough + self.replaced_count:
            return most
        return self._index.count(stem, enough)
