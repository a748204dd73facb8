"""Which items of a catalogue are of one kind, as far as the catalogue alone can tell."""

from __future__ import annotations

import random

import numpy as np

from towers.catalog.items import Catalog
from towers.text.tokens import PADDING

_KIND_COUNT = 24
"""So many items stand for a kind: more than twice a page of ten."""
_POOL_LIMIT = 50_000
_CATEGORY_COUNT = 2 * _KIND_COUNT
"""So many items of a category are sampled together: one alone would have no similar one."""
_LEAST_SHARE = 0.5
"""An item of less than this share of the nearest one's similarity is of another kind."""
_CATEGORY_SHARE = 0.5


class ItemSimilarity:
    """Similarity of items by the tokens that the candidate tower reads: words, brand, category, price.

    The cosine of two items' tokens, a rare token weighing more than a common one (tf-idf with each
    token once). Items of different categories are never similar; where a shop gives no categories all
    are compared.

    Args:
        rows: ``[n] int64`` the only items to be found.
        pool_limit: Of more items than this some are sampled: all of a category or, where it is large,
            dozens of it together.
    """

    def __init__(
        self, catalog: Catalog, rows: np.ndarray, seed: int, *, pool_limit: int = _POOL_LIMIT
    ) -> None:
        if len(rows) > pool_limit:
            generator = np.random.default_rng(seed)
            rows = np.sort(_sampled(catalog, rows, pool_limit, generator))
        self.rows = rows
        self._catalog = catalog
        self._leaf = catalog.leaf[rows]
        tokens = catalog.tokens[rows]
        positions, slots = np.nonzero(tokens != PADDING)
        numbers = tokens[positions, slots]
        order = np.argsort(numbers, kind="stable")
        # Who holds a token stands between its start and the next one's.
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
        """Some items of the kind of ``row``, without itself, ``[≤ 24] int64``.

        Half of the time the most similar; else, where ``row`` has a category, any of its category.
        """
        if self._catalog.category(row) and rng.random() < _CATEGORY_SHARE:
            same_category = self.rows[(self._leaf == self._catalog.leaf[row]) & (self.rows != row)]
            return np.array(
                rng.sample(same_category.tolist(), min(_KIND_COUNT, len(same_category))), np.int64
            )
        return self.nearest(row)


def _sampled(
    catalog: Catalog, rows: np.ndarray, count: int, generator: np.random.Generator
) -> np.ndarray:
    """``count`` of more ``rows``, in no order, ``[count] int64``.

    Items without a category, which are of many kinds, come as often as they do among ``rows``; the
    others by category.
    """
    has_none = catalog.leaf[rows] == catalog.category_codes.get("")
    none_count = round(count * float(has_none.mean()))
    without = generator.permutation(rows[has_none])[:none_count]
    others = rows[~has_none]
    by_category = others[_by_category(catalog.leaf[others], generator)[: count - none_count]]
    return np.concatenate((without, by_category))


def _by_category(leaf: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Positions of items in a random order that keeps blocks of a category together, ``[items] int64``.

    A block is some dozens of one category, or all of a smaller one. The first block of every category
    comes before the second of any, so that large categories do not crowd out small ones.

    Args:
        leaf: ``[items] int32`` category of each.
    """
    mixed = generator.permutation(len(leaf))
    mixed = mixed[np.argsort(leaf[mixed], kind="stable")]
    leaf = leaf[mixed]
    number = (np.arange(len(leaf)) - np.searchsorted(leaf, leaf)) // _CATEGORY_COUNT
    starts = np.diff(leaf, prepend=-1).astype(bool) | np.diff(number, prepend=-1).astype(bool)
    turn = generator.permutation(int(starts.sum()))[np.cumsum(starts) - 1]
    positions: np.ndarray = mixed[np.lexsort((turn, number))]
    return positions
