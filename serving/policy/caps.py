"""Caps: at most so many items of one brand, category or product on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from serving.policy.settings import Policy
from towers.catalog.items import Catalog
from towers.text.head_noun import modifier_role
from towers.text.parsed_query import Role
from towers.text.words import surface_words
from towers.text.writing.units import UNIT_NAMES

BRAND_CAP, CATEGORY_CAP, VARIANT_CAP = "brand_cap", "category_cap", "variant_cap"

_LETTER_SIZES = frozenset(("s", "m", "l"))
"""Sizes at the end of a title; elsewhere such a letter is part of something else."""

Keys = Sequence[Hashable]
"""What each item has in common with others, of one cap; None: it has nothing that is capped."""


class Caps:
    """The caps of a policy over the items of one list.

    Args:
        limits: Most items of one key on a page, by name of the cap.
        keys: The keys of the items by name of the cap, in the order of the list.
        pinned_keys: Likewise of pinned items, by their rank.
    """

    def __init__(
        self,
        limits: Mapping[str, int],
        keys: Mapping[str, Keys],
        pinned_keys: Mapping[int, Mapping[str, Hashable]],
    ) -> None:
        self._limits = limits
        self._keys = keys
        self._pinned_keys = pinned_keys

    @classmethod
    def of(
        cls, policy: Policy, rows: np.ndarray, pins: Mapping[int, int], catalog: Catalog
    ) -> Caps:
        """The caps of a policy.

        Args:
            rows: ``[n] int64`` of the list, without pinned items.
            pins: Row of each pinned item by rank, from 0.
        """
        limits = {
            name: limit
            for name, limit in (
                (BRAND_CAP, policy.brand_cap),
                (CATEGORY_CAP, policy.category_cap),
                (VARIANT_CAP, policy.variant_cap),
            )
            if limit
        }
        pinned = np.fromiter(pins.values(), np.int64, len(pins))
        both = np.concatenate([rows, pinned])
        keys = {name: _keys(name, policy, both, catalog) for name in limits}
        of_pins = {
            rank: {name: keys[name][len(rows) + number] for name in limits}
            for number, rank in enumerate(pins)
        }
        return cls(limits, keys, of_pins)

    def order(
        self, page_size: int, *, kinds: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The order in which every page keeps within the caps, as far as the list has items for it.

        Place by place, the first item left that breaks no cap, pinned items of the page counted; where
        every one breaks one, the first, so that no page is short.

        Args:
            page_size: Results on a page, pinned ones included.
            kinds: ``[n] bool``; every place goes to an item of the kind that stands there now.

        Returns:
            ``[n] int64`` present positions in the new order; and by name of the cap which items it moved,
            ``[n] bool``: those that broke it, and those that took their places.
        """
        count = len(kinds)
        order = np.arange(count)
        causes = {name: np.zeros(count, bool) for name in self._limits}
        left: dict[bool, list[int]] = {
            kind: np.flatnonzero(kinds == kind).tolist() for kind in (False, True)
        }
        page, used = -1, self._counts(-1, page_size)
        # Once none fits on a page, none fits there later: its counts only grow.
        is_full: set[bool] = set()
        for place, rank in enumerate(self._ranks(count)):
            if rank // page_size != page:
                page, is_full = rank // page_size, set()
                used = self._counts(page, page_size)
            kind = bool(kinds[place])
            waiting, chosen = left[kind], 0
            if kind not in is_full:
                broken = [self._broken(used, position) for position in waiting[:1]]
                while broken[-1] and len(broken) < len(waiting):
                    broken.append(self._broken(used, waiting[len(broken)]))
                if broken[-1]:
                    is_full.add(kind)
                elif len(broken) > 1:
                    chosen = len(broken) - 1
                    for position, name in zip(waiting, broken[:-1], strict=False):
                        causes[name][position] = True
                    causes[broken[0]][waiting[chosen]] = True
            position = waiting.pop(chosen)
            order[place] = position
            for name, keys in self._keys.items():
                used[name][keys[position]] += 1
        return order, causes

    def fitting(
        self, positions: Sequence[int], page: Iterable[int], page_number: int, page_size: int
    ) -> list[int]:
        """Which items would keep a page within the caps.

        Args:
            positions: Of the items in the list.
            page: Positions in the list of the other items on the page.
            page_number: From 0, for its pinned items.
        """
        used = self._counts(page_number, page_size)
        for position in page:
            for name, keys in self._keys.items():
                used[name][keys[position]] += 1
        return [position for position in positions if not self._broken(used, position)]

    def _broken(self, used: Mapping[str, Counter[Hashable]], position: int) -> str:
        """The first cap that an item would break; empty if none."""
        for name, limit in self._limits.items():
            key = self._keys[name][position]
            if key is not None and used[name][key] >= limit:
                return name
        return ""

    def _counts(self, page: int, page_size: int) -> dict[str, Counter[Hashable]]:
        """Counts of keys on a page with nothing but its pinned items."""
        used: dict[str, Counter[Hashable]] = {name: Counter() for name in self._limits}
        for rank, keys in self._pinned_keys.items():
            if rank // page_size == page:
                for name, key in keys.items():
                    used[name][key] += 1
        return used

    def _ranks(self, count: int) -> list[int]:
        """The rank of each place of the list among all results, pinned ones included."""
        return unpinned_ranks(count, self._pinned_keys)


def unpinned_ranks(count: int, pinned: Iterable[int]) -> list[int]:
    """The first ``count`` ranks that no pin takes."""
    taken = set(pinned)
    return [rank for rank in range(count + len(taken)) if rank not in taken][:count]


def _keys(name: str, policy: Policy, rows: np.ndarray, catalog: Catalog) -> Keys:
    if name == BRAND_CAP:
        brands = catalog.brand_codes.names
        return [code if brands[code] else None for code in catalog.brand[rows].tolist()]
    if name == CATEGORY_CAP:
        leaves = catalog.category_codes.names
        return [code if leaves[code] else None for code in catalog.leaf[rows].tolist()]
    if policy.variant_attribute:
        holders, codes = catalog.attributes.column(policy.variant_attribute)
        code_of = np.full(catalog.count, -1, np.int64)
        code_of[holders] = codes
        return [code if code >= 0 else None for code in code_of[rows].tolist()]
    titles = catalog.titles
    return [
        (brand, product_words(titles[row])) if titles[row] else None
        for row, brand in zip(rows.tolist(), catalog.brand[rows].tolist(), strict=True)
    ]


@lru_cache(maxsize=50_000)
def product_words(title: str) -> tuple[str, ...]:
    """The words of a title without sizes and looks, colours among them; all if there are no others."""
    found: list[str] = []
    is_behind_number = False
    every = surface_words(title)
    for number, word in enumerate(every, 1):
        is_size = word in _LETTER_SIZES and number == len(every)
        is_number = any(sign.isdigit() for sign in word)
        is_unit = is_behind_number and word in UNIT_NAMES
        if not (is_number or is_unit or is_size or modifier_role(word) is Role.LOOK):
            found.append(word)
        is_behind_number = is_number
    return tuple(found or every)
