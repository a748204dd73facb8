"""Sorting by falling scores against Python's own sort."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from towers.falling_order import falling_order


@given(
    some.lists(
        some.tuples(
            some.sampled_from([0.0, -0.0, 1.5, -1.5])
            | some.floats(allow_nan=False, allow_infinity=False, width=32),
            some.integers(0, 2**31 - 1),
        ),
        unique_by=lambda pair: pair[1],
        max_size=40,
    )
)
def test_the_order_is_by_falling_scores_and_ties_are_by_row(
    listed: list[tuple[float, int]],
) -> None:
    scores, rows = np.array([one for one, _ in listed]), np.array([row for _, row in listed])
    order = falling_order(scores.astype(np.float32), rows.astype(np.int64)).tolist()
    assert order == sorted(range(len(listed)), key=lambda at: (-listed[at][0], listed[at][1]))
