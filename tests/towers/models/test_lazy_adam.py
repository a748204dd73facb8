"""LazyAdam updates only the rows with a gradient."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.lazy_adam import LazyAdam
from towers.models.legacy_keras import keras, tf

_START = np.arange(12, dtype=np.float32).reshape(4, 3) / 10


def _stepped(optimizer: keras.optimizers.legacy.Adam, touched: list[list[int]]) -> np.ndarray:
    table = tf.Variable(_START)
    for rows in touched:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.gather(table, rows)) + tf.gather(table, rows))
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
    return np.asarray(table.numpy())


def test_rows_that_every_step_touches_move_as_adam_moves_them() -> None:
    touched = [[0, 1, 2, 3], [3, 2, 1, 0], [0, 0, 1, 2, 3]]
    plain = _stepped(keras.optimizers.legacy.Adam(0.01), touched)
    assert _stepped(LazyAdam(0.01), touched) == pytest.approx(plain, abs=1e-6)


def test_a_row_that_a_step_does_not_touch_stays_where_it_is() -> None:
    once = _stepped(LazyAdam(0.01), [[1]])
    later = _stepped(LazyAdam(0.01), [[1], [2], [2]])
    assert later[1].tolist() == once[1].tolist()
    assert once[[0, 2, 3]].tolist() == _START[[0, 2, 3]].tolist()
    assert not np.array_equal(later[2], _START[2])


def test_each_row_remembers_its_own_steps_and_shares_the_count_of_all() -> None:
    """The update of the paper, row by row, with what a row remembers fading only as it is touched."""
    touched = [[0, 1], [1], [3, 1], [0, 3]]
    table = _START.astype(np.float64).copy()
    first, second = np.zeros_like(table), np.zeros_like(table)
    for number, rows in enumerate(touched, start=1):
        for row in rows:
            # The loss is the sum of the squares and the values themselves.
            gradient = 2.0 * table[row] + 1.0
            first[row] = 0.9 * first[row] + 0.1 * gradient
            second[row] = 0.999 * second[row] + 0.001 * gradient**2
            rate = 0.01 * np.sqrt(1 - 0.999**number) / (1 - 0.9**number)
            table[row] -= rate * first[row] / (np.sqrt(second[row]) + 1e-7)
    assert _stepped(LazyAdam(0.01), touched) == pytest.approx(table, abs=1e-6)
