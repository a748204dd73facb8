"""Document frequencies of stems."""

from __future__ import annotations

import math

from towers.indexes.inverted.stem_versions import StemCache
from towers.indexes.inverted.tantivy_index import TantivyIndex

_KEPT_LIMIT = 100_000


class DocumentFrequency:
    """Number of items by stem.

    Args:
        index: The index of the documents.
    """

    def __init__(self, index: TantivyIndex) -> None:
        self._index = index
        # Of a frequent stem some of whose items were replaced, the whole list is read to count it.
        self._counted: StemCache[str, int] = StemCache(index.versions, _KEPT_LIMIT)
        self.forget_total()

    def forget(self) -> None:
        """Drops what visitors typed."""
        self._counted.clear()
        self.forget_total()

    def forget_total(self) -> None:
        """Drops what depends on the number of all items."""
        # A new dict, since a thread still on the old index may be filling the old one.
        self._rarities: dict[str, float] = {}

    def of(self, stem: str) -> int:
        """Items that have a stem in any field."""
        return self._counted.of(stem, stem, lambda: self._index.count(stem))

    def rarity(self, stem: str) -> float:
        """Inverse document frequency in the field where the stem is most frequent; 0 if no item has it.

        Approximate: tantivy counts a replaced item until its segment is merged; here up to the number
        of items.
        """
        known = self._rarities
        rarity = known.get(stem)
        if rarity is None:
            rarity = self._rarity(stem)
            if len(known) < _KEPT_LIMIT:
                known[stem] = rarity
        return rarity

    def _rarity(self, stem: str) -> float:
        if not self.of(stem):
            return 0.0
        total = self._index.document_count
        count = min(self._index.frequency(stem), total)
        return math.log((total + 1.0) / count) if count else 0.0
