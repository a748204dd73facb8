"""Similar items, as far as the catalogue alone can tell."""

from __future__ import annotations

import random

import numpy as np

from towers.catalog.items import Catalog
from towers.text.tokens import PADDING

_KIND_COUNT = 24
"""Most similar items returned: more than twice a page of ten."""
_POOL_LIMIT = 50_000
_CATEGORY_COUNT = 2 * _KIND_COUNT
"""Items of a category are sampled in blocks of this size, so that each has similar ones."""
_LEAST_SHARE = 0.5
"""Least similarity, as a share of the nearest item's."""
_CATEGORY_SHARE = 0.5


class ItemSimilarity:
    """Similarity of items by the tokens that the candidate tower reads: words, brand, category, price.

    Cosine of binary tf-idf vectors over tokens. Items of different categories are never similar;
    where the shop has no categories, all items are compared.

    Args:
        rows: ``[n] int64`` items that may be returned.
        pool_limit: More items than this are sampled, in blocks of a category.
    """

    def __init__(
        self, catalog: Catalog, rows: np.ndarray, seed: int, *, pool_limit: int = _POOL_LIMIT
    ) -> None:
        if len(rows) > pool_limit:
            rng = np.random.default_rng(seed)
            rows = np.sort(_sampled(catalog, rows, pool_limit, rng))
        self.rows = rows
        self._catalog = catalog
        self._leaf = catalog.leaf[rows]
        tokens = catalog.tokens[rows]
        positions, slots = np.nonzero(tokens != PADDING)
        numbers = tokens[positions, slots]
        order = np.argsort(numbers, kind="stable")
        # Postings: the items with token t are at [starts[t], starts[t + 1]).
        self._holders = positions[order]
        self._starts = np.searchsorted(numbers[order], np.arange(catalog.text.bucket_count + 1))
        holder_counts = np.maximum(np.diff(self._starts), 1)
        self._weights = (np.log(1.0 + len(rows) / holder_counts) ** 2).astype(np.float32)
        squares = np.bincount(positions, self._weights[numbers], minlength=len(rows))
        self._lengths = np.sqrt(np.maximum(squares, 1e-6)).astype(np.float32)

    def nearest(self, row: int) -> np.ndarray:
        """Rows of the items most similar to ``row``, best first, without itself, ``[≤ 24] int64``."""
        total = np.zeros(len(self.rows), np.float32)
        tokens = self._catalog.tokens[row]
        for number in tokens[tokens != PADDING].tolist():
            holders = self._holders[self._starts[number] : self._starts[number + 1]]
            total[holders] += self._weights[number]
        is_other = (self.rows == row) | (self._leaf != self._catalog.leaf[row])
        similarity = np.where(is_other, 0.0, total / self._lengths)
        count = min(_KIND_COUNT, len(similarity))
        found = np.argpartition(-similarity, count - 1)[:count]
        found = found[np.lexsort((found, -similarity[found]))]
        best = similarity[found[0]] if count else 0.0
        return self.rows[found[similarity[found] > max(0.0, _LEAST_SHARE * best)]]

    def kind(self, row: int, rng: random.Random) -> np.ndarray:
        """Some items similar to ``row``, without itself, ``[≤ 24] int64``.

        Half of the time random items of its category, where it has one; else the most similar.
        """
        if self._catalog.category(row) and rng.random() < _CATEGORY_SHARE:
            same_category = self.rows[(self._leaf == self._catalog.leaf[row]) & (self.rows != row)]
            return np.array(
                rng.sample(same_category.tolist(), min(_KIND_COUNT, len(same_category))), np.int64
            )
        return self.nearest(row)


def _sampled(
    catalog: Catalog, rows: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """A sample of ``count`` of the ``rows``, in no order, ``[count] int64``.

    Items without a category keep their share of ``rows``; the others are sampled by category.
    """
    has_none = catalog.leaf[rows] == catalog.category_codes.get("")
    none_count = round(count * float(has_none.mean()))
    without = rng.permutation(rows[has_none])[:none_count]
    others = rows[~has_none]
    by_category = others[_by_category(catalog.leaf[others], rng)[: count - none_count]]
    return np.concatenate((without, by_category))


def _by_category(leaf: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions of items in random order, with blocks of a category kept together, ``[items] int64``.

    A block has ``_CATEGORY_COUNT`` items of one category, or all of a smaller one. The first blocks of
    all categories precede all second ones, so that large categories do not crowd out small ones.

    Args:
        leaf: ``[items] int32`` category of each.
    """
    mixed = rng.permutation(len(leaf))
    mixed = mixed[np.argsort(leaf[mixed], kind="stable")]
    leaf = leaf[mixed]
    number = (np.arange(len(leaf)) - np.searchsorted(leaf, leaf)) // _CATEGORY_COUNT
    starts = np.diff(leaf, prepend=-1).astype(bool) | np.diff(number, prepend=-1).astype(bool)
    turn = rng.permutation(int(starts.sum()))[np.cumsum(starts) - 1]
    positions: np.ndarray = mixed[np.lexsort((turn, number))]
    return positions
