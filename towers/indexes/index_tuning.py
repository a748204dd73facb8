"""Tunes a vector index: the cheapest search that reaches the recall target on sample queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from towers.config import IndexConfig
from towers.indexes.vector_search import IndexShape, built_searcher, exact_top, searched_rows

_QUERY_COUNT = 300
"""Sample queries at most: more take longer and change the recall by less than a thousandth."""
_LEAST_ROWS_A_LEAF = 20
_ONE_BUILD_ROWS = 300_000
"""Above this many rows only the build that was best in all measurements is made."""
_DEPTHS = (1.5, 2.0, 3.0, 4.0, 6.0, 9.0)
"""Candidates reordered, relative to the neighbours checked."""
_CURVE_SHARES = (0.125, 0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
"""Leaves searched on the curve, relative to those that reach the target."""
_ROUNDS = 3


class IndexTrial(NamedTuple):
    """One way to search, measured on the sample queries.

    Args:
        leaf_count, has_soar, leaves_searched, reordered_count: As in ``IndexShape``.
        recall: Of the neighbours checked, the share that was found.
        search_us: Microseconds of a search, the median over the queries.
        is_chosen: Whether the index is searched so.
    """

    leaf_count: int
    has_soar: bool
    leaves_searched: int
    reordered_count: int
    recall: float
    search_us: float
    is_chosen: bool = False


def tuned(
    rows: np.ndarray,
    config: IndexConfig,
    queries: np.ndarray,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Any, IndexShape, list[IndexTrial]]:
    """Builds trees with and without SOAR, and searches each with every depth of reordering.

    For each depth, the least number of leaves that reaches the target is found by bisection, since
    recall grows with it; of all these pairs the cheapest is chosen by its measured time.

    Args:
        rows: ``[items, dim] float32`` unit rows.
        queries: ``[n, dim] float32`` unit rows.
        clock: Seconds, to measure searches by.

    Returns:
        The searcher, how to search it, and all that was measured.
    """
    k = min(config.neighbours_checked, len(rows))
    sample = Sample.of(rows, queries, k, clock)
    trials: list[IndexTrial] = []
    best: tuple[Any, IndexShape] | None = None
    best_trial: IndexTrial | None = None
    for shape in _shapes(rows, k):
        searcher = built_searcher(rows, shape)
        of_build = list(_trials(sample, searcher, shape, config.recall_target))
        trials += of_build
        for trial in of_build:
            if best_trial is None or _is_better(trial, best_trial, config.recall_target):
                best_trial, best = trial, (searcher, _shape_of(trial, shape))
    assert best is not None and best_trial is not None
    marked = [trial._replace(is_chosen=trial is best_trial) for trial in trials]
    return *best, marked


def _shapes(rows: np.ndarray, k: int) -> list[IndexShape]:
    """The trees to build."""
    item_count, dim = rows.shape
    root = int(np.sqrt(item_count))
    most = max(1, item_count // _LEAST_ROWS_A_LEAF)
    plain = IndexShape(item_count, dim, min(root, most), 1, 4 * k, 0.0)
    soar = replace(plain, leaf_count=min(2 * root, most), has_soar=True)
    return [soar] if item_count > _ONE_BUILD_ROWS else [plain, soar]


class Sample(NamedTuple):
    """Measures searches by sample queries.

    Args:
        queries: ``[n, dim] float32``.
        exact: The ``k`` nearest rows of each.
        k: Neighbours checked.
        clock: Seconds.
    """

    queries: np.ndarray
    exact: Sequence[np.ndarray]
    k: int
    clock: Callable[[], float]

    @classmethod
    def of(
        cls,
        rows: np.ndarray,
        queries: np.ndarray,
        k: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> Sample:
        """Some of the queries, with their exact answers among ``rows [items, dim]``."""
        some = queries[:: max(1, len(queries) // _QUERY_COUNT)][:_QUERY_COUNT]
        return cls(some, [exact_top(rows, query, k) for query in some], k, clock)

    def recall(self, searcher: Any, shape: IndexShape) -> float:
        """Share of the nearest neighbours that are found."""
        hits = [
            len(np.intersect1d(searched_rows(searcher, shape, query, self.k), nearest))
            for query, nearest in zip(self.queries, self.exact, strict=True)
        ]
        return float(np.sum(hits)) / max(1, self.k * len(hits))

    def search_us(self, searcher: Any, shape: IndexShape) -> float:
        """Median over the queries of the shortest of some searches, in microseconds."""
        shortest = np.full(len(self.queries), np.inf)
        for _ in range(_ROUNDS):
            for at, query in enumerate(self.queries):
                began = self.clock()
                searched_rows(searcher, shape, query, self.k)
                shortest[at] = min(shortest[at], self.clock() - began)
        return 1e6 * float(np.median(shortest))


def _trials(
    sample: Sample, searcher: Any, shape: IndexShape, target: float
) -> Iterator[IndexTrial]:
    """For each depth the least number of leaves that reaches the target, or all leaves; then the curve.

    The curve is that of the cheapest depth, with fewer and with more leaves.
    """
    upper = shape.leaf_count
    cheapest: IndexTrial | None = None
    for depth in _DEPTHS:
        reordered = min(shape.item_count, int(depth * sample.k))
        # A deeper search needs no more leaves than the one before.
        low, high = 0, upper
        if sample.recall(searcher, _searching(shape, high, reordered)) >= target:
            while high - low > max(1, high // 32):
                middle = (low + high) // 2
                if sample.recall(searcher, _searching(shape, middle, reordered)) >= target:
                    high = middle
                else:
                    low = middle
            upper = high
        trial = measured(sample, searcher, _searching(shape, high, reordered))
        yield trial
        if cheapest is None or _is_better(trial, cheapest, target):
            cheapest = trial
    assert cheapest is not None
    for share in _CURVE_SHARES:
        leaves = max(1, min(shape.leaf_count, int(share * cheapest.leaves_searched)))
        if leaves != cheapest.leaves_searched:
            yield measured(sample, searcher, _searching(shape, leaves, cheapest.reordered_count))


def measured(sample: Sample, searcher: Any, shape: IndexShape) -> IndexTrial:
    """A searcher, searched as ``shape`` says."""
    return IndexTrial(
        shape.leaf_count,
        shape.has_soar,
        shape.leaves_searched,
        shape.reordered_count,
        sample.recall(searcher, shape),
        sample.search_us(searcher, shape),
    )


def _searching(shape: IndexShape, leaves_searched: int, reordered_count: int) -> IndexShape:
    return replace(shape, leaves_searched=leaves_searched, reordered_count=reordered_count)


def _shape_of(trial: IndexTrial, shape: IndexShape) -> IndexShape:
    searching = _searching(shape, trial.leaves_searched, trial.reordered_count)
    return replace(searching, recall=trial.recall)


def _is_better(trial: IndexTrial, other: IndexTrial, target: float) -> bool:
    """Whether it reaches the target sooner; where neither does, whether it finds more."""
    reaches = trial.recall >= target
    if reaches != (other.recall >= target):
        return reaches
    return trial.search_us < other.search_us if reaches else trial.recall > other.recall
