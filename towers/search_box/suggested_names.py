"""Names of categories and brands for completion, weighted by demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.catalog.items import Catalog
from towers.indexes.prefix_index import PrefixIndex


@dataclass(frozen=True)
class SuggestedNames:
    """The category and brand names of a catalogue.

    Args:
        paths: Category paths, inner categories included.
        path_names: The last name of each path.
        paths_index, brands_index: Prefix indexes of path names and brands.
        brands: Names of brands, by their code.
        path_of_pair, leaf_of_pair: ``[pairs] int64`` pairs of a path and a leaf category under it.
        leaf_count: Number of leaf categories.
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
    def of(cls, catalog: Catalog) -> SuggestedNames:
        """The current names of a catalogue."""
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
        """Whether the catalogue has no new names since."""
        codes = catalog.category_codes, catalog.brand_codes
        return (self.leaf_count, len(self.brands)) == tuple(len(one.names) for one in codes)

    def weights(self, catalog: Catalog, demand: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Demand for each path and each brand.

        Args:
            demand: ``[items] float64`` demand for each item; 0 where it is not available.

        Returns:
            ``[paths] float32`` and ``[brands] float32`` log demand; −1 where there is none.
        """
        count = len(demand)
        of_leaf = np.bincount(catalog.leaf[:count], demand, len(catalog.category_codes.names))
        of_path = np.bincount(
            self.path_of_pair, of_leaf[self.leaf_of_pair], minlength=len(self.paths)
        )
        of_brand = np.bincount(catalog.brand[:count], demand, len(catalog.brand_codes.names))
        return _log_weights(of_path), _log_weights(of_brand[: len(self.brands)])


def _log_weights(demand: np.ndarray) -> np.ndarray:
    return np.where(demand > 0, np.log1p(demand), -1.0).astype(np.float32)
