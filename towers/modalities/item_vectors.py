"""The pictures or sounds of a catalogue as vectors, by content, and their weights in embeddings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, Self, TypeVar

import numpy as np

from data.errors import BundleError, InputError
from data.media.medium import Place
from data.records import Item
from towers.config import IndexConfig
from towers.modalities.encoder import Encoder

E = TypeVar("E", bound=Encoder)

_ROWS_NAME, _VECTORS_NAME, _KEYS_NAME = "rows.npy", "vectors.npy", "keys.npy"
_WEIGHTS_NAME = "weights.npy"
_BATCH_SIZE, _BATCH_BYTES = 1_024, 64 * 1024 * 1024


class ContentVectors(NamedTuple):
    """The items whose picture or sound could be read.

    Args:
        rows: ``[m] int64`` ascending rows of items.
        vectors: ``[m, dim] float32`` unit rows.
        keys: ``[m] uint64`` hashes of the contents.
        refused: What was wrong with the contents of others, counted by a message.
    """

    rows: np.ndarray
    vectors: np.ndarray
    keys: np.ndarray
    refused: Mapping[str, int]

    def of_all(self, item_count: int) -> np.ndarray:
        """``[items, dim] float32``: zeros for items without one."""
        found = np.zeros((item_count, self.vectors.shape[1]), np.float32)
        found[self.rows] = self.vectors
        return found


def encoded_contents(
    items: Sequence[Item],
    encoder: Encoder,
    *,
    known: ContentVectors | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> ContentVectors:
    """Reads and encodes the items' pictures or sounds; each content once.

    Args:
        known: Contents encoded before by the same encoder, of whatever items.
        progress: Called with the number of items done so far.
    """
    medium = encoder.medium
    vector_of: dict[int, np.ndarray] = {}
    if known is not None:
        vector_of = dict(zip(known.keys.tolist(), known.vectors, strict=True))
    rows: list[int] = []
    keys: list[int] = []
    refused: Counter[str] = Counter()
    start = 0
    while start < len(items):
        # In parts, since their bytes are in memory together.
        contents: dict[int, bytes | Place] = {}
        key_of: dict[int, int] = {}
        byte_count, end = 0, start
        while end < min(start + _BATCH_SIZE, len(items)) and byte_count < _BATCH_BYTES:
            row, end = end, end + 1
            place = medium.place_of(items[row])
            if place is None:
                continue
            try:
                content, key = medium.opened(place)
            except InputError as error:
                refused.update([without_value(str(error))])
                continue
            key_of[row] = key
            if key not in vector_of and key not in contents:
                contents[key] = content
                byte_count += len(content) if isinstance(content, bytes) else 0
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
                refused.update([without_value(fault_of[key])])
        start = end
        progress(end)
    found = np.array([vector_of[key] for key in keys], np.float32).reshape(len(keys), encoder.dim)
    return ContentVectors(np.array(rows, np.int64), found, np.array(keys, np.uint64), refused)


def without_value(message: str) -> str:
    """A message without what was received, so that equal faults are counted together."""
    return message.partition(", received")[0]


@dataclass(frozen=True, eq=False)
class ItemVectors(Generic[E]):
    """The encoder of a bundle, and the pictures or sounds of its items as read by it.

    Args:
        encoder: Reads them.
        contents: Of the catalogue.
        weights: ``[items] float32`` weight of each item's picture or sound in its embedding, 0 to 1;
            words and other modalities have the rest.
    """

    encoder: E
    contents: ContentVectors
    weights: np.ndarray

    @classmethod
    def build(
        cls, encoder: E, contents: ContentVectors, config: IndexConfig, weights: np.ndarray
    ) -> Self:
        """With what is made of the vectors, such as an index."""
        del config
        return cls(encoder, contents, weights)

    def weight_of(self, row: int) -> float:
        """The weight in an item's embedding; 0 for an item added since."""
        return float(self.weights[row]) if row < len(self.weights) else 0.0

    def save(self, folder: Path) -> None:
        """Writes the vectors into an existing folder; the encoder is a file of the bundle."""
        np.save(folder / _ROWS_NAME, self.contents.rows)
        np.save(folder / _VECTORS_NAME, self.contents.vectors)
        np.save(folder / _KEYS_NAME, self.contents.keys)
        np.save(folder / _WEIGHTS_NAME, self.weights)

    @classmethod
    def load(cls, folder: Path, encoder: E, item_count: int) -> Self:
        """What ``save`` wrote.

        Raises:
            BundleError: Numbers of rows, vectors and items do not fit, or a value is out of its range.
        """
        return cls(encoder, *loaded_vectors(folder, encoder, item_count))


def loaded_vectors(
    folder: Path, encoder: Encoder, item_count: int
) -> tuple[ContentVectors, np.ndarray]:
    """The vectors and weights that ``ItemVectors.save`` wrote.

    Raises:
        BundleError: Numbers of rows, vectors and items do not fit, or a value is out of its range.
    """
    what = f"{encoder.medium.noun}s"
    rows, vectors, keys, weights = (
        np.load(folder / name, allow_pickle=False)
        for name in (_ROWS_NAME, _VECTORS_NAME, _KEYS_NAME, _WEIGHTS_NAME)
    )
    if not len(rows) == len(vectors) == len(keys) <= item_count == len(weights):
        raise BundleError(
            f"{what}: expected a vector for each of at most {item_count:,} items, received"
            f" {len(vectors):,} for {len(rows):,}"
        )
    if vectors.shape[1:] != (encoder.dim,):
        raise BundleError(
            f"{what}: expected vectors of length {encoder.dim}, received {vectors.shape}"
        )
    _check_values(what, rows, vectors, weights)
    return ContentVectors(rows, vectors, keys, {}), weights


def _check_values(what: str, rows: np.ndarray, vectors: np.ndarray, weights: np.ndarray) -> None:
    # Each would change answers silently, or fail in the middle of one.
    if rows.dtype != np.int64 or (
        len(rows) and (rows[0] < 0 or rows[-1] >= len(weights) or (np.diff(rows) <= 0).any())
    ):
        raise BundleError(
            f"{what}: expected ascending rows of {len(weights):,} items, int64,"
            f" received others or {rows.dtype}"
        )
    if vectors.dtype != np.float32 or not np.isfinite(vectors).all():
        raise BundleError(
            f"{what}: expected finite vectors, float32, received others or {vectors.dtype}"
        )
    # NaN is in no range.
    if weights.dtype != np.float32 or not ((weights >= 0) & (weights <= 1)).all():
        raise BundleError(
            f"{what}: expected weights from 0 to 1, float32, received others or {weights.dtype}"
        )
