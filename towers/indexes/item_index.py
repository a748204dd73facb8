"""Nearest items by inner product of unit vectors: ScaNN or exact search, with a live overlay."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from towers.config import IndexConfig
from towers.falling_order import falling_order
from towers.indexes.index_tuning import IndexTrial, Sample, measured, tuned
from towers.indexes.inner_products import set_products
from towers.indexes.vector_overlay import VectorOverlay
from towers.indexes.vector_search import IndexShape as IndexShape
from towers.indexes.vector_search import (
    built_searcher,
    load_searcher,
    save_searcher,
    searched_rows,
)
from towers.indexes.vector_search import checked_embeddings as checked_embeddings
from towers.indexes.vector_search import exact_top as exact_top
from towers.indexes.vector_search import largest as largest

_LEAST_ROOM = 1_024
_TRIALS_NAME = "tuning.json"
_LEAST_OVERLAY = 20_000
_OVERLAY_PART = 50
"""An overlay of this part of the items, if it is above ``_LEAST_OVERLAY``, makes a rebuild due: a rebuild
of 100,000 items takes seconds of a core, as much as the overlay costs some 50,000 searches."""


class ItemIndex:
    """The nearest items of a query embedding.

    The ScaNN part is immutable. Items added or changed since it was built are in an overlay that is
    searched exactly; rows whose indexed vector is outdated are removed from ScaNN's results. Once the
    overlay is large, ``rebuild`` moves it into a new ScaNN part, while searches and changes go on.

    Args:
        embeddings: ``[rows, dim] float32`` unit rows, also of the overlay's items.
        searcher: Built over the first ``shape.item_count`` rows.
        shape: How it was built.
        trials: What its tuning measured.
    """

    def __init__(
        self,
        embeddings: np.ndarray,
        searcher: object,
        shape: IndexShape,
        trials: Sequence[IndexTrial] = (),
    ) -> None:
        self.embeddings = embeddings
        self.trials = tuple(trials)
        self._lock = threading.Lock()
        # Rows changed while a rebuild is going on; None while none is.
        self._changed_meanwhile: set[int] | None = None
        self._built = _Built(searcher, shape, VectorOverlay(shape.dim, shape.item_count))

    @property
    def shape(self) -> IndexShape:
        """How the ScaNN part was built."""
        return self._built.shape

    @classmethod
    def build(
        cls, embeddings: np.ndarray, config: IndexConfig, sample_queries: np.ndarray
    ) -> ItemIndex:
        """Builds the index, tuned to the recall target by ``index_tuning``.

        Args:
            embeddings: ``[items, dim] float32`` unit rows.
            sample_queries: ``[n, dim] float32`` unit rows, representative of the traffic.

        Raises:
            InputError: A row is not finite or not of length 1.
        """
        rows = checked_embeddings(embeddings, "item embeddings")
        queries = checked_embeddings(sample_queries, "sample queries", rows.shape[1])
        if len(rows) <= config.exact_item_limit:
            shape = IndexShape(len(rows), rows.shape[1], 0, 0, 0, 1.0)
            return cls(rows, built_searcher(rows, shape), shape)
        return cls(rows, *tuned(rows, config, queries))

    def search(self, query: np.ndarray, count: int) -> np.ndarray:
        """Rows of about the ``count`` nearest items, best first, ``[≤ count] int64``.

        Args:
            query: ``[dim] float32``, finite.
        """
        built = self._built
        rows = _indexed(built, query, count)
        if built.overlay.count and count:
            indexed = self.embeddings.take(rows, axis=0) @ query
            # What is further than all of ``count`` indexed ones is not among the nearest.
            least = float(indexed.min()) if len(rows) >= count else -math.inf
            others, scores = built.overlay.nearest(query, least)
            rows = np.concatenate([rows, others])
            rows = rows[falling_order(np.concatenate([indexed, scores]), rows)]
        return rows[:count]

    def search_among(self, query: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        """The same among some rows only, exactly."""
        return rows[largest(self.scores(query, rows), count)]

    def scores(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Products of ``query [dim] float32`` with ``rows [n] int64``, ``[n] float32``.

        Raises:
            IndexError: A row has no vector.
        """
        embeddings = self.embeddings
        if len(rows) and rows.max() >= len(embeddings):
            raise IndexError(f"rows: expected below {len(embeddings)}, received {rows.max()}")
        found = np.empty(len(rows), np.float32)
        set_products(embeddings, rows, query, found)
        return found

    def put(self, row: int, embedding: np.ndarray) -> None:
        """Adds or changes the vector of one item; as ``put_all``."""
        self.put_all([row], embedding[None])

    def put_all(self, rows: Sequence[int], embeddings: np.ndarray) -> None:
        """Adds or changes the vectors of some items, found from the next search on.

        Args:
            rows: Of the items; if one occurs more than once, the last vector counts.
            embeddings: ``[n, dim] float32`` unit rows.

        Raises:
            InputError: A row is not a finite vector of length 1; nothing has changed.
        """
        vectors = checked_embeddings(embeddings, "item embedding", self.shape.dim)
        with self._lock:
            end = max(rows, default=-1) + 1
            if end > len(self.embeddings):
                extra = max(_LEAST_ROOM, end - len(self.embeddings), len(self.embeddings) // 8)
                room = np.zeros((extra, self.shape.dim), np.float32)
                self.embeddings = np.concatenate([self.embeddings, room])
            for row, vector in zip(rows, vectors, strict=True):
                self.embeddings[row] = vector
                self._built.overlay.put(row, vector)
            if self._changed_meanwhile is not None:
                self._changed_meanwhile.update(rows)

    def measured(self, sample: Sample) -> IndexTrial:
        """The ScaNN part as it is searched now, by sample queries."""
        searcher, shape, _ = self._built
        return measured(sample, searcher, shape)._replace(is_chosen=True)

    @property
    def overlay_count(self) -> int:
        """Items searched exactly beside ScaNN; each 1,000 add some 5 µs to a search."""
        return self._built.overlay.count

    @property
    def is_rebuild_due(self) -> bool:
        """Whether the overlay has grown so large that searches get slower by it."""
        return self.overlay_count > max(_LEAST_OVERLAY, self.shape.item_count // _OVERLAY_PART)

    def rebuild(self) -> None:
        """Builds the ScaNN part anew over all items; searches and changes go on meanwhile.

        Changes made meanwhile are in the overlay afterwards. A tree keeps its share of leaves searched,
        so that recall stays about as it was. One rebuild at a time.

        Raises:
            InputError: A row is not finite or not of length 1.
        """
        with self._lock:
            self._changed_meanwhile = set()
            embeddings, shape = self.embeddings, self.shape
        try:
            # A row without a vector yet ends the part that can be indexed.
            empty = np.flatnonzero(~embeddings[shape.item_count :].any(axis=1))
            count = shape.item_count + int(empty[0]) if len(empty) else len(embeddings)
            rows = checked_embeddings(embeddings[:count], "item embeddings", shape.dim)
            shape = shape.scaled(count)
            searcher = built_searcher(rows, shape, thread_count=1)
            with self._lock:
                overlay = VectorOverlay(shape.dim, count)
                for row in self._built.overlay.rows.tolist():
                    if row >= count or row in self._changed_meanwhile:
                        overlay.put(row, self.embeddings[row])
                self._built = _Built(searcher, shape, overlay)
        finally:
            self._changed_meanwhile = None

    def save(self, folder: Path) -> None:
        """Writes the searcher and its shape into an existing folder; embeddings are saved apart."""
        (folder / "shape.json").write_text(json.dumps(asdict(self.shape)), encoding="utf-8")
        if self.trials:
            text = json.dumps([trial._asdict() for trial in self.trials])
            (folder / _TRIALS_NAME).write_text(text, encoding="utf-8")
        save_searcher(self._built.searcher, folder / "scann")

    @classmethod
    def load(cls, folder: Path, embeddings: np.ndarray) -> ItemIndex:
        """The index that ``save`` wrote, over the same embeddings."""
        shape = IndexShape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        rows = checked_embeddings(embeddings, "item embeddings", shape.dim)
        trials: list[IndexTrial] = []
        if (folder / _TRIALS_NAME).exists():
            text = (folder / _TRIALS_NAME).read_text(encoding="utf-8")
            trials = [IndexTrial(**trial) for trial in json.loads(text)]
        return cls(rows, load_searcher(folder / "scann"), shape, trials)


class _Built(NamedTuple):
    """What a search reads, replaced as one by a rebuild."""

    searcher: Any
    shape: IndexShape
    overlay: VectorOverlay


def _indexed(built: _Built, query: np.ndarray, count: int) -> np.ndarray:
    """Rows of the ``count`` nearest items of the ScaNN part that are not outdated, best first."""
    shape, overlay = built.shape, built.overlay
    outdated_count = overlay.outdated_count
    fetched = min(count, shape.item_count)
    if outdated_count:
        # About as many more as are outdated among the nearest.
        fetched += 8 + count * outdated_count // max(1, shape.item_count - outdated_count)
        fetched = min(fetched, shape.item_count)
    while True:
        rows = searched_rows(built.searcher, shape, query, fetched)
        if not outdated_count:
            return rows
        kept = rows[~overlay.is_outdated[rows]]
        if len(kept) >= count or len(rows) < fetched or fetched == shape.item_count:
            return kept[:count]
        fetched = min(shape.item_count, 4 * fetched)
