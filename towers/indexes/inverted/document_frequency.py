"""Document frequencies of stems: tantivy's own also count documents that were replaced."""

from __future__ import annotations

import math

from towers.indexes.inverted.stem_versions import StemCache
from towers.indexes.inverted.tantivy_index import TantivyIndex

_COUNTED_LIMIT = 100_000


class DocumentFrequency:
    """Number of items by stem.

    Tantivy counts a replaced document until its segment is merged. Where that may matter, matching
    documents are counted by a search instead.

    Args:
        index: The index of the documents.
    """

    def __init__(self, index: TantivyIndex) -> None:
        self._index = index
        self._counted: StemCache[tuple[str, int], int] = StemCache(index.versions, _COUNTED_LIMIT)
        self.forget_total()

    def forget(self) -> None:
        """Drops what visitors typed."""
        self._counted.clear()
        self.forget_total()

    def forget_total(self) -> None:
        """Drops what depends on the number of all items."""
        # A new dict, since a thread still on the old index may be filling the old one.
        self._rarities: dict[str, float] = {}

    def of(self, stem: str, enough: int) -> int:
        """Items that have a stem in any field: exact below ``enough``, else a number of at least that."""
        return self._counted.of((stem, enough), stem, lambda: self._count(stem, enough))

    def rarity(self, stem: str) -> float:
        """Inverse document frequency in the field where the stem is most frequent; 0 if no item has it.

        Approximate: replaced items may be counted, up to the number of items.
        """
        known = self._rarities
        rarity = known.get(stem)
        if rarity is None:
            rarity = self._rarity(stem)
            if len(known) < _COUNTED_LIMIT:
                known[stem] = rarity
        return rarity

    def _rarity(self, stem: str) -> float:
        if not self.of(stem, 1):
            return 0.0
        total = self._index.document_count
        count = min(self._index.frequency(stem), total)
        return math.log((total + 1.0) / count) if count else 0.0

    def _count(self, stem: str, enough: int) -> int:
        upper_bound = self._index.frequency(stem)
        if not 0 < upper_bound < enough + self._index.replaced_count:
            return upper_bound
        return self._index.count(stem, enough)
