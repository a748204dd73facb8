"""Names of categories and brands, found as they are typed, and how much each of them is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.indexes.prefix_index import PrefixIndex


@dataclass(frozen=True)
class ShopNames:
    """The names that a catalogue has used so far.

    Args:
        paths: Paths of categories, of inner ones too.
        path_names: The last name of each.
        paths_index, brands_index: Finds path names and brands by their beginnings.
        brands: Names of brands, by their code.
        path_of_pair, leaf_of_pair: ``[pairs] int64`` which leaf categories lie under which path.
        leaf_count: Leaf categories.
    """

    paths: Sequence[tuple[str, ...]]
    path_names: Sequence[str]
    paths_index: PrefixIndex
    brands: Sequence[str]
    brands_index: PrefixIndex
    path_of_pair: np.ndarray
    leaf_of_pair: np.ndarray
    leaf_count: int

    @classmethod
    def of(cls, catalog: Catalog) -> ShopNames:
        """All that there are at this moment."""
        leaf_count, brands = len(catalog.category_codes.names), list(catalog.brand_codes.names)
        numbers: dict[tuple[str, ...], int] = {}
        pairs: list[tuple[int, int]] = []
        for leaf in range(leaf_count):
            path = catalog.category_path(leaf)
            for depth in range(1, len(path) + 1):
                pairs.append((numbers.setdefault(path[:depth], len(numbers)), leaf))
        path_names = [path[-1] for path in numbers]
        both = np.array(pairs, np.int64).reshape(-1, 2)
        return cls(
            list(numbers),
            path_names,
            PrefixIndex.of(path_names),
            brands,
            PrefixIndex.of(brands),
            both[:, 0],
            both[:, 1],
            leaf_count,
        )

    def are_all_of(self, catalog: Catalog) -> bool:
        """Whether no name has come in since."""
        codes = catalog.category_codes, catalog.brand_codes
        return (self.leaf_count, len(self.brands)) == tuple(len(one.names) for one in codes)

    def weights(self, catalog: Catalog, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How much each path and each brand is wanted.

        Args:
            wanted: ``[items] float64`` how much each item is; 0 for what cannot be bought.

        Returns:
            ``[paths] float32`` and ``[brands] float32`` logarithms; −1 where there is nothing.
        """
        count = len(wanted)
        of_leaf = np.bincount(catalog.leaf[:count], wanted, len(catalog.category_codes.names))
        of_path = np.bincount(
            self.path_of_pair, of_leaf[self.leaf_of_pair], minlength=len(self.paths)
        )
        of_brand = np.bincount(catalog.brand[:count], wanted, len(catalog.brand_codes.names))
        return _log_weights(of_path), _log_weights(of_brand[: len(self.brands)])


def _log_weights(wanted: np.ndarray) -> np.ndarray:
    return np.where(wanted > 0, np.log1p(wanted), -1.0).astype(np.float32)
