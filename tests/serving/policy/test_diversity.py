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
    """Every place anew: the best of those left, each compared with each of its ten chosen before."""
    count = min(len(scores), 50)
    low, high = float(min(scores[:count])), float(max(scores[:count]))
    order: list[int] = []
    for begin in range(0, count, 10):
        ten: list[int] = []
        for place in range(begin, min(begin + 10, count)):
            best, best_value = -1, -np.inf
            for one in range(count):
                if one in ten or one in order or kinds[one] != kinds[place]:
                    continue
                relevance = (float(scores[one]) - low) / (high - low)
                near = sum(float(rows[one].astype(float) @ rows[c].astype(float)) for c in ten)
                value = (1 - diversity) * relevance - diversity * near
                if value > best_value:
                    best, best_value = one, value
            ten.append(best)
        by_kind = {kind: sorted(c for c in ten if kinds[c] == kind) for kind in (False, True)}
        order += [by_kind[kinds[begin + number]].pop(0) for number in range(len(ten))]
    return order + list(range(count, len(scores)))


@given(st.integers(0, 10_000), st.integers(2, 60), st.floats(0.01, 1.0), st.booleans())
def test_the_order_is_that_of_the_definition(
    seed: int, count: int, diversity: float, has_kinds: bool
) -> None:
    scores, rows = drawn(seed, count)
    kinds = np.random.default_rng(seed).random(count) < (0.4 if has_kinds else 0.0)
    order = diverse_order(scores, rows[:WINDOW], diversity, kinds=kinds)
    assert order.tolist() == by_definition(scores, rows, diversity, kinds.tolist())
    assert (kinds[order] == kinds).all()


def test_a_copy_gives_way_to_what_is_unlike_as_soon_as_diversity_outweighs_its_score() -> None:
    # Eleven items for ten places; the second is a copy of the first, the last is unlike all.
    scores = np.array([3.0, 2.9, *np.linspace(2.0, 1.0, 8), 0.0], np.float32)
    rows = np.eye(12, dtype=np.float32)[[0, 0, *range(1, 9), 10]]
    copy_last = [0, *range(2, 11), 1]
    assert diverse_order(scores, rows, 0.0).tolist() == [*range(11)]
    # The copy is worth (1 − d) · 2.9 / 3 − d, the last item nothing: the copy leads below d = .4915.
    assert diverse_order(scores, rows, 0.49).tolist() == [*range(11)]
    assert diverse_order(scores, rows, 0.493).tolist() == copy_last
    assert diverse_order(scores, rows, 1.0).tolist() == copy_last


@pytest.mark.parametrize("count", [0, 1])
def test_a_list_of_one_stays(count: int) -> None:
    assert diverse_order(*drawn(1, count), 0.5).tolist() == [*range(count)]


def test_of_equal_scores_likeness_alone_decides() -> None:
    rows = np.eye(11, dtype=np.float32)
    rows[3] = rows[1]
    order = diverse_order(np.ones(11, np.float32), rows, 0.3).tolist()
    assert order == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 3]
