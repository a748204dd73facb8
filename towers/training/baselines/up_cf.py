"""UP-CF@r (Faggioli et al. 2020, UMAP): next baskets by recent frequency among like visitors."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from towers.training.baselines.baskets import Basket

RECENT_COUNT = 25
ASYMMETRY = 0.25
LOCALITY = 10
"""Newest baskets that count, weight of the visitor's own items in the similarity, and the power that
similarities are raised to; of the authors' grid."""


class UpCf:
    """Visitors as shares of their newest baskets that hold an item.

    Args:
        baskets: Each visitor's baskets, oldest first; these are the like visitors.
    """

    def __init__(self, baskets: Mapping[str, Sequence[Basket]], item_count: int) -> None:
        self._item_count = item_count
        self._number = {visitor_id: number for number, visitor_id in enumerate(baskets)}
        rows = [recent_shares(of_visitor, item_count) for of_visitor in baskets.values()]
        self._shares = vstack([csr_array((0, item_count)), *rows], format="csr")
        self._has = _sets(baskets.values(), item_count)
        self._counts = self._has.sum(axis=1)

    def scores(self, visitor_id: str, baskets: Sequence[Basket]) -> np.ndarray:
        """Scores of all items for a visitor with ``baskets`` so far, ``[items] float64``."""
        own = _sets([baskets], self._item_count)
        common = (self._has @ own.T).toarray()[:, 0]
        size = max(float(own.sum()), 1.0) ** ASYMMETRY
        similarities = common / (size * np.maximum(self._counts, 1.0) ** (1.0 - ASYMMETRY))
        # The visitor's own shares are those of the baskets so far, at similarity 1.
        similarities[self._number.get(visitor_id, len(similarities)) :][:1] = 0.0
        scores: np.ndarray = self._shares.T @ similarities**LOCALITY
        return scores + recent_shares(baskets, self._item_count).toarray()[0]


def recent_shares(baskets: Sequence[Basket], item_count: int) -> csr_array:
    """``[1, item_count]``: share of the ``RECENT_COUNT`` newest baskets that hold an item."""
    newest = baskets[-RECENT_COUNT:]
    columns = np.concatenate([np.zeros(0, np.int64), *newest])
    values = np.full(len(columns), 1.0 / max(len(newest), 1))
    return csr_array((values, (np.zeros(len(columns), np.int64), columns)), shape=(1, item_count))


def _sets(of_visitors: Collection[Sequence[Basket]], item_count: int) -> csr_array:
    """``[visitors, item_count]``: 1 for every item that a visitor ever bought."""
    sets = [np.unique(np.concatenate([np.zeros(0, np.int64), *one])) for one in of_visitors]
    starts = np.cumsum([0, *map(len, sets)])
    columns = np.concatenate([np.zeros(0, np.int64), *sets])
    shape = (len(sets), item_count)
    return csr_array((np.ones(len(columns)), columns, starts), shape=shape)
