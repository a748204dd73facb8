"""How often the items with a word are named by it, or are of a brand of this name."""

from __future__ import annotations

from collections.abc import Mapping

from towers.indexes.inverted.stem_versions import StemCache
from towers.indexes.inverted.tantivy_index import TantivyIndex
from towers.text.head_noun import WordShares

_LIMIT = 100_000


class NamingShares:
    """Shares by stem, kept while the items with the stem stay the same.

    Args:
        index: The index of the items.
        head_counts: Items by head noun of the title, as a stem.
    """

    def __init__(self, index: TantivyIndex, head_counts: Mapping[str, int]) -> None:
        self._index = index
        self._head_counts = head_counts
        self._kept: StemCache[str, WordShares] = StemCache(index.versions, _LIMIT)

    def of(self, stem: str) -> WordShares:
        """The shares of a stem."""
        return self._kept.of(stem, stem, lambda: self._computed(stem))

    def forget(self) -> None:
        """Drops what visitors typed."""
        self._kept.clear()

    def _computed(self, stem: str) -> WordShares:
        by_field = self._index.frequencies(stem)
        total = max(1, *by_field.values())
        named = self._head_counts.get(stem, 0) + by_field["category"]
        return WordShares(min(1.0, named / total), by_field["brand"] / total)
