"""The pictures of a catalogue as vectors, by content, and the nearest of them to a picture."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.errors import BundleError, InputError
from data.pictures.picture import picture_of, read_content
from data.records import Item
from towers.config import IndexConfig
from towers.indexes.item_index import ItemIndex
from towers.modalities.images import ImageEncoder

_ROWS_NAME, _VECTORS_NAME, _KEYS_NAME = "rows.npy", "vectors.npy", "keys.npy"
_WEIGHTS_NAME = "weights.npy"
_BATCH_SIZE, _BATCH_BYTES = 1_024, 64 * 1024 * 1024
_SAMPLE_COUNT = 200


class PictureVectors(NamedTuple):
    """The items whose picture could be read.

    Args:
        rows: ``[m] int64`` ascending rows of items.
        vectors: ``[m, dim] float32`` unit rows.
        keys: ``[m] uint64`` hashes of the pictures' bytes.
        refused: What was wrong with the pictures of others, counted by a message.
    """

    rows: np.ndarray
    vectors: np.ndarray
    keys: np.ndarray
    refused: Mapping[str, int]

    def of_all(self, item_count: int) -> np.ndarray:
        """``[items, dim] float32``: zeros for items without a picture."""
        found = np.zeros((item_count, self.vectors.shape[1]), np.float32)
        found[self.rows] = self.vectors
        return found


def encoded_pictures(
    items: Sequence[Item],
    encoder: ImageEncoder,
    *,
    known: PictureVectors | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> PictureVectors:
    """Reads and encodes the items' pictures; of each content once.

    Args:
        known: Pictures encoded before by the same encoder, of whatever items.
        progress: Called with the number of items done so far.
    """
    vector_of: dict[int, np.ndarray] = {}
    if known is not None:
        vector_of = dict(zip(known.keys.tolist(), known.vectors, strict=True))
    rows: list[int] = []
    keys: list[int] = []
    refused: Counter[str] = Counter()
    start = 0
    while start < len(items):
        # In parts, since their bytes are in memory together.
        contents: dict[int, bytes] = {}
        key_of: dict[int, int] = {}
        byte_count, end = 0, start
        while end < min(start + _BATCH_SIZE, len(items)) and byte_count < _BATCH_BYTES:
            row, end = end, end + 1
            picture = picture_of(items[row].image)
            if picture is None:
                continue
            try:
                content = read_content(picture)
            except InputError as error:
                refused.update([_without_value(str(error))])
                continue
            key_of[row] = content_key(content)
            if key_of[row] not in vector_of and key_of[row] not in contents:
                contents[key_of[row]] = content
                byte_count += len(content)
        faults: dict[int, str] = {}
        new = list(contents)
        vectors, present = encoder.encode(list(contents.values()), refused=faults.__setitem__)
        fault_of = {new[position]: why for position, why in faults.items()}
        for position in np.flatnonzero(present).tolist():
            vector_of[new[position]] = vectors[position]
        for row, key in key_of.items():
            if key in vector_of:
                rows.append(row)
                keys.append(key)
            else:
                refused.update([_without_value(fault_of[key])])
        start = end
        progress(end)
    found = np.array([vector_of[key] for key in keys], np.float32).reshape(len(keys), encoder.dim)
    return PictureVectors(np.array(rows, np.int64), found, np.array(keys, np.uint64), refused)


def content_key(content: bytes) -> int:
    """A 64-bit hash of a picture's bytes."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _without_value(message: str) -> str:
    return message.partition(", received")[0]


@dataclass(frozen=True, eq=False)
class ItemPictures:
    """The encoder of a bundle, and the index over the pictures of its items.

    Args:
        encoder: Reads pictures.
        pictures: Of the catalogue.
        index: Over ``pictures.vectors``.
        weights: ``[items] float32`` weight of each item's picture in its embedding, 0 to 1; words have
            the rest.
    """

    encoder: ImageEncoder
    pictures: PictureVectors
    index: ItemIndex
    weights: np.ndarray

    @classmethod
    def build(
        cls,
        encoder: ImageEncoder,
        pictures: PictureVectors,
        config: IndexConfig,
        weights: np.ndarray,
    ) -> ItemPictures:
        """Builds the index."""
        sample = pictures.vectors[:: max(1, len(pictures.vectors) // _SAMPLE_COUNT)]
        return cls(encoder, pictures, ItemIndex.build(pictures.vectors, config, sample), weights)

    def weight_of(self, row: int) -> float:
        """The weight of an item's picture in its embedding; 0 for an item added since."""
        return float(self.weights[row]) if row < len(self.weights) else 0.0

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
        rows = self.pictures.rows
        places = np.flatnonzero(allowed[rows]) if len(rows) else rows
        if len(places) == len(rows):
            found = self.index.search(vector, count)
        else:
            found = self.index.search_among(vector, places, count)
        return rows[found], self.index.scores(vector, found)

    def save(self, folder: Path) -> None:
        """Writes vectors and index into an existing folder; the encoder is a file of the bundle."""
        np.save(folder / _ROWS_NAME, self.pictures.rows)
        np.save(folder / _VECTORS_NAME, self.pictures.vectors)
        np.save(folder / _KEYS_NAME, self.pictures.keys)
        np.save(folder / _WEIGHTS_NAME, self.weights)
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, encoder: ImageEncoder, item_count: int) -> ItemPictures:
        """What ``save`` wrote.

        Raises:
            BundleError: Numbers of rows, vectors and items do not fit, or a value is out of its range.
        """
        rows, vectors, keys, weights = (
            np.load(folder / name, allow_pickle=False)
            for name in (_ROWS_NAME, _VECTORS_NAME, _KEYS_NAME, _WEIGHTS_NAME)
        )
        if not len(rows) == len(vectors) == len(keys) <= item_count == len(weights):
            raise BundleError(
                f"pictures: expected a vector for each of at most {item_count:,} items, received"
                f" {len(vectors):,} for {len(rows):,}"
            )
        if vectors.shape[1:] != (encoder.dim,):
            raise BundleError(
                f"pictures: expected vectors of length {encoder.dim}, received {vectors.shape}"
            )
        _check_values(rows, vectors, weights)
        pictures = PictureVectors(rows, vectors, keys, {})
        return cls(encoder, pictures, ItemIndex.load(folder, vectors), weights)


def _check_values(rows: np.ndarray, vectors: np.ndarray, weights: np.ndarray) -> None:
    # Each would change answers silently, or fail in the middle of one.
    if rows.dtype != np.int64 or (
        len(rows) and (rows[0] < 0 or rows[-1] >= len(weights) or (np.diff(rows) <= 0).any())
    ):
        raise BundleError(
            f"pictures: expected ascending rows of {len(weights):,} items, int64,"
            f" received others or {rows.dtype}"
        )
    if vectors.dtype != np.float32 or not np.isfinite(vectors).all():
        raise BundleError(
            f"pictures: expected finite vectors, float32, received others or {vectors.dtype}"
        )
    # NaN is in no range.
    if weights.dtype != np.float32 or not ((weights >= 0) & (weights <= 1)).all():
        raise BundleError(
            f"pictures: expected weights from 0 to 1, float32, received others or {weights.dtype}"
        )
