"""The semantic source: items whose text means what the query means, by a large text encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.errors import BundleError
from data.records import Item
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.result_cache import ResultCache
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import NO_ROWS, Found, Rebase, Source, TextVectors, TrainingData
from towers.retrieval.sources.learnt import nearest_allowed
from towers.text.distilled_encoder import DistilledEncoder
from towers.text.parsed_query import ParsedQuery
from towers.text.words import words

_VECTORS_NAME = "vectors.npy"
_KEYS_NAME = "keys.npy"
_ENCODER_NAME = "encoder"
_QUERY_BYTES = 16_000_000


def item_text(item: Item) -> str:
    """What the large encoder reads of an item: its title and its narrowest category."""
    leaf = item.category[-1] if item.category else ""
    return f"{item.title}. {leaf}" if leaf and leaf not in item.title else item.title


def text_keys(items: Sequence[Item]) -> np.ndarray:
    """A hash of what the large encoder reads of each item, ``[items] uint64``."""
    digests = (hashlib.blake2b(item_text(item).encode(), digest_size=8) for item in items)
    return np.array([int.from_bytes(one.digest(), "little") for one in digests], np.uint64)


class Semantic(Source):
    """Nearest neighbours of the query among the items' text vectors.

    A large encoder has read the items; queries, and items changed since, are read by the small encoder
    distilled from it. Where no large encoder was installed in training, the source finds nothing.

    Args:
        text: The items' vectors and the small encoder; None where there was none in training.
    """

    name: ClassVar[str] = "semantic"
    reads_events: ClassVar[bool] = False

    def __init__(self, text: TextVectors | None) -> None:
        self._text = text
        self._originals: dict[int, np.ndarray] = {}
        # What the encoder makes of a query does not depend on the items.
        self._queries: ResultCache[tuple[str, ...], np.ndarray] = ResultCache(_QUERY_BYTES)
        self._forget_items()

    @property
    def index(self) -> ItemIndex | None:
        """The index over the items' text vectors; None where there are none."""
        return None if self._text is None else self._text.index

    @property
    def is_empty(self) -> bool:
        """Whether it finds nothing."""
        return self._text is None

    @classmethod
    def applies_to(cls, encoded: EncodedRequest) -> bool:
        """Where the request has a query, or the session a pending search."""
        return bool(encoded.text)

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """Over the items' text vectors."""
        return cls(data.text)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The nearest ``config.semantic_count``."""
        if self._text is None or not encoded.text or not config.semantic_count:
            return Found()
        count = config.semantic_count
        if allowed.is_everything:
            key = (encoded.query.corrected_stems, count)
            nearest = self._nearest.of(key, lambda: self._found(encoded.query, allowed, count))
            # Items may have been deleted since.
            return Found(allowed.only(nearest))
        return Found(self._found(encoded.query, allowed, count))

    def _found(self, query: ParsedQuery, allowed: AllowedItems, count: int) -> np.ndarray:
        assert self._text is not None
        vector = self.query_vector(query)
        if not np.count_nonzero(vector):
            return NO_ROWS
        return nearest_allowed(self._text.index, vector, allowed, count)

    def query_vector(self, query: ParsedQuery) -> np.ndarray:
        """``[dim] float32`` unit vector of a query; zeros where none of its words is known."""
        if self._text is None:
            return np.zeros(0, np.float32)
        encoder = self._text.encoder
        stems = query.corrected_stems
        return self._queries.of(stems, lambda: encoder.encode(stems))

    @property
    def vectors(self) -> np.ndarray:
        """``[rows, dim] float32`` unit vectors of the items' texts; none where there is no encoder."""
        if self._text is None:
            return np.zeros((0, 0), np.float32)
        return self._text.index.embeddings

    def scores(self, query: ParsedQuery, rows: np.ndarray) -> np.ndarray:
        """Cosines of the query with ``rows``, ``[n] float32``; 0 where there is no vector."""
        vector = self.query_vector(query)
        if self._text is None or not vector.any():
            return np.zeros(len(rows), np.float32)
        vectors = self._text.index.embeddings
        # An item is listed a moment before its vector is there.
        found = vectors.take(rows, axis=0, mode="clip") @ vector
        return np.where(rows < len(vectors), found, np.float32(0))

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Reads changed items by the small encoder; a known text keeps the large one's vector."""
        if self._text is None:
            return
        index, keys = self._text.index, self._text.keys
        put: dict[int, np.ndarray] = {}
        for (row, item), key in zip(changes, text_keys([item for _, item in changes]), strict=True):
            if row < len(keys) and row not in self._originals:
                self._originals[row] = index.embeddings[row].copy()
            if row < len(keys) and keys[row] == key:
                vector = self._originals[row]
            else:
                vector = _unit(self._text.encoder.encode(words(item_text(item))))
            if row >= len(index.embeddings) or not np.array_equal(index.embeddings[row], vector):
                put[row] = vector
        if put:
            index.put_all([*put], np.stack([*put.values()]))
        self._forget_items()

    def save(self, folder: Path) -> None:
        """Writes vectors, index and small encoder; nothing where there are none."""
        if self._text is None:
            return
        np.save(folder / _VECTORS_NAME, self._text.index.embeddings)
        np.save(folder / _KEYS_NAME, self._text.keys)
        self._text.index.save(folder)
        (folder / _ENCODER_NAME).mkdir()
        self._text.encoder.save(folder / _ENCODER_NAME)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote.

        Raises:
            BundleError: The numbers of vectors and items differ.
        """
        if not (folder / _VECTORS_NAME).exists():
            return cls(None)
        vectors = np.load(folder / _VECTORS_NAME, allow_pickle=False)
        keys = np.load(folder / _KEYS_NAME, allow_pickle=False)
        if not len(vectors) == len(keys) == catalog.count:
            raise BundleError(
                f"{_VECTORS_NAME}: expected {catalog.count:,} rows, received {len(vectors):,}"
            )
        index = ItemIndex.load(folder, vectors)
        return cls(TextVectors(index, DistilledEncoder.load(folder / _ENCODER_NAME), keys))

    def rebased(self, rebase: Rebase) -> Self:
        """The same encoder over other items; a text that was known keeps its vector."""
        if self._text is None:
            return type(self)(None)
        keys = text_keys(rebase.items)
        row_of = {key: row for row, key in enumerate(self._text.keys.tolist())}
        vectors = np.zeros((len(keys), self._text.encoder.dim), np.float32)
        for row, (key, item) in enumerate(zip(keys.tolist(), rebase.items, strict=True)):
            known = row_of.get(key, -1)
            if known >= 0:
                vectors[row] = self._originals.get(known, self._text.index.embeddings[known])
            else:
                vectors[row] = _unit(self._text.encoder.encode(words(item_text(item))))
        sample = vectors[:: max(1, len(vectors) // 200)]
        index = ItemIndex.build(vectors, rebase.index_config, sample)
        return type(self)(TextVectors(index, self._text.encoder, keys))

    def _forget_items(self) -> None:
        self._nearest: ResultCache[tuple[tuple[str, ...], int], np.ndarray] = ResultCache(
            _QUERY_BYTES
        )


def _unit(vector: np.ndarray) -> np.ndarray:
    # A text without a known word gets a fixed direction, as an item without words does.
    return vector if vector.any() else np.full_like(vector, 1.0 / np.sqrt(len(vector)))
