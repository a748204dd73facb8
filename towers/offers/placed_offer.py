"""An offer's items as rows of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.offers.offer import Offer
from towers.catalog.filters import Filter
from towers.catalog.items import Catalog
from towers.read_only import freeze

_SAMPLE_LIMIT = 64
"""Most items of an offer whose embeddings are compared one by one with a visitor's taste."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedOffer:
    """An offer, and what it applies to in one catalogue; its arrays are read-only.

    Args:
        offer: The record.
        rows: ``[n] int64`` its items, ascending; also those not listed or out of stock.
        leaves: ``[k] int32`` codes of their categories, ascending.
        sample: ``[≤ 64] int64`` of ``rows``, evenly spread.
        item_count: Items of the catalogue when it was placed: an item added later may belong to it.
    """

    offer: Offer
    rows: np.ndarray
    leaves: np.ndarray
    sample: np.ndarray
    item_count: int

    def __post_init__(self) -> None:
        freeze(self.rows, self.leaves, self.sample)

    @classmethod
    def of(cls, offer: Offer, catalog: Catalog) -> PlacedOffer:
        """The offer in a catalogue; items that it does not know are left out."""
        count = catalog.count
        found = [catalog.rows(offer.item_ids)]
        for path in offer.categories:
            mask = catalog.mask(Filter(category=path))
            assert mask is not None
            found.append(np.flatnonzero(mask))
        rows = np.unique(np.concatenate(found))
        rows = rows[rows >= 0]
        step = max(1, -(-len(rows) // _SAMPLE_LIMIT))
        leaves = np.unique(catalog.leaf[rows]).astype(np.int32)
        return cls(offer, rows, leaves, rows[::step].copy(), count)
