"""The catalogue: items as columns by row number, for filters, features and answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from data.records import Item
from towers.catalog.attributes import Attributes
from towers.catalog.dictionary import Dictionary
from towers.catalog.facts import Facts, PriceChange, completeness
from towers.catalog.filters import Filter
from towers.catalog.item_tokens import price_step, token_numbers
from towers.catalog.name_tokens import NameTokens
from towers.catalog.text_keys import UNKNOWN, text_key
from towers.catalog.title_columns import TITLE_SLOT_COUNT, slots, title_columns
from towers.config import TextConfig
from towers.paced import Paced, no_pause

_PATH_SEPARATOR = "\x1f"
"""Separates the levels of a category; names have no control characters."""

_MASK_BYTES = 64_000_000
"""Size limit of the cached masks of filters."""


_NO_FILTER = Filter()


class Catalog:
    """Items as columns. Rows are added and changed in place, never removed or reused.

    A removed item keeps its row with ``listed`` false. Columns have spare capacity; the first
    ``count`` rows are items. One writer at a time; readers need no lock, since a row is
    written before ``count`` passes it.

    Args:
        text: How item text becomes tokens.

    Attributes:
        leaf, top: ``[rows] int32`` codes of the narrowest and the broadest category.
        brand: ``[rows] int32`` code of the brand.
        price: ``[rows] float32``, NaN where unknown.
        created: ``[rows] float64`` seconds since 1970, NaN where unknown.
        in_stock, listed: ``[rows] bool``.
        completeness: ``[rows] float32`` share of an item's optional fields that it has.
        tokens: ``[rows, item_slot_count] int32``.
        title_tokens: ``[rows, TITLE_SLOT_COUNT] int32`` words of the title, in order.
        title_heads: ``[rows, TITLE_SLOT_COUNT] bool``, true where a word is a noun that the item is.
        leaf_tokens, path_tokens, brand_tokens: Words of the names of ``leaf`` (its last level, and all
            levels) and ``brand``.
        text_keys: ``[rows] uint64`` hashes of the items' texts, as ``text_key`` gives them.
        versions: ``[rows] uint32``, one more after every change of an item.
        attributes: Values by attribute.
    """

    _COLUMNS = (
        *("leaf", "top", "brand", "price", "created", "in_stock", "listed", "completeness"),
        *("tokens", "title_tokens", "title_heads", "text_keys"),
    )
    # All but those of codes, which are others in every catalogue.
    _COPIED = tuple(name for name in _COLUMNS if name not in ("leaf", "top", "brand"))

    def __init__(self, text: TextConfig) -> None:
        self.text = text
        self.item_ids: list[str] = []
        self.titles: list[str] = []
        self.row_of: dict[str, int] = {}
        self.category_codes = Dictionary()
        self.top_codes = Dictionary()
        self.brand_codes = Dictionary()
        self.leaf = np.zeros(0, np.int32)
        self.top = np.zeros(0, np.int32)
        self.brand = np.zeros(0, np.int32)
        self.price = np.zeros(0, np.float32)
        self.created = np.zeros(0, np.float64)
        self.in_stock = np.zeros(0, bool)
        self.listed = np.zeros(0, bool)
        self.completeness = np.zeros(0, np.float32)
        self.tokens = np.zeros((0, text.item_slot_count), np.int32)
        self.title_tokens = np.zeros((0, TITLE_SLOT_COUNT), np.int32)
        self.title_heads = np.zeros((0, TITLE_SLOT_COUNT), bool)
        self.text_keys = np.zeros(0, np.uint64)
        self.versions = np.zeros(0, np.uint32)
        self._name_categories()
        self.attributes = Attributes()
        self._change_count = 0
        self._masks: dict[Filter, tuple[int, np.ndarray]] = {}

    @classmethod
    def of(
        cls, items: Iterable[Item], text: TextConfig, give_way: Callable[[], object] = no_pause
    ) -> Catalog:
        """The catalogue of ``items``, in their order; of items with the same id the last one wins.

        Args:
            give_way: Called between one item and the next while their texts are read; it may wait.
        """
        newest = list({item.item_id: item for item in items}.values())
        paced = Paced(newest, give_way)
        catalog = cls(text)
        catalog.item_ids = [item.item_id for item in newest]
        catalog.titles = [item.title for item in newest]
        catalog.row_of = {item_id: row for row, item_id in enumerate(catalog.item_ids)}
        # Column by column, much faster than row-wise writes into arrays.
        paths = [item.category for item in newest]
        catalog.leaf = catalog.category_codes.add_all(map(_PATH_SEPARATOR.join, paths))
        catalog.top = catalog.top_codes.add_all(path[0] if path else "" for path in paths)
        catalog.brand = catalog.brand_codes.add_all(item.brand for item in newest)
        catalog.price, catalog.created, catalog.in_stock = Facts.of(newest)
        catalog.listed = np.ones(len(newest), bool)
        catalog.completeness = np.array([completeness(item) for item in newest], np.float32)
        catalog.tokens = slots([token_numbers(item, text) for item in paced], text.item_slot_count)
        catalog.title_tokens, catalog.title_heads = title_columns(
            Paced(catalog.titles, give_way), [item.brand for item in newest], text.bucket_count
        )
        catalog.attributes = Attributes.of(paced)
        catalog.text_keys = np.array([text_key(item) for item in paced], np.uint64)
        catalog.versions = np.zeros(len(newest), np.uint32)
        return catalog

    @property
    def count(self) -> int:
        """Number of rows in use."""
        return len(self.item_ids)

    @property
    def change_count(self) -> int:
        """Changes of items so far: what was computed of the columns at one count holds while it lasts."""
        return self._change_count

    @property
    def listed_count(self) -> int:
        """Items that answers may show."""
        return int(np.count_nonzero(self.listed[: self.count]))

    def upsert(self, item: Item, read: Catalog | None = None) -> tuple[int, bool]:
        """Adds or changes an item.

        Args:
            read: A catalogue of the same settings that has the item in this state, to copy its columns.

        Returns:
            Its row, and whether its input of the candidate tower is new or changed.
        """
        read = Catalog.of([item], self.text) if read is None else read
        at = read.row_of[item.item_id]
        row = self.row_of.get(item.item_id, self.count)
        is_new = row == self.count
        if row >= len(self.leaf):
            self._grow()
        changed = is_new or not np.array_equal(self.tokens[row], read.tokens[at])
        self.leaf[row] = self.category_codes.add(_PATH_SEPARATOR.join(item.category))
        self.top[row] = self.top_codes.add(item.category[0] if item.category else "")
        self.brand[row] = self.brand_codes.add(item.brand)
        self.attributes.put(row, item)
        for name in self._COPIED:
            getattr(self, name)[row] = getattr(read, name)[at]
        if is_new:
            self.titles.append(item.title)
            self.row_of[item.item_id] = row
            self.item_ids.append(item.item_id)
        else:
            self.titles[row] = item.title
        # Last, so that nothing computed before the change is kept as current.
        self.versions[row] += 1
        self._change_count += 1
        return row, changed

    def price_change(self, row: int, item: Item) -> PriceChange:
        """What of a row has to change for a new state of its item."""
        if not self.listed[row] or self.text_keys[row] != text_key(item):
            return PriceChange.MORE
        is_same_step = price_step(float(self.price[row])) == price_step(item.price)
        return PriceChange.SAME_STEP if is_same_step else PriceChange.OTHER_STEP

    def update_facts(self, rows: np.ndarray, facts: Facts) -> None:
        """Sets price, time and stock of the items at ``rows [n] int64``."""
        self.price[rows], self.created[rows], self.in_stock[rows] = facts
        # Last, as in ``upsert``.
        self.versions[rows] += 1
        self._change_count += 1

    def remove(self, item_id: str) -> int | None:
        """Unlists an item; its row, or None if it was not listed."""
        row = self.row_of.get(item_id)
        if row is None or not self.listed[row]:
            return None
        self.listed[row] = False
        self._change_count += 1
        return row

    def rows(self, item_ids: Sequence[str]) -> np.ndarray:
        """Rows of ``item_ids``, ``[n] int64``; −1 where an item is not known."""
        row_of = self.row_of
        return np.array([row_of.get(item_id, -1) for item_id in item_ids], np.int64)

    def category(self, row: int) -> tuple[str, ...]:
        """Category path of a row."""
        return self.category_path(int(self.leaf[row]))

    def category_path(self, code: int) -> tuple[str, ...]:
        """The path of a category by its code in ``leaf``."""
        return _path_of(self.category_codes.names[code])

    def brand_name(self, row: int) -> str:
        """Brand of a row; empty where it has none."""
        return self.brand_codes.names[self.brand[row]]

    def mask(self, conditions: Filter) -> np.ndarray | None:
        """``[count] bool``, true where an item meets the conditions; None for an empty filter.

        Read-only: it is cached until the catalogue changes.
        """
        if conditions == _NO_FILTER:
            return None
        change_count = self._change_count
        known = self._masks.get(conditions)
        if known is not None and known[0] == change_count:
            return known[1]
        mask = self._mask(conditions)
        mask.flags.writeable = False
        if len(self._masks) * max(1, len(mask)) >= _MASK_BYTES:
            self._masks.clear()
        self._masks[conditions] = (change_count, mask)
        return mask

    def _mask(self, conditions: Filter) -> np.ndarray:
        count = self.count
        mask = self.listed[:count].copy()
        if conditions.category:
            path = _PATH_SEPARATOR.join(conditions.category)
            below = path + _PATH_SEPARATOR
            # Codes before names, so that a concurrent writer cannot add a code beyond them.
            leaf = self.leaf[:count].copy()
            names = self.category_codes.names
            mask &= np.array([n == path or n.startswith(below) for n in names], bool)[leaf]
        if conditions.brands:
            codes = self.brand[:count].copy()
            fits = np.zeros(len(self.brand_codes.names), bool)
            brand_codes = [self.brand_codes.get(brand) for brand in conditions.brands]
            fits[[code for code in brand_codes if 0 <= code < len(fits)]] = True
            mask &= fits[codes]
        if conditions.min_price is not None:
            mask &= self.price[:count] >= conditions.min_price
        if conditions.max_price is not None:
            mask &= self.price[:count] <= conditions.max_price
        if conditions.in_stock_only:
            mask &= self.in_stock[:count]
        for condition in conditions.attributes:
            rows = self.attributes.matching(condition)
            fits_all = np.zeros(count, bool)
            fits_all[rows[rows < count]] = True
            mask &= fits_all
        return mask

    def save(self, folder: Path) -> None:
        """Writes the columns as ``.npy`` and the names as JSON into an existing folder."""
        for name in self._COLUMNS:
            np.save(folder / f"{name}.npy", getattr(self, name)[: self.count])
        names = {
            "item_ids": self.item_ids,
            "titles": self.titles,
            "categories": self.category_codes.names,
            "tops": self.top_codes.names,
            "brands": self.brand_codes.names,
        }
        self.attributes.save(folder)
        text = json.dumps(names, ensure_ascii=False)
        (folder / "names.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, text: TextConfig) -> Catalog:
        """The catalogue that ``save`` wrote."""
        catalog = cls(text)
        for name in cls._COLUMNS:
            if (folder / f"{name}.npy").exists() or name != "text_keys":
                setattr(catalog, name, np.load(folder / f"{name}.npy", allow_pickle=False))
        names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        catalog.item_ids = names["item_ids"]
        catalog.titles = names["titles"]
        if len(catalog.text_keys) < len(catalog.item_ids):
            # Of a bundle made before they were: the first change of each item counts as one of words.
            catalog.text_keys = np.full(len(catalog.item_ids), UNKNOWN, np.uint64)
        catalog.row_of = dict(zip(catalog.item_ids, range(len(catalog.item_ids)), strict=True))
        catalog.versions = np.zeros(len(catalog.item_ids), np.uint32)
        catalog.category_codes = Dictionary(names["categories"])
        catalog.top_codes = Dictionary(names["tops"])
        catalog.brand_codes = Dictionary(names["brands"])
        catalog._name_categories()
        catalog.attributes = Attributes.load(folder)
        return catalog

    def _name_categories(self) -> None:
        buckets = self.text.bucket_count
        self.leaf_tokens = NameTokens(
            self.category_codes, buckets, lambda name: _path_of(name)[-1:]
        )
        self.path_tokens = NameTokens(self.category_codes, buckets, _path_of)
        self.brand_tokens = NameTokens(self.brand_codes, buckets, lambda name: (name,))

    def _grow(self) -> None:
        extra = max(1_024, len(self.leaf) // 4)
        for name in (*self._COLUMNS, "versions"):
            old = getattr(self, name)
            room = np.zeros((extra, *old.shape[1:]), old.dtype)
            setattr(self, name, np.concatenate([old, room]))


@lru_cache(maxsize=100_000)
def _path_of(name: str) -> tuple[str, ...]:
    return tuple(name.split(_PATH_SEPARATOR)) if name else ()
