"""Which two items may be variants of each other.

Their brand, category and what their titles say of the product are the same, in the same order; their
vectors are near; no attribute that shops sort products by says otherwise; and codes in their titles are
the same, or differ at the end alone where the items differ in a size or colour too.

A title that says no more than its category and brand, "Kids cereal 13 OZ", names no product. Such items
are variants by size only if no size comes twice among them, which shows that titles tell their products
apart; else those alone are duplicates that agree in size and price, and are nearly the same in their
vectors.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from data.records import Item
from towers.catalog.attributes import as_number
from towers.catalog.catalog_names import name_group
from towers.catalog.items import Catalog
from towers.text.words import stem, surface_words
from towers.variants.title_parts import TitleParts, title_parts

NO_KEY = 0
"""Key of an item that has no variants: its title says nothing of a product."""

NEAR = np.float32(0.85)
"""Least cosine of the vectors of variants; nine in ten pairs of the same words are nearer in a hardware
shop, where of any two items one in a hundred has more than 0.25."""
ALIKE = np.float32(0.9)
"""Least cosine of items whose titles do not differ in a size or colour."""
SAME = np.float32(0.95)
"""Least cosine of duplicates whose titles name no product."""

_LEAST_CORE = 2
"""Least words of a title that names a product where the item has neither brand nor category."""
_SHARED_VALUES = 2
"""Items a value of an attribute has on average, at least, where shops sort products by it."""
_COLUMN_LIMIT = 16
"""Attributes compared at most: those that most items have."""
_NAMELESS = ("item items product products article articles miscellaneous misc other assorted",)
"""Words that name no product in any category."""
_COUNTS = re.compile(r"stock|inventory|quantity|rating|review|sold|库存|销量|评")
"""Names of attributes that count what changes by the hour, of every variant for itself."""


class ItemParts(NamedTuple):
    """What the rules read of one item.

    Args:
        key: Equal for items that may be variants by their words, brand and category.
        title: The title taken apart.
        is_generic: Whether the title names no product.
    """

    key: int
    title: TitleParts
    is_generic: bool


@dataclass(frozen=True)
class LinkRules:
    """The rules over the items of one catalogue.

    Args:
        catalog: The items.
        learnt: Words that the catalogue uses as colours.
        varying: Names of attributes whose values vary between variants: colours and sizes.
        sorting: Names of attributes that shops sort products by.
    """

    catalog: Catalog
    learnt: frozenset[str] = frozenset()
    varying: tuple[str, ...] = ()
    sorting: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, catalog: Catalog, learnt: frozenset[str]) -> LinkRules:
        """The rules, with the attributes of the catalogue told apart."""
        names = catalog.attributes.names.names
        varying = tuple(name for name in names if name_group(name) is not None)
        sorting = [name for name in names if name not in varying and _sorts(catalog, name)]
        sorting.sort(key=lambda name: -len(catalog.attributes.column(name)[0]))
        return cls(catalog, learnt, varying, tuple(sorting[:_COLUMN_LIMIT]))

    def own_words(self) -> dict[int, frozenset[str]]:
        """Words of the values of colours and sizes by row; only rows with any."""
        found: dict[int, frozenset[str]] = {}
        for name in self.varying:
            rows, codes = self.catalog.attributes.column(name)
            words = [
                frozenset(surface_words(value)) for value in self.catalog.attributes.values(name)
            ]
            for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
                # Most rows have one such value, and share its words.
                before = found.get(row)
                found[row] = words[code] if before is None else before | words[code]
        return found

    def parts(self, row: int, own: frozenset[str] = frozenset()) -> ItemParts:
        """What the rules read of the item at a row; ``own`` as by ``own_words``."""
        catalog = self.catalog
        brand, leaf = catalog.brand_name(row), catalog.category(row)
        return _parts(catalog.titles[row], brand, leaf, own, self.learnt)

    def parts_of(self, item: Item) -> ItemParts:
        """The same of an item that need not be in the catalogue."""
        own = self.own_words_of(item)
        return _parts(item.title, item.brand, item.category, own, self.learnt)

    def own_words_of(self, item: Item) -> frozenset[str]:
        """Words of an item's values of colours and sizes."""
        values = (item.attributes.get(name, "") for name in self.varying)
        return frozenset(word for value in values for word in surface_words(value))

    def linked(
        self, rows: np.ndarray, parts: list[ItemParts], vectors: np.ndarray, columns: np.ndarray
    ) -> np.ndarray:
        """Which items of one key may be variants of each other, ``[n, n] bool``, symmetric.

        Args:
            rows: ``[n] int64`` of the items.
            parts: Of each.
            vectors: ``[n, dim] float32`` unit rows.
            columns: ``[attributes, n] int32`` as by ``columns``.
        """
        cosines = vectors @ vectors.T
        may_be = (cosines >= NEAR) & self.agreeing(columns)
        variants = _numbered([one.title.varying for one in parts])
        differs = variants[:, None] != variants
        product_codes = _numbered([one.title.codes for one in parts])
        may_be &= differs | ((product_codes[:, None] == product_codes) & (cosines >= ALIKE))
        if parts[0].is_generic:
            if len(np.unique(variants)) < len(variants):
                may_be &= ~differs & (cosines >= SAME)
            has_size = np.array([bool(one.title.varying) for one in parts])
            price = self.catalog.price[rows]
            may_be &= has_size[:, None] & has_size & (differs | (price[:, None] == price))
        np.fill_diagonal(may_be, True)
        return np.asarray(may_be)

    def agreeing(self, columns: np.ndarray) -> np.ndarray:
        """Which items no attribute tells apart, ``[n, n] bool``; ``columns`` as in ``linked``."""
        found = np.ones((columns.shape[1],) * 2, bool)
        for codes in columns:
            has = codes >= 0
            found &= (codes[:, None] == codes) | ~has[:, None] | ~has
        return found

    def columns(self) -> np.ndarray:
        """Codes of the values of ``sorting``, ``[attributes, count] int32``; −1: none."""
        found = np.full((len(self.sorting), self.catalog.count), -1, np.int32)
        for codes, name in zip(found, self.sorting, strict=True):
            rows, values = self.catalog.attributes.column(name)
            codes[rows] = values
        return found


def _parts(
    title: str,
    brand: str,
    category: tuple[str, ...],
    own: frozenset[str],
    learnt: frozenset[str],
) -> ItemParts:
    found = title_parts(title, brand=brand, own=own, learnt=learnt)
    of_kind = frozenset[str]().union(*map(_stems, (*category, brand, *_NAMELESS)))
    is_generic = bool(category) and of_kind.issuperset(found.core)
    is_enough = bool(brand or category) or len(found.core) >= _LEAST_CORE
    if not found.is_named or not is_enough:
        return ItemParts(NO_KEY, found, is_generic)
    # Without blanks: "T shirt" and "T-shirt" and "Tshirt" are one.
    text = "\x1f".join((brand, "\x1e".join(category), "".join(found.core)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return ItemParts(max(1, int.from_bytes(digest, "little")), found, is_generic)


@lru_cache(maxsize=100_000)
def _stems(name: str) -> frozenset[str]:
    return frozenset(map(stem, surface_words(name)))


def _sorts(catalog: Catalog, name: str) -> bool:
    """Whether the values of an attribute are words that several items share."""
    rows, codes = catalog.attributes.column(name)
    values = catalog.attributes.values(name)
    used = np.unique(codes)
    if _COUNTS.search(name.lower()):
        return False
    if len(used) * _SHARED_VALUES > len(rows):
        return False
    # What holds a quantity varies as sizes do; numbers are codes where they are whole and shared.
    of_words = sum(not any(map(str.isdigit, values[code])) for code in used.tolist())
    whole = sum(as_number(values[code]) % 1 == 0 for code in used.tolist())
    return max(of_words, whole) * 2 >= len(used)


def _numbered(values: list[tuple[str, ...]]) -> np.ndarray:
    """Equal numbers for equal values, ``[n] int64``."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
