"""Nearest items by inner product of unit vectors: ScaNN or exact search, with a live overlay."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from data.errors import InputError
from towers.config import IndexConfig


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


@dataclass(frozen=True)
class IndexShape:
    """Parameters chosen when the index was built; ``leaf_count`` 0 means exact search."""

    item_count: int
    dim: int
    leaf_count: int
    leaves_searched: int
    reordered_count: int
    recall: float


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
    searched exactly; rows whose indexed vector is outdated are removed from ScaNN's results.

    Args:
        embeddings: ``[rows, dim] float32`` unit rows, also of the overlay's items.
        searcher: Built over the first ``shape.item_count`` rows.
        shape: How it was built.
    """

    def __init__(self, embeddings: np.ndarray, searcher: object, shape: IndexShape) -> None:
        self.embeddings = embeddings
        self.shape = shape
        self._searcher = searcher
        self._overlay = np.zeros(0, np.int64)
        self._outdated = np.zeros(0, np.int64)

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
        builder = _scann.builder(rows, k, "dot_product")  # type: ignore[attr-defined]
        if item_count <= config.exact_item_limit:
            shape = IndexShape(item_count, dim, 0, 0, 0, 1.0)
            return cls(rows, builder.score_brute_force().build(), shape)
        leaf_count = int(np.sqrt(item_count))
        builder = builder.tree(
            num_leaves=leaf_count,
            num_leaves_to_search=max(1, leaf_count // 10),
            training_sample_size=min(item_count, 250_000),
        )
        builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(4 * k)
        searcher = builder.build()
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
        fetch_count = min(self.shape.item_count, count + len(self._outdated))
        if self.shape.leaf_count:
            found, _ = self._searcher.search(  # type: ignore[attr-defined]
                query,
                final_num_neighbors=fetch_count,
                pre_reorder_num_neighbors=max(self.shape.reordered_count, fetch_count),
                leaves_to_search=self.shape.leaves_searched,
            )
        else:
            found, _ = self._searcher.search(query, final_num_neighbors=fetch_count)  # type: ignore[attr-defined]
        rows = found.astype(np.int64)
        if len(self._outdated):
            rows = rows[~np.isin(rows, self._outdated)]
        if len(self._overlay):
            rows = np.concatenate([rows, self._overlay])
            scores = self.embeddings[rows] @ query
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
        if row >= len(self.embeddings):
            room = np.zeros(
                (max(1_024, row + 1 - len(self.embeddings)), self.shape.dim), np.float32
            )
            self.embeddings = np.concatenate([self.embeddings, room])
        self.embeddings[row] = vector
        if row < self.shape.item_count:
            self._outdated = np.union1d(self._outdated, [row])
        self._overlay = np.union1d(self._overlay, [row])

    @property
    def overlay_count(self) -> int:
        """Items searched exactly beside ScaNN; each 100 add about 1 µs to a search."""
        return len(self._overlay)

    def save(self, folder: Path) -> None:
        """Writes the searcher and its shape into an existing folder; embeddings are saved apart."""
        (folder / "shape.json").write_text(json.dumps(asdict(self.shape)), encoding="utf-8")
        scann_folder = folder / "scann"
        scann_folder.mkdir()
        # An absolute path with relative names inside, so that the folder can be moved.
        self._searcher.serialize(str(scann_folder.resolve()), relative_path=True)  # type: ignore[attr-defined]

    @classmethod
    def load(cls, folder: Path, embeddings: np.ndarray) -> ItemIndex:
        """The index that ``save`` wrote, over the same embeddings."""
        shape = IndexShape(**json.loads((folder / "shape.json").read_text(encoding="utf-8")))
        rows = checked_embeddings(embeddings, "item embeddings", shape.dim)
        searcher = _scann.load_searcher(str((folder / "scann").resolve()))  # type: ignore[attr-defined]
        return cls(rows, searcher, shape)
