"""Tuning of an index: the cheapest search that reaches the target, by a clock that counts work."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from towers.config import IndexConfig
from towers.indexes import index_tuning
from towers.indexes.index_tuning import tuned
from towers.indexes.item_index import ItemIndex
from towers.indexes.vector_search import exact_top, searched_rows

CONFIG = IndexConfig(exact_item_limit=1_000, recall_target=0.95, neighbours_checked=40)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(150, 16))
    found = centres[rng.integers(0, 150, 6_000)] + 0.4 * rng.normal(size=(6_000, 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def queries(rows: np.ndarray) -> np.ndarray:
    found = rows[::40] + 0.1 * np.random.default_rng(2).normal(size=(150, 16))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def recall(found: list[np.ndarray], rows: np.ndarray, queries: np.ndarray) -> float:
    exact = [set(exact_top(rows, query, 40).tolist()) for query in queries]
    hits = [len(one & set(rows_.tolist())) for one, rows_ in zip(exact, found, strict=True)]
    return sum(hits) / (40 * len(queries))


def test_the_chosen_search_reaches_the_target_and_no_cheaper_trial_does(
    rows: np.ndarray, queries: np.ndarray
) -> None:
    searcher, shape, trials = tuned(rows, CONFIG, queries)
    found = [searched_rows(searcher, shape, query, 40) for query in queries]
    assert recall(found, rows, queries) == pytest.approx(shape.recall) and shape.recall >= 0.95
    (chosen,) = [one for one in trials if one.is_chosen]
    assert (chosen.leaves_searched, chosen.reordered_count, chosen.has_soar) == (
        shape.leaves_searched,
        shape.reordered_count,
        shape.has_soar,
    )
    reaching = [one for one in trials if one.recall >= 0.95]
    assert chosen.search_us == min(one.search_us for one in reaching)
    assert {one.has_soar for one in trials} == {False, True}
    # The curve goes below the target and above.
    assert min(one.recall for one in trials) < 0.9


def test_a_target_out_of_reach_gives_what_finds_most(
    rows: np.ndarray, queries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_tuning, "_DEPTHS", (1.0, 1.2))
    _, shape, trials = tuned(rows, IndexConfig(recall_target=1.0, neighbours_checked=40), queries)
    assert shape.recall == max(one.recall for one in trials) < 1.0


def test_time_is_that_of_the_clock(rows: np.ndarray, queries: np.ndarray) -> None:
    ticks = itertools.count()
    _, _, trials = tuned(rows, CONFIG, queries, clock=lambda: 5e-6 * next(ticks))
    assert [one.search_us for one in trials] == pytest.approx([5.0] * len(trials))


def test_what_was_measured_is_kept_beside_the_shape(
    rows: np.ndarray, queries: np.ndarray, tmp_path: Path
) -> None:
    index = ItemIndex.build(rows, CONFIG, queries)
    index.save(tmp_path)
    read = ItemIndex.load(tmp_path, rows)
    assert read.trials == index.trials and len(read.trials) > 4 and read.shape == index.shape
    assert [one.search_us for one in index.trials] != [0.0] * len(index.trials)
    for query in queries[:20]:
        assert read.search(query, 30).tolist() == index.search(query, 30).tolist()
