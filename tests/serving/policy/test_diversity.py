"""The order by maximal marginal relevance, against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.policy.diversity import WINDOW, diverse_order


def drawn(seed: int, count: int, dim: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, dim))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.sort(rng.normal(size=count))[::-1].astype(np.float32), rows.astype(np.float32)


def by_definition(
    scores: np.ndarray, rows: np.ndarray, diversity: float, kinds: list[bool]
) -> list[int]:
    """Every place anew: the best of those left, each compared with each that is chosen."""
    count = min(len(scores), 50)
    low, high = float(min(scores[:count])), float(max(scores[:count]))
    chosen: list[int] = []
    for place in range(count):
        best, best_value = -1, -np.inf
        for one in range(count):
            if one in chosen or kinds[one] != kinds[place]:
                continue
            relevance = (float(scores[one]) - low) / (high - low)
            near = [float(np.dot(rows[one].astype(float), rows[c].astype(float))) for c in chosen]
            value = (1 - diversity) * relevance - diversity * max(near, default=0.0)
            if value > best_value:
                best, best_value = one, value
        chosen.append(best)
    return chosen + list(range(count, len(scores)))


@given(st.integers(0, 10_000), st.integers(2, 60), st.floats(0.01, 1.0), st.booleans())
def test_the_order_is_that_of_the_definition(
    seed: int, count: int, diversity: float, has_kinds: bool
) -> None:
    scores, rows = drawn(seed, count)
    kinds = np.random.default_rng(seed).random(count) < (0.4 if has_kinds else 0.0)
    order = diverse_order(scores, rows[:WINDOW], diversity, kinds=kinds)
    assert order.tolist() == by_definition(scores, rows, diversity, kinds.tolist())
    assert (kinds[order] == kinds).all()


def test_no_diversity_changes_nothing_and_full_diversity_asks_for_the_unlike_alone() -> None:
    scores = np.array([3.0, 2.9, 1.0], np.float32)
    rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert diverse_order(scores, rows, 0.0).tolist() == [0, 1, 2]
    # Near copies: a little diversity passes over the second, none the first.
    assert diverse_order(scores, rows, 0.5).tolist() == [0, 2, 1]
    assert diverse_order(scores, rows, 1.0).tolist() == [0, 2, 1]
    assert diverse_order(scores, rows, 0.1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_a_list_of_one_stays(count: int) -> None:
    assert diverse_order(*drawn(1, count), 0.5).tolist() == [*range(count)]


def test_equal_scores_are_put_apart_by_their_likeness_alone() -> None:
    rows = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    assert diverse_order(np.ones(3, np.float32), rows, 0.3).tolist() == [0, 2, 1]
