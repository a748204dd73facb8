"""Nearest items by inner product of unit vectors: ScaNN or exact search, with a live overlay."""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data.errors import InputError
from towers.config import IndexConfig
from towers.indexes.vector_overlay import VectorOverlay


def _import_scann() -> object:
    # Where TensorFlow is installed, ScaNN imports it for operations that are not used here, at a
    # cost of 4.7 s and 500 MB. A None in sys.modules makes that optional import fail.
    hidden = "tensorflow" not in sys.modules
    if hidden:
        sys.modules["tensorflow"] = None  # type: ignore[assignment]
    try:
        import scann

        return scann.scann_ops_pybind
    finally:
        if hidden:
            del sys.modules["tensorflow"]


_scann = _import_scann()


_ROWS_AT_ONCE = 262_144
_DEFAULT_COUNT = 100
_TRAINING_SAMPLE = 250_000
_LEAST_ROOM = 1_024
_LEAST_OVERLAY = 4_000
_OVERLAY_PART = 50
"""An overlay of this part of the items, if it is above ``_LEAST_OVERLAY``, makes a rebuild due."""


@dataclass(frozen=True)
class IndexShape:
    """Parameters chosen when the index was built; ``leaf_count`` 0 means exact search."""

    item_count: int
    dim: int
    leaf_count: int
    leaves_searched: int
    reordered_count: int
    recall: float

    def scaled(self, item_count: int) -> IndexShape:
        """The shape for another number of items: leaves grow with its root, shares searched stay."""
        if not self.leaf_count:
            return replace(self, item_count=item_count)
        growth = float(np.sqrt(item_count / self.item_count))
        return replace(
            self,
            item_count=item_count,
            leaf_count=max(1, round(growth * self.leaf_count)),
            leaves_searched=max(1, round(growth * self.leaves_searched)),
        )


def checked_embeddings(embeddings: np.ndarray, what: str, dim: int | None = None) -> np.ndarray:
    """The rows as contiguous float32, checked: a NaN would crash ScaNN.

    Raises:
        InputError: Not ``[n, dim]`` finite unit rows.
    """
    rows = np.ascontiguousarray(embeddings, np.float32)
    if rows.ndim != 2 or (dim is not None and rows.shape[1] != dim):
        raise InputError(f"{what}: expected [n, {dim or 'dim'}], received {list(rows.shape)}")
    norms = np.linalg.norm(rows, axis=1)
    bad = np.flatnonzero(~(np.abs(norms - 1.0) < 1e-3))
    if len(bad):
        raise InputError(
            f"{what}: expected finite rows of length 1, received length {norms[bad[0]]:g}"
            f" in row {bad[0]:,}"
        )
    return rows


def exact_top(embeddings: np.ndarray, query: np.ndarray, count: int) -> np.ndarray:
    """Rows of the ``count`` largest products with ``query``, best first, by exact search."""
    return largest(embeddings @ query, count)


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Positions of the ``count`` largest scores, best first, ties to the lower position."""
    positions = np.arange(len(scores))
    if 0 < count < len(scores):
        # Only scores that reach the count-th largest have to be sorted.
        positions = np.flatnonzero(scores >= np.partition(scores, -count)[-count])
    return positions[np.lexsort((positions, -scores[positions]))[:count]]


class ItemIndex:
    """The nearest items of a query embedding.

    The ScaNN part is immutable. Items added or changed since it was built are in an overlay that is
    searched exactly; rows whose indexed vector is outdated are removed from ScaNN's results. Once the
    overlay is large, ``rebuild`` moves it into a new ScaNN part, while searches and changes go on.

    Args:
        embeddings: ``[rows, dim] float32`` unit rows, also of the overlay's items.
        searcher: Built over the first ``shape.item_count`` rows.
        shape: How it was built.
    """

    def __init__(self, embeddings: np.ndarray, searcher: object, shape: IndexShape) -> None:
        self.embeddings = embeddings
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
        """Builds the index and tunes the number of leaves searched to the recall target.

        Args:
            embeddings: ``[items, dim] float32`` unit rows.
            sample_queries: ``[n, dim] float32`` unit rows, representative of the traffic.

        Raises:
            InputError: A row is not finite or not of length 1.
        """
        rows = checked_embeddings(embeddings, "item embeddings")
        queries = checked_embeddings(sample_queries, "sample queries", rows.shape[1])
        item_count, dim = rows.shape
        k = min(config.neighbours_checked, item_count)
        if item_count <= config.exact_item_limit:
            shape = IndexShape(item_count, dim, 0, 0, 0, 1.0)
            return cls(rows, _searcher(rows, shape), shape)
        leaf_count = int(np.sqrt(item_count))
        shape = IndexShape(item_count, dim, leaf_count, max(1, leaf_count // 10), 4 * k, 0.0)
        searcher = _searcher(rows, shape)
        exact = [set(exact_top(rows, query, k).tolist()) for query in queries]
        searched, reordered, recall = max(1, leaf_count // 16), 3 * k, 0.0
        while True:
            found = [
                searcher.search(
                    query,
                    final_num_neighbors=k,
                    pre_reorder_num_neighbors=reordered,
                    leaves_to_search=searched,
                )[0]
                for query in queries
            ]
            hits = [
                len(expected.intersection(received.tolist()))
                for expected, received in zip(exact, found, strict=True)
            ]
            recall = float(np.mean(hits)) / k
            if recall >= config.recall_target or searched >= leaf_count:
                break
            searched = min(leaf_count, max(searched + 1, int(searched * 1.4)))
            reordered = min(item_count, int(reordered * 1.2))
        shape = IndexShape(item_count, dim, leaf_count, searched, reordered, recall)
        return cls(rows, searcher, shape)

    def search(self, query: np.ndarray, count: int) -> np.ndarray:
        """Rows of about the ``count`` nearest items, best first, ``[≤ count] int64``.

        Args:
            query: ``[dim] float32``, finite.
        """
        built = self._built
        rows = _indexed(built, query, count)
        if built.overlay.count:
            others, scores = built.overlay.scores(query)
            best = largest(scores, count)
            scores = np.concatenate([self.embeddings[rows] @ query, scores[best]])
            rows = np.concatenate([rows, others[best]])
            rows = rows[np.lexsort((rows, -scores))]
        return rows[:count]

    def search_among(self, query: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
        """The same among some rows only, exactly."""
        return rows[largest(self.scores(query, rows), count)]

    def scores(self, query: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Products of ``query`` with ``rows``, ``[n] float32``."""
        # In parts, to bound the memory of the gathered rows.
        parts = np.array_split(rows, 1 + len(rows) // _ROWS_AT_ONCE)
        return np.concatenate([self.embeddings[part] @ query for part in parts])

    def put(self, row: int, embedding: np.ndarray) -> None:
        """Adds or changes the vector of one item, found from the next search on.

        Raises:
            InputError: It is not a finite vector of length 1.
        """
        vector = checked_embeddings(embedding[None], "item embedding", self.shape.dim)[0]
        with self._lock:
            if row >= len(self.embeddings):
                extra = max(_LEAST_ROOM, row + 1 - len(self.embeddings), len(self.embeddings) // 8)
                room = np.zeros((extra, self.shape.dim), np.float32)
                self.embeddings = np.concatenate([self.embeddings, room])
            self.embeddings[row] = vector
            self._built.overlay.put(row, vector)
            if self._changed_meanwhile is not None:
                self._changed_meanwhile.add(row)

    @property
    def overlay_count(self) -> int:
        """Items searched exactly beside ScaNN; each 1,000 add some 10 µs to a search."""
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
            searcher = _searcher(rows, shape, thread_count=1)
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
        scann_folder = folder / "scann"
        scann_folder.mkdir()
        # An absolute path with relative names inside, so that the folder can be moved.
        self._built.searcher.serialize(str(scann_folder.resolve()), relative_path=True)

    @classmethod
    def load(cls, folder: Path, embeddings: np.ndarray) -> ItemIndex:
        """The index that ``save`` wrote, over the same embeddings."""
        shape = IndexShape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        rows = checked_embeddings(embeddings, "item embeddings", shape.dim)
        searcher = _scann.load_searcher(str((folder / "scann").resolve()))  # type: ignore[attr-defined]
        return cls(rows, searcher, shape)


class _Built(NamedTuple):
    """What a search reads, replaced as one by a rebuild."""

    searcher: Any
    shape: IndexShape
    overlay: VectorOverlay


def _searcher(embeddings: np.ndarray, shape: IndexShape, thread_count: int = 0) -> Any:
    """ScaNN over ``[shape.item_count, shape.dim] float32`` unit rows; 0 threads: all cores."""
    default_count = max(1, min(_DEFAULT_COUNT, shape.item_count))
    builder = _scann.builder(embeddings, default_count, "dot_product")  # type: ignore[attr-defined]
    builder.set_n_training_threads(thread_count)
    if not shape.leaf_count:
        return builder.score_brute_force().build()
    builder = builder.tree(
        num_leaves=shape.leaf_count,
        num_leaves_to_search=shape.leaves_searched,
        training_sample_size=min(shape.item_count, _TRAINING_SAMPLE),
    )
    builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2)
    return builder.reorder(shape.reordered_count).build()


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
        if shape.leaf_count:
            found, _ = built.searcher.search(
                query,
                final_num_neighbors=fetched,
                pre_reorder_num_neighbors=max(shape.reordered_count, fetched),
                leaves_to_search=shape.leaves_searched,
            )
        else:
            found, _ = built.searcher.search(query, final_num_neighbors=fetched)
        rows = found.astype(np.int64)
        if not outdated_count:
            return rows
        kept = rows[~overlay.is_outdated[rows]]
        if len(kept) >= count or len(rows) < fetched or fetched == shape.item_count:
            return kept[:count]
        fetched = min(shape.item_count, 4 * fetched)
