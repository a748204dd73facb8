"""Title precision: the share of the first results that hold a query's words, or are what it names."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np

from towers.catalog.items import Catalog
from towers.datasets.head_queries import HeadQuery
from towers.text.title_heads import head_keys
from towers.text.words import is_chinese_run, stem, surface_words
from towers.text.writing.folding import normalise

CUT = 10
_BRAND_KINDS = ("brand", "brand_type")


class WordHolders:
    """The items that hold a word in their title or category, by stem.

    Neighbours count as the compound that other titles write as one word: ``head phones`` holds
    ``headphones``. A Chinese word is held by any name that contains it.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._rows_of_head: dict[str, list[int]] | None = None
        self._listed = catalog.listed[: catalog.count].copy()
        self._names = [
            normalise(" ".join((catalog.titles[row], *catalog.category(row))))
            for row in range(catalog.count)
        ]
        self._brands = [normalise(catalog.brand_name(row)) for row in range(catalog.count)]
        self._rows = _rows_by_stem(self._names)
        self._rows_of_brand = _rows_by_stem(self._brands)

    def mask(self, query: HeadQuery) -> np.ndarray:
        """``[items] bool``, true for listed items that hold every word of a query.

        For a query with a brand, words in the item's brand count as well.
        """
        held = self._listed.copy()
        for one in query.stems:
            holders = self._holding(one, self._names, self._rows)
            if query.kind in _BRAND_KINDS:
                holders |= self._holding(one, self._brands, self._rows_of_brand)
            held &= holders
        return held

    def head_mask(self, query: HeadQuery) -> np.ndarray:
        """``[items] bool``, true for listed items that are what a query of one noun names.

        Its noun is a head noun of their title or of their narrowest category: a camera, not a case
        for cameras. All false for a query of several words.
        """
        mask = np.zeros(len(self._names), bool)
        if len(query.stems) == 1:
            if self._rows_of_head is None:
                self._rows_of_head = _rows_by_head(self._catalog, len(self._names))
            mask[self._rows_of_head.get(query.stems[0], [])] = True
        return mask & self._listed

    def _holding(self, word: str, names: list[str], rows: dict[str, list[int]]) -> np.ndarray:
        if is_chinese_run(word):
            return np.fromiter((word in name for name in names), bool, len(names))
        mask = np.zeros(len(names), bool)
        mask[rows.get(word, [])] = True
        return mask


def title_precision(rows: np.ndarray, holders: np.ndarray, cut: int = CUT) -> float:
    """Holders among the first ``cut`` results, divided by what the catalogue could give.

    Args:
        rows: ``[n] int64`` item rows, best first.
        holders: ``[items] bool``, of ``WordHolders.mask``.

    Raises:
        ValueError: No item is a holder.
    """
    possible = min(cut, int(np.count_nonzero(holders)))
    if not possible:
        raise ValueError("holders: expected one item or more, received none")
    return int(np.count_nonzero(holders[rows[:cut]])) / possible


def _rows_by_head(catalog: Catalog, count: int) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    of_category = [head_keys((path or ("",))[-1], "") for path in _paths(catalog)]
    for row in range(count):
        keys = head_keys(catalog.titles[row], catalog.brand_name(row))
        for key in keys | of_category[catalog.leaf[row]]:
            rows[key].append(row)
    return dict(rows)


def _paths(catalog: Catalog) -> list[tuple[str, ...]]:
    return [catalog.category_path(code) for code in range(len(catalog.category_codes.names))]


def _rows_by_stem(texts: list[str]) -> dict[str, list[int]]:
    word_lists = [surface_words(text) for text in texts]
    known = {word for found in word_lists for word in found}
    rows: dict[str, list[int]] = defaultdict(list)
    for row, found in enumerate(word_lists):
        joined = (first + second for first, second in pairwise(found))
        for one in {stem(word) for word in (*found, *(word for word in joined if word in known))}:
            rows[one].append(row)
    return dict(rows)
