"""Vector search by ScaNN, and exact search beside it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError


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


_DEFAULT_COUNT = 100
_TRAINING_SAMPLE = 250_000
_SOAR_LAMBDA = 1.5


@dataclass(frozen=True)
class IndexShape:
    """How an index was built and is searched; ``leaf_count`` 0 means exact search.

    Args:
        item_count: Rows.
        dim: Length of a vector.
        leaf_count: Leaves of the tree.
        leaves_searched: Of these, searched for a query.
        reordered_count: Candidates whose exact products are computed.
        recall: Measured on the sample queries.
        has_soar: Whether each row is in a second leaf, chosen so that both are seldom missed together
            (Sun et al. 2023, "SOAR").
    """

    item_count: int
    dim: int
    leaf_count: int
    leaves_searched: int
    reordered_count: int
    recall: float
    has_soar: bool = False

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
    # Without the array of squares that ``np.linalg.norm`` makes, in a quarter of its time.
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
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


def built_searcher(embeddings: np.ndarray, shape: IndexShape, thread_count: int = 0) -> Any:
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
        soar_lambda=_SOAR_LAMBDA if shape.has_soar else None,
        overretrieve_factor=2.0 if shape.has_soar else None,
    )
    builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2)
    return builder.reorder(shape.reordered_count).build()


def searched_rows(searcher: Any, shape: IndexShape, query: np.ndarray, count: int) -> np.ndarray:
    """Rows of about the ``count`` nearest, best first, ``[≤ count] int64``."""
    if shape.leaf_count:
        found, _ = searcher.search(
            query,
            final_num_neighbors=count,
            pre_reorder_num_neighbors=max(shape.reordered_count, count),
            leaves_to_search=shape.leaves_searched,
        )
    else:
        found, _ = searcher.search(query, final_num_neighbors=count)
    rows: np.ndarray = found.astype(np.int64)
    return rows


def save_searcher(searcher: Any, folder: Path) -> None:
    """Writes a searcher into a new folder."""
    folder.mkdir()
    # An absolute path with relative names inside, so that the folder can be moved.
    searcher.serialize(str(folder.resolve()), relative_path=True)


def load_searcher(folder: Path) -> Any:
    """What ``save_searcher`` wrote."""
    return _scann.load_searcher(str(folder.resolve()))  # type: ignore[attr-defined]
