"""What is bought on later visits after an item, and how much more likely than else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from towers.after_sales.purchase_visits import PurchaseVisits
from towers.read_only import freeze

_VISIT_LIMIT = 5
"""Later visits of the same visitor that count after a purchase."""

_DAY_LIMIT = 60.0

_PRIOR_VISITS = 5.0
"""Visits, followed by what visits are followed by on the whole, that are added to an item's own."""

_VISITOR_LIMIT = 5.0
"""A visitor counts for an item as this many visits at most, as in co-occurrence."""

_BLOCK = 2_048


@dataclass(frozen=True)
class NextPurchases:
    """What follows each of some keys (items, or categories), the likeliest first; arrays are read-only.

    Args:
        next_keys: ``[keys, k] int32``, −1 where there are fewer.
        lifts: ``[keys, k] float32`` logarithm of how many times more often the next key is bought after
            the key than after any; above 0.
    """

    next_keys: np.ndarray
    lifts: np.ndarray

    def __post_init__(self) -> None:
        freeze(self.next_keys, self.lifts)

    @classmethod
    def none(cls, count: int) -> NextPurchases:
        """Nothing follows any of ``count`` keys."""
        return cls(np.zeros((count, 0), np.int32), np.zeros((count, 0), np.float32))

    @classmethod
    def of(
        cls, visits: PurchaseVisits, keys: np.ndarray, key_count: int, *, next_count: int = 20
    ) -> NextPurchases:
        """Counts what follows on the next five visits, of sixty days.

        Of a key the ``next_count`` next keys of the largest share are kept, among what is bought more
        often after it than after anything.

        Args:
            keys: ``[n] int64`` key of each bought item of ``visits``.
        """
        from scipy.sparse import csr_matrix  # Training only: serving reads the finished table.

        firsts, laters = visits.followers(_VISIT_LIMIT, _DAY_LIMIT)
        if not len(firsts):
            return cls.none(key_count)
        shape, count = (visits.count, key_count), visits.count
        bought = csr_matrix((np.ones(len(keys), np.float32), (visits.visits, keys)), shape)
        bought.data[:] = 1.0
        leads = csr_matrix((np.ones(len(firsts), np.float32), (firsts, laters)), (count, count))
        followed = (leads @ bought).tocsr()
        followed.data[:] = 1.0
        has_later = np.zeros(count, bool)
        has_later[firsts] = True
        base = np.asarray(followed.sum(axis=0)).ravel() / np.count_nonzero(has_later)
        by_key = _weighted(bought, visits.visitors, has_later).T.tocsr()
        key_weights = np.asarray(by_key.sum(axis=1)).ravel()
        next_keys = np.full((key_count, next_count), -1, np.int32)
        lifts = np.zeros((key_count, next_count), np.float32)
        for start in range(0, key_count, _BLOCK):
            block = (by_key[start : start + _BLOCK] @ followed).tocsr()
            for offset in np.flatnonzero(np.diff(block.indptr)).tolist():
                key, span = start + offset, slice(block.indptr[offset], block.indptr[offset + 1])
                others = block.indices[span]
                of_all = base[others]
                share = (block.data[span] + _PRIOR_VISITS * of_all) / (
                    key_weights[key] + _PRIOR_VISITS
                )
                lift = np.log(share / of_all)
                best = np.lexsort((others, -share))
                best = best[lift[best] > 0][:next_count]
                next_keys[key, : len(best)] = others[best]
                lifts[key, : len(best)] = lift[best]
        return cls(next_keys, lifts)

    def after(self, key: int) -> tuple[np.ndarray, np.ndarray]:
        """The next keys of a key, ``[n] int64``, with their lifts; none for a new key."""
        if not 0 <= key < len(self.next_keys):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        is_known = self.next_keys[key] >= 0
        return self.next_keys[key][is_known].astype(np.int64), self.lifts[key][is_known]

    def moved(self, new_keys: np.ndarray, key_count: int) -> NextPurchases:
        """By other numbers of the keys.

        Args:
            new_keys: ``[keys] int64`` new number of each, −1 where there is none any more.
        """
        kept = np.flatnonzero(new_keys >= 0)
        shape = (key_count, self.next_keys.shape[1])
        old = self.next_keys[kept]
        new = np.where(old >= 0, new_keys[np.maximum(old, 0)], -1)
        next_keys = np.full(shape, -1, np.int32)
        next_keys[new_keys[kept]] = new
        lifts = np.zeros(shape, np.float32)
        lifts[new_keys[kept]] = np.where(new >= 0, self.lifts[kept], 0.0)
        return NextPurchases(next_keys, lifts)

    def save(self, folder: Path, name: str) -> None:
        """Writes ``<name>_*.npy``."""
        np.save(folder / f"{name}_next.npy", self.next_keys)
        np.save(folder / f"{name}_lifts.npy", self.lifts)

    @classmethod
    def load(cls, folder: Path, name: str) -> NextPurchases:
        """What ``save`` wrote."""
        parts = ("next", "lifts")
        return cls(*(np.load(folder / f"{name}_{part}.npy", allow_pickle=False) for part in parts))


def _weighted(bought: Any, visitors: np.ndarray, has_later: np.ndarray) -> Any:
    """``[visits, keys]``: what each visit counts for a key; those with nothing later do not."""
    from scipy.sparse import csr_matrix

    found = bought.tocoo()
    kept = has_later[found.row]
    visits, keys = found.row[kept], found.col[kept]
    pairs = visitors[visits] * bought.shape[1] + keys
    _, numbers, counts = np.unique(pairs, return_inverse=True, return_counts=True)
    weights = np.minimum(1.0, _VISITOR_LIMIT / counts[numbers]).astype(np.float32)
    return csr_matrix((weights, (visits, keys)), bought.shape)
