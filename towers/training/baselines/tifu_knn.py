"""TIFU-kNN (Hu et al. 2020, arXiv 2006.00556): next baskets by decayed frequency and neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from towers.training.baselines.baskets import Basket

NEIGHBOUR_COUNT = 300
GROUP_SIZE = 7
BASKET_DECAY, GROUP_DECAY = 0.9, 0.7
OWN_SHARE = 0.7
"""The authors' settings for the Ta-Feng grocer."""


class TifuKnn:
    """Visitors as decayed frequencies of the items in their baskets.

    Args:
        baskets: Each visitor's baskets, oldest first; these are the neighbours.
    """

    def __init__(self, baskets: Mapping[str, Sequence[Basket]], item_count: int) -> None:
        self._item_count = item_count
        self._number = {visitor_id: number for number, visitor_id in enumerate(baskets)}
        rows = [personal_vector(of_visitor, item_count) for of_visitor in baskets.values()]
        self._vectors = vstack([csr_array((0, item_count)), *rows], format="csr")
        self._squares = self._vectors.power(2).sum(axis=1)

    def scores(self, visitor_id: str, baskets: Sequence[Basket]) -> np.ndarray:
        """Scores of all items for a visitor with ``baskets`` so far, ``[items] float64``."""
        own = personal_vector(baskets, self._item_count)
        # Squared Euclidean distances but for the visitor's own square, the same for all.
        distances = self._squares - 2.0 * (self._vectors @ own.T).toarray()[:, 0]
        distances[self._number.get(visitor_id, len(distances)) :][:1] = np.inf
        count = min(NEIGHBOUR_COUNT, int(np.isfinite(distances).sum()))
        nearest = np.argsort(distances, kind="stable")[:count]
        of_neighbours = self._vectors[nearest].sum(axis=0) / max(count, 1)
        scores: np.ndarray = OWN_SHARE * own.toarray()[0] + (1.0 - OWN_SHARE) * of_neighbours
        return scores


def personal_vector(baskets: Sequence[Basket], item_count: int) -> csr_array:
    """``[1, item_count]``: baskets decay within groups of ``GROUP_SIZE``, and groups among each other.

    Groups are counted back from the newest basket, so that only the oldest may be smaller.
    """
    group_count = -(-len(baskets) // GROUP_SIZE)
    rows, weights = [], []
    for age, basket in enumerate(reversed(baskets)):
        group, place = divmod(age, GROUP_SIZE)
        size = min(GROUP_SIZE, len(baskets) - group * GROUP_SIZE)
        weight = BASKET_DECAY**place / size * GROUP_DECAY**group / group_count
        rows.append(basket)
        weights.append(np.full(len(basket), weight))
    columns = np.concatenate([np.zeros(0, np.int64), *rows])
    values = np.concatenate([np.zeros(0), *weights])
    return csr_array((values, (np.zeros(len(columns), np.int64), columns)), shape=(1, item_count))
