"""The hand-written passes over a whole catalogue, held against TensorFlow's own derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.full_softmax import mean_log_total
from towers.models.legacy_keras import tf

_ITEM_COUNT, _DIM = 30, 6


def _unit(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = rng.normal(size=(count, _DIM))
    unit: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


# Fewer than there are slices, as many, some left over, and a batch.
@pytest.mark.parametrize("query_count", [1, 3, 4, 7, 64])
@pytest.mark.parametrize("scale", [1.0, 1 / 0.07])
def test_value_and_gradients_are_those_of_the_plain_expression(
    query_count: int, scale: float
) -> None:
    rng = np.random.default_rng(2)
    unit_queries, unit_items = _unit(rng, query_count), _unit(rng, _ITEM_COUNT)
    queries = tf.Variable(unit_queries * scale, dtype=tf.float32)
    items = tf.Variable(unit_items, dtype=tf.float32)
    exact = np.log(np.exp(unit_queries @ unit_items.T * scale).sum(axis=1)).mean()
    with tf.GradientTape() as tape:
        value = mean_log_total(queries, items, scale)
        # Not the value itself: what comes from above must go through.
        outer = 3.0 * value * value
    gradients = tape.gradient(outer, [queries, items])
    with tf.GradientTape() as tape:
        plain = tf.reduce_mean(
            tf.reduce_logsumexp(tf.matmul(queries, items, transpose_b=True), axis=1)
        )
        plain_outer = 3.0 * plain * plain
    plain_gradients = tape.gradient(plain_outer, [queries, items])
    assert float(value) == pytest.approx(float(exact), rel=1e-5)
    for gradient, plain_gradient in zip(gradients, plain_gradients, strict=True):
        largest = float(np.abs(plain_gradient).max())
        np.testing.assert_allclose(gradient, plain_gradient, atol=1e-5 * largest, rtol=1e-4)


def test_products_as_large_as_they_may_be_do_not_overflow() -> None:
    queries = tf.constant(np.eye(2, _DIM) * 200.0, tf.float32)
    items = tf.constant(np.eye(3, _DIM), tf.float32)
    # One product is 200, the others are 0.
    assert float(mean_log_total(queries, items, 200.0)) == pytest.approx(200.0)
