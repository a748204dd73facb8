"""Some offers with their fields as columns, and their items one after another.

What is computed of the same offers for one visitor after another is kept: the columns, and the selections
that visitors of the same audiences share.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np

from towers.catalog.items import Catalog
from towers.offers.placed_offer import PlacedOffer
from towers.read_only import freeze, read_only

_KEPT_SELECTIONS = 32
_KEPT_PARTS = 2_000_000
"""Selections of the same offers that are kept, and items of all their offers together: 17 bytes each.
Beyond, all are dropped."""


class Parts(NamedTuple):
    """Rows of one offer after another: all of them, where each offer's begin, and how many it has."""

    rows: np.ndarray
    starts: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, parts: Sequence[np.ndarray]) -> Parts:
        """Of the rows of each offer."""
        counts = np.array([*map(len, parts)], np.int64)
        rows = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        found = cls(rows, np.cumsum(counts) - counts, counts)
        freeze(*found)
        return found


class ItemGroups(NamedTuple):
    """The items of some offers, each once, and the offers of each.

    Args:
        rows: ``[n] int64``, ascending.
        starts: ``[n] int64`` where the offers of each begin.
        places: ``[parts] int64`` place of an offer among the offers, by item.
    """

    rows: np.ndarray
    starts: np.ndarray
    places: np.ndarray


class PlacedOffers(Sequence[PlacedOffer]):
    """A sequence of offers, none of which changes; its arrays are read-only. Thread-safe."""

    def __init__(self, offers: Sequence[PlacedOffer]) -> None:
        self._offers = tuple(offers)
        # No ``lru_cache`` of a method: that refers to these offers, and keeps them when nobody else does.
        self._selected: dict[bytes, PlacedOffers] = {}
        self._kept_part_count = 0
        self._buyable: tuple[Catalog, int, np.ndarray] | None = None

    @classmethod
    def of(cls, offers: Sequence[PlacedOffer]) -> PlacedOffers:
        """The offers themselves where they are columns already."""
        return offers if isinstance(offers, PlacedOffers) else cls(offers)

    def __len__(self) -> int:
        return len(self._offers)

    def __iter__(self) -> Iterator[PlacedOffer]:
        return iter(self._offers)

    @overload
    def __getitem__(self, index: int) -> PlacedOffer: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[PlacedOffer, ...]: ...
    def __getitem__(self, index: int | slice) -> PlacedOffer | tuple[PlacedOffer, ...]:
        return self._offers[index]

    def only(self, is_kept: np.ndarray) -> PlacedOffers:
        """Those for which ``is_kept [offers] bool`` is true."""
        if is_kept.all():
            return self
        flags = is_kept.tobytes()
        found = self._selected.get(flags)
        if found is None:
            found = PlacedOffers(
                [self._offers[place] for place in np.flatnonzero(is_kept).tolist()]
            )
            self._keep(flags, found)
        return found

    def _keep(self, flags: bytes, found: PlacedOffers) -> None:
        kept_part_count = self._kept_part_count + sum(len(one.rows) for one in found)
        if len(self._selected) >= _KEPT_SELECTIONS or kept_part_count > _KEPT_PARTS:
            # A new dict, since other threads may be reading the old one.
            self._selected, kept_part_count = {}, sum(len(one.rows) for one in found)
        if kept_part_count <= _KEPT_PARTS:
            self._selected[flags] = found
            self._kept_part_count = kept_part_count

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the offers."""
        return tuple(one.offer.offer_id for one in self)

    @cached_property
    def kinds(self) -> np.ndarray:
        """``[offers] int64`` numbers of ``OfferKind``."""
        return read_only(np.array([int(one.offer.kind) for one in self], np.int64))

    @cached_property
    def start_times(self) -> np.ndarray:
        """``[offers] float64``; −∞ where one has always held."""
        return self._numbers([one.offer.start_time for one in self], -np.inf)

    @cached_property
    def end_times(self) -> np.ndarray:
        """``[offers] float64``; ∞ where one has no end."""
        return self._numbers([one.offer.end_time for one in self], np.inf)

    @cached_property
    def percents(self) -> np.ndarray:
        """``[offers] float64`` of the price; 0 where it is an amount or not known."""
        return self._numbers([one.offer.percent_off for one in self], 0.0)

    @cached_property
    def amounts(self) -> np.ndarray:
        """``[offers] float64``; 0 where it is a percentage or not known."""
        return self._numbers([one.offer.amount_off for one in self], 0.0)

    @cached_property
    def is_limited(self) -> np.ndarray:
        """``[offers] bool``, true where uses are limited: by visitor, or by a budget."""
        limits = [(one.offer.visitor_limit, one.offer.budget) for one in self]
        return read_only(np.array([one != (None, None) for one in limits], bool))

    @cached_property
    def has_items(self) -> np.ndarray:
        """``[offers] bool``, true where the catalogue knows an item."""
        return read_only(np.array([len(one.rows) > 0 for one in self], bool))

    @staticmethod
    def _numbers(values: Sequence[float | None], otherwise: float) -> np.ndarray:
        numbers = [otherwise if value is None else value for value in values]
        return read_only(np.array(numbers, np.float64))

    @cached_property
    def items(self) -> Parts:
        """The rows of their items."""
        return Parts.of([one.rows for one in self])

    @cached_property
    def leaves(self) -> Parts:
        """The codes of their items' categories."""
        return Parts.of([one.leaves for one in self])

    @cached_property
    def samples(self) -> Parts:
        """The rows of the items whose embeddings are read."""
        return Parts.of([one.sample for one in self])

    @cached_property
    def by_item(self) -> ItemGroups:
        """The items, each with its offers."""
        items = self.items
        order = np.argsort(items.rows, kind="stable")
        rows, starts = np.unique(items.rows[order], return_index=True)
        places = np.repeat(np.arange(len(self)), items.counts)[order]
        groups = ItemGroups(rows, starts, places)
        freeze(*groups)
        return groups

    def in_audiences(self, audiences: Mapping[str, Collection[str]], visitor_id: str) -> np.ndarray:
        """``[offers] bool``, true where a visitor is in the audience, or everybody is."""
        names, codes = self._audiences
        is_in = [not name or visitor_id in audiences.get(name, ()) for name in names]
        return np.array(is_in, bool)[codes]

    @cached_property
    def _audiences(self) -> tuple[list[str], np.ndarray]:
        """The names of the audiences, and which one each offer has, ``[offers] int64``."""
        names = [one.offer.audience for one in self]
        code_of = {name: code for code, name in enumerate(dict.fromkeys(names))}
        return [*code_of], np.array([code_of[name] for name in names], np.int64)

    def can_be_bought(self, catalog: Catalog) -> np.ndarray:
        """``[offers] bool``, true where an item is listed and in stock. Kept until a change of items."""
        # First, so that nothing computed during a change is kept as current.
        change_count, kept = catalog.change_count, self._buyable
        if kept is None or kept[0] is not catalog or kept[1] != change_count:
            rows, starts, counts = self.items
            is_left = catalog.in_stock[rows] & catalog.listed[rows]
            before = np.concatenate([[0], np.cumsum(is_left)])
            found = before[starts + counts] > before[starts]
            kept = self._buyable = catalog, change_count, found
        return kept[2]
