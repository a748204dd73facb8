"""The group of each item: learnt when a bundle is made, or the values of an attribute of the shop.

A new item joins a group while serving by the same rules, among the items of its key; a change of words
takes an item out of its group and places it anew. Groups are never joined, so that a row keeps its
group's number.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import ConfigError
from data.records import Item
from towers.catalog.items import Catalog
from towers.config import VariantsConfig
from towers.modalities.item_vectors import ContentVectors
from towers.variants.colour_words import colour_words
from towers.variants.link_rules import NO_KEY, LinkRules
from towers.variants.look_alikes import joined, look_alikes
from towers.variants.variant_links import ALONE, item_keys, joined_group, linked_groups

_COMPARED = 32
"""Items of its key that a new item is compared with at most."""
_SEED = 7
_NAMED_COUNT = 20
"""Attributes named in an error at most."""


class VariantGroups:
    """The groups of a catalogue.

    One writer at a time; readers need no lock.

    Args:
        catalog: The items.
        groups: ``[count] int32`` from 0, or ``ALONE``.
        keys: ``[count] uint64``, as by ``item_keys``; empty for groups by an attribute.
        learnt: Words that the catalogue uses as colours.
        attribute: The attribute whose equal values make a group; empty for learnt groups.
        look_alike_count: Items that stand in their group since they look like another one of it.
    """

    def __init__(
        self,
        catalog: Catalog,
        groups: np.ndarray,
        keys: np.ndarray,
        learnt: frozenset[str] = frozenset(),
        attribute: str = "",
        look_alike_count: int = 0,
    ) -> None:
        self.attribute = attribute
        self.look_alike_count = look_alike_count
        self.learnt = learnt
        self._catalog = catalog
        self._groups = groups
        self._keys = keys
        self._base_count = len(keys)
        self._live_rows: dict[int, list[int]] = {}
        self._next = int(groups.max(initial=ALONE)) + 1

    @classmethod
    def of(
        cls,
        catalog: Catalog,
        embeddings: np.ndarray,
        config: VariantsConfig,
        pictures: ContentVectors | None = None,
    ) -> VariantGroups:
        """The groups of a catalogue, learnt unless the settings name an attribute.

        Args:
            embeddings: ``[count, dim] float32`` unit rows: words, pictures and sounds fused.
            pictures: Of the items that have one; None where none has.

        Raises:
            ConfigError: No item has the attribute.
        """
        nothing = np.zeros(0, np.uint64)
        if config.group_by:
            check_group_attribute(catalog, config)
            codes = attribute_codes(catalog, config.group_by)
            return cls(catalog, codes, nothing, attribute=config.group_by)
        learnt = colour_words(catalog)
        rules = LinkRules.of(catalog, learnt)
        keys = item_keys(rules)
        groups = linked_groups(rules, keys, embeddings)
        found = [] if pictures is None else look_alikes(rules, pictures, embeddings, seed=_SEED)
        count = sum(map(len, found))
        return cls(catalog, joined(groups, found), keys, learnt, look_alike_count=count)

    @property
    def codes(self) -> np.ndarray:
        """The group of each item as it is now, ``[count] int32``, or ``ALONE``; read-only."""
        if self.attribute:
            return attribute_codes(self._catalog, self.attribute)
        count, groups = self._catalog.count, self._groups
        if len(groups) < count:
            # A row is in the catalogue before its group is known.
            groups = np.concatenate([groups, np.full(count - len(groups), ALONE, np.int32)])
        return groups[:count]

    @property
    def counts(self) -> np.ndarray:
        """Items of each group of two items or more, listed ones alone, ``[groups] int64``."""
        codes = self.codes
        codes = codes[(codes != ALONE) & self._catalog.listed[: len(codes)]]
        counts = np.bincount(codes) if len(codes) else np.zeros(0, np.int64)
        return counts[counts > 1]

    def put(self, row: int, item: Item, embeddings: np.ndarray) -> None:
        """Places an item that is new or has other words.

        Args:
            row: Its row in the catalogue, which has it already.
            embeddings: ``[rows, dim] float32`` unit rows, its own among them.
        """
        if self.attribute:
            return
        self._make_room(row)
        parts = self._rules.parts_of(item)
        values, words = self._columns[:, row].copy(), self._own_words(row)
        self._put_values(row, item)
        is_same = np.array_equal(values, self._columns[:, row]) and words == self._own_words(row)
        if is_same and parts.key == int(self._keys[row]):
            return
        before, self._keys[row] = int(self._keys[row]), parts.key
        if before in self._live_rows and row in self._live_rows[before]:
            self._live_rows[before].remove(row)
        self._groups[row] = ALONE
        if parts.key == NO_KEY:
            return
        others = self._rows_of(parts.key, row)
        self._live_rows.setdefault(parts.key, []).append(row)
        if not len(others):
            return
        rows = np.concatenate([[row], others])
        read = [
            parts,
            *(self._rules.parts(other, self._own_words(other)) for other in others.tolist()),
        ]
        linked = self._rules.linked(rows, read, embeddings[rows], self._columns[:, rows])[0, 1:]
        group, partner = joined_group(others, linked, self._groups)
        if group == ALONE and partner >= 0:
            group, self._next = self._next, self._next + 1
            self._groups[partner] = group
        self._groups[row] = group

    def warm_up(self) -> None:
        """Reads what ``put`` compares with, so that the first change of an item does not wait for it."""
        if not self.attribute:
            _ = self._base_keys, self._columns, self._value_codes, self._own

    def save(self, folder: Path) -> None:
        """Writes plain arrays and JSON into an existing folder."""
        np.save(folder / "groups.npy", self._groups)
        np.save(folder / "keys.npy", self._keys)
        facts = {
            "attribute": self.attribute,
            "words": sorted(self.learnt),
            "look_alikes": self.look_alike_count,
        }
        text = json.dumps(facts, ensure_ascii=False)
        (folder / "variants.json").write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> VariantGroups:
        """What ``save`` wrote.

        Raises:
            ValueError: The arrays are not those of the catalogue.
        """
        facts: dict[str, Any] = json.loads((folder / "variants.json").read_text(encoding="utf-8"))
        groups = np.load(folder / "groups.npy", allow_pickle=False)
        keys = np.load(folder / "keys.npy", allow_pickle=False)
        attribute = str(facts["attribute"])
        for name, array, kind, count in (
            ("groups.npy", groups, np.int32, catalog.count),
            ("keys.npy", keys, np.uint64, 0 if attribute else catalog.count),
        ):
            if array.dtype != kind or array.shape != (count,):
                raise ValueError(
                    f"variants/{name}: expected {np.dtype(kind)} [{count}],"
                    f" received {array.dtype} {list(array.shape)}"
                )
        if len(groups) and not ALONE <= groups.min() <= groups.max() < len(groups):
            raise ValueError(
                f"variants/groups.npy: expected groups from {ALONE} to {len(groups) - 1}"
            )
        learnt = frozenset(map(str, facts["words"]))
        return cls(catalog, groups, keys, learnt, attribute, int(facts.get("look_alikes", 0)))

    @cached_property
    def _rules(self) -> LinkRules:
        return LinkRules.of(self._catalog, self.learnt)

    @cached_property
    def _order(self) -> np.ndarray:
        """Rows of the bundle in the order of their keys, as they were when it was loaded."""
        return np.argsort(self._keys[: self._base_count], kind="stable")

    @cached_property
    def _base_keys(self) -> np.ndarray:
        return self._keys[: self._base_count][self._order]

    @cached_property
    def _columns(self) -> np.ndarray:
        return self._rules.columns()

    @cached_property
    def _value_codes(self) -> list[dict[str, int]]:
        values = map(self._catalog.attributes.values, self._rules.sorting)
        return [{value: code for code, value in enumerate(of_name)} for of_name in values]

    @cached_property
    def _own(self) -> dict[int, frozenset[str]]:
        return self._rules.own_words()

    def _own_words(self, row: int) -> frozenset[str]:
        return self._own.get(row, frozenset())

    def _rows_of(self, key: int, row: int) -> np.ndarray:
        """Other rows whose key this is now, ``[≤ _COMPARED] int64``."""
        begin = self._base_keys.searchsorted(np.uint64(key), "left")
        end = self._base_keys.searchsorted(np.uint64(key), "right")
        base = self._order[begin:end]
        live = np.array(self._live_rows.get(key, ()), np.int64)
        rows = np.unique(np.concatenate([base, live]))
        rows = rows[(self._keys[rows] == np.uint64(key)) & (rows != row)]
        return rows[self._catalog.listed[rows]][:_COMPARED]

    def _put_values(self, row: int, item: Item) -> None:
        """Keeps what the rules read of a row's attributes."""
        for column, codes, name in zip(
            self._columns, self._value_codes, self._rules.sorting, strict=True
        ):
            value = item.attributes.get(name, "")
            column[row] = codes.setdefault(value, len(codes)) if value else -1
        self._own[row] = self._rules.own_words_of(item)

    def _make_room(self, row: int) -> None:
        extra = max(1_024, row // 8)
        if row >= len(self._groups):
            self._keys = np.concatenate([self._keys, np.zeros(extra, np.uint64)])
            self._groups = np.concatenate([self._groups, np.full(extra, ALONE, np.int32)])
        if row >= self._columns.shape[1]:
            room = np.full((len(self._columns), extra), -1, np.int32)
            self._columns = np.concatenate([self._columns, room], axis=1)


def attribute_codes(catalog: Catalog, name: str) -> np.ndarray:
    """The value of an attribute of each item as it is now, ``[count] int32``; ``ALONE``: it has none."""
    count = catalog.count
    rows, values = catalog.attributes.column(name)
    inside = rows < count
    codes = np.full(count, ALONE, np.int32)
    codes[rows[inside]] = values[inside]
    return codes


def check_group_attribute(catalog: Catalog, config: VariantsConfig) -> None:
    """Refuses settings that group by an attribute that no item has.

    Raises:
        ConfigError: Names the attributes that there are.
    """
    names = catalog.attributes.names.names
    if config.group_by and config.group_by not in names:
        known = ", ".join(names[:_NAMED_COUNT]) or "none"
        raise ConfigError(
            f"variants.group_by: expected an attribute of the items ({known}),"
            f" received {config.group_by!r}"
        )
