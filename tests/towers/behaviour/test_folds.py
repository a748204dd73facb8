"""Facts as of a moment are those that a walk over the log counts."""

from __future__ import annotations

import numpy as np

from towers.behaviour.folds import Occurrences


def test_counts_and_newest_events_are_those_of_a_walk_over_the_log() -> None:
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 5, 200)
    numbers = np.sort(rng.choice(300, 200, replace=False))
    occurrences = Occurrences(keys, numbers, 300)
    asked_keys, asked_numbers = rng.integers(-1, 6, 400), rng.integers(0, 301, 400)
    counts = occurrences.count_before(asked_keys, asked_numbers)
    newest = occurrences.last_before(asked_keys, asked_numbers)
    for at, (key, number) in enumerate(zip(asked_keys, asked_numbers, strict=True)):
        earlier = [n for k, n in zip(keys, numbers, strict=True) if k == key and n < number]
        assert counts[at] == len(earlier)
        assert newest[at] == (earlier[-1] if earlier else -1)
        if key >= 0:
            assert occurrences.newest(int(key), int(number), 3).tolist() == earlier[-3:]


def test_a_fold_over_nothing_has_counted_nothing() -> None:
    nothing = Occurrences(np.zeros(0, np.int64), np.zeros(0, np.int64), 7)
    assert nothing.count_before(np.array([0, 3]), np.array([7, 7])).tolist() == [0, 0]
    assert nothing.last_before(np.array([0, 3]), np.array([7, 7])).tolist() == [-1, -1]
