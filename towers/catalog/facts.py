"""Facts of items that are no text: price, time, stock, and how complete an item is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import numpy as np

from data.records import Item


class PriceChange(Enum):
    """How a new state of an item differs from the one in the catalogue.

    ``SAME_STEP``: in price, stock or time alone, and the towers read the same price step;
    ``OTHER_STEP``: they read another one, or none; ``MORE``: in other fields.
    """

    SAME_STEP = 0
    OTHER_STEP = 1
    MORE = 2


class Facts(NamedTuple):
    """What changes often of items, and is no text: ``[n]`` each, as in ``Catalog``."""

    price: np.ndarray
    created: np.ndarray
    in_stock: np.ndarray

    @classmethod
    def of(cls, items: Sequence[Item]) -> Facts:
        """The columns of some items."""
        prices = [np.nan if item.price is None else item.price for item in items]
        created = [_created(item) for item in items]
        in_stock = [item.in_stock for item in items]
        return cls(np.array(prices, np.float32), np.array(created), np.array(in_stock, bool))


def completeness(item: Item) -> float:
    """Share of an item's optional fields that it has."""
    fields = (item.category, item.brand, item.price, item.attributes, item.description)
    return sum(bool(field) for field in fields) / len(fields)


def _created(item: Item) -> float:
    return math.nan if item.created_time is None else item.created_time.timestamp()
