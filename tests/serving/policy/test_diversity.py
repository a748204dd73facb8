"""The order by maximal marginal relevance, against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.policy.diversity import diverse_order


def drawn(seed: int, count: int, dim: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, dim))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.sort(2.0 * rng.normal(size=count))[::-1].astype(np.float32), rows.astype(np.float32)


def by_definition(
    scores: np.ndarray, rows: np.ndarray, diversity: float, kinds: list[bool]
) -> list[int]:
    """Every place anew: the best of those left, each compared with each of its ten chosen before."""
    count, end = min(len(scores), 256), min(len(scores), 50)
    logits = [float(one) for one in scores]
    cosines = (rows.astype(float) @ rows.astype(float).T).tolist()
    totals = {
        kind: sum(math.exp(x) for x, of in zip(logits, kinds, strict=True) if of == kind)
        for kind in (False, True)
    }
    order: list[int] = []
    for begin in range(0, end, 10):
        ten: list[int] = []
        places = range(begin, min(begin + 10, end))
        for place in places:
            taken = {*ten, *order}
            left = [one for one in range(count) if one not in taken]
            lowest = min(logits[p] for p in places if kinds[p] == kinds[place])
            values = {}
            for one in left:
                if kinds[one] == kinds[place] and logits[one] >= lowest - 3:
                    share = math.exp(logits[one]) / totals[kinds[one]]
                    near = sum(cosines[one][c] for c in ten)
                    values[one] = (1 - diversity) * share / 0.04 - diversity * near
            ten.append(max(values, key=lambda one: (values[one], -one)))
        by_kind = {kind: sorted(c for c in ten if kinds[c] == kind) for kind in (False, True)}
        order += [by_kind[kinds[begin + number]].pop(0) for number in range(len(ten))]
    rest = [one for one in range(len(scores)) if one not in order]
    by_kind = {kind: [one for one in rest if kinds[one] == kind] for kind in (False, True)}
    return order + [by_kind[kinds[place]].pop(0) for place in range(end, len(scores))]


@given(st.integers(0, 10_000), st.integers(2, 300), st.floats(0.01, 1.0), st.booleans())
def test_the_order_is_that_of_the_definition(
    seed: int, count: int, diversity: float, has_kinds: bool
) -> None:
    scores, rows = drawn(seed, count)
    kinds = np.random.default_rng(seed).random(count) < (0.4 if has_kinds else 0.0)
    order = diverse_order(scores, rows[:256], diversity, kinds=kinds)
    assert order.tolist() == by_definition(scores, rows, diversity, kinds.tolist())
    assert (kinds[order] == kinds).all()


def logits_of(*shares: float) -> np.ndarray:
    return np.log(np.array(shares), dtype=np.float32)


def test_a_copy_gives_way_to_what_is_unlike_as_soon_as_diversity_outweighs_its_share() -> None:
    # Eleven items for ten places; the second is a copy of the first, the last is unlike all.
    scores = logits_of(0.16, 0.16, *[0.08] * 8, 0.04)
    rows = np.eye(12, dtype=np.float32)[[0, 0, *range(1, 9), 10]]
    copy_last = [0, *range(2, 11), 1]
    assert diverse_order(scores, rows, 0.0).tolist() == [*range(11)]
    # The copy is worth (1 − d) · .16 / .04 − d, the last item (1 − d) · 1: the copy leads below d = .75.
    assert diverse_order(scores, rows, 0.74).tolist() == [*range(11)]
    assert diverse_order(scores, rows, 0.76).tolist() == copy_last


def test_what_is_lost_counts_alike_wherever_it_is_lost() -> None:
    # Twice the odds, at the top and far down: a share of .3 is not given up for what a share of .01 is.
    first = [0.6, 0.3, *[0.01] * 10]
    far = [0.01, 0.005, *[0.01] * 8, 0.0025, 0.0025]
    rows = np.eye(12, dtype=np.float32)
    rows[1] = rows[0]
    kept = diverse_order(logits_of(*first), rows, 0.6).tolist()
    assert kept == [*range(12)]
    scores = logits_of(*sorted(far, reverse=True))
    rows = np.eye(12, dtype=np.float32)
    rows[9] = rows[0]  # The share of .005, like one of .01 before it.
    assert diverse_order(scores, rows, 0.6).tolist() == [*range(9), 10, 9, 11]


def test_nothing_comes_up_whose_odds_are_a_twentieth_of_those_in_its_place() -> None:
    # Eleven of a kind, and one unlike them, e³ = 20.1 times less likely than the tenth.
    rows = np.eye(2, dtype=np.float32)[[0] * 11 + [1]]
    for reach, is_shown in ((2.99, True), (3.01, False)):
        scores = np.array([0.0] * 11 + [-reach], np.float32)
        order = diverse_order(scores, rows, 0.9).tolist()
        assert (11 in order[:10]) == is_shown


def test_the_first_fifty_places_are_filled_from_256_and_the_rest_keeps_its_order() -> None:
    scores = np.linspace(1.0, 0.0, 300).astype(np.float32)
    rows = np.zeros((256, 6), np.float32)
    rows[:, 0] = 1.0
    rows[251:256] = np.eye(6, dtype=np.float32)[1:]
    order = diverse_order(scores, rows, 0.9)
    assert order[:10].tolist() == [0, 1, 2, 3, 4, 251, 252, 253, 254, 255]
    assert sorted(order.tolist()) == [*range(300)] and (np.diff(order[50:]) > 0).all()


@pytest.mark.parametrize("count", [0, 1])
def test_a_list_of_one_stays(count: int) -> None:
    assert diverse_order(*drawn(1, count), 0.5).tolist() == [*range(count)]


def test_of_equal_scores_likeness_alone_decides() -> None:
    rows = np.eye(11, dtype=np.float32)
    rows[3] = rows[1]
    order = diverse_order(np.ones(11, np.float32), rows, 0.3).tolist()
    assert order == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 3]
