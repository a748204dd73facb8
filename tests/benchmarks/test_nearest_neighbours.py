"""The comparison of indexes measures recall against the exact answer, and every library alike."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.nearest_neighbours import clustered, compare, exact_top, recall


def test_vectors_are_unit_rows_of_the_same_clusters_for_every_seed() -> None:
    items, queries = clustered(3_000, 8, seed=1), clustered(50, 8, seed=2)
    np.testing.assert_allclose(np.linalg.norm(items, axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(clustered(50, 8, seed=2), queries)
    assert not np.isin(queries[:, 0], items[:, 0]).any()


def test_recall_is_the_share_of_the_exact_answer() -> None:
    items, queries = clustered(1_000, 8, seed=1), clustered(3, 8, seed=2)
    exact = np.stack([np.argsort(items @ query)[-100:] for query in queries])
    assert recall(lambda query: exact_top(items, query), queries, exact) == 1.0
    assert recall(lambda query: exact_top(items, query)[:50], queries, exact) == 0.5


def test_libraries_reach_the_recall_in_processes_of_their_own() -> None:
    names = ["this project's ScaNN", "exact (NumPy)"]
    figures = compare(names, 5_000, 16, 0.9, rounds=2)
    assert list(figures) == names
    assert all(row["recall"] >= 0.88 and row["query µs"] > 0 for row in figures.values())
    assert figures["exact (NumPy)"]["recall"] == 1.0
