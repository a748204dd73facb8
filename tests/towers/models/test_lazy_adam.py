"""Adam that touches only the rows that a step names."""

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
