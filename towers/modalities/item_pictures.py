"""The pictures of a catalogue as vectors, and the nearest of them to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from towers.config import IndexConfig
from towers.indexes.item_index import ItemIndex
from towers.modalities.images import ImageEncoder
from towers.modalities.item_vectors import ContentVectors, ItemVectors, loaded_vectors

_SAMPLE_COUNT = 200


@dataclass(frozen=True, eq=False)
class ItemPictures(ItemVectors[ImageEncoder]):
    """The pictures of a bundle's items, and the index over them.

    Args:
        index: Over ``contents.vectors``.
    """

    index: ItemIndex

    @classmethod
    def build(
        cls,
        encoder: ImageEncoder,
        contents: ContentVectors,
        config: IndexConfig,
        weights: np.ndarray,
    ) -> Self:
        """Builds the index."""
        sample = contents.vectors[:: max(1, len(contents.vectors) // _SAMPLE_COUNT)]
        index = ItemIndex.build(contents.vectors, config, sample)
        return cls(encoder, contents, weights, index)

    def nearest(
        self, vector: np.ndarray, allowed: np.ndarray, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The items with the most similar pictures.

        Args:
            vector: ``[dim] float32``, a unit vector of a picture.
            allowed: ``[rows] bool``, the items that may be shown.

        Returns:
            ``[≤ count] int64`` rows, best first, and their cosines ``float32``.
        """
        rows = self.contents.rows
        places = np.flatnonzero(allowed[rows]) if len(rows) else rows
        if not len(places):
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if len(places) == len(rows):
            found = self.index.search(vector, count)
        else:
            found = self.index.search_among(vector, places, count)
        return rows[found], self.index.scores(vector, found)

    def save(self, folder: Path) -> None:
        """Writes vectors and index into an existing folder; the encoder is a file of the bundle."""
        super().save(folder)
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, encoder: ImageEncoder, item_count: int) -> Self:
        """What ``save`` wrote.

        Raises:
            BundleError: Numbers of rows, vectors and items do not fit, or a value is out of its range.
        """
        contents, weights = loaded_vectors(folder, encoder, item_count)
        return cls(encoder, contents, weights, ItemIndex.load(folder, contents.vectors))
