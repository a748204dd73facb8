"""Softmax over the whole catalogue, computed in slices so that not all logits are in memory."""

from __future__ import annotations

from typing import Any

from towers.models.legacy_keras import tf

_SLICE_COUNT = 4


def mean_log_total(queries: tf.Tensor, items: tf.Tensor, largest: float) -> tf.Tensor:
    """Mean over the queries of the log-sum-exp of their dot products with all items.

    Forward and backward pass together, in slices of the queries: the whole ``[n, items]`` matrix
    would take longer to page into memory than to compute.

    Args:
        queries: ``[n, dim]``.
        items: ``[items, dim]``.
        largest: Upper bound of the products; subtracted before the exponential for stability.
    """

    @tf.custom_gradient
    def sliced(queries: tf.Tensor, items: tf.Tensor) -> tuple[tf.Tensor, Any]:
        count = tf.shape(queries)[0]
        size = -(-count // _SLICE_COUNT)
        logs, query_gradients, item_gradients = [], [], tf.zeros_like(items)
        for number in range(_SLICE_COUNT):
            part = queries[number * size : (number + 1) * size]
            powers = tf.exp(tf.matmul(part, items, transpose_b=True) - largest)
            totals = tf.reduce_sum(powers, axis=1, keepdims=True)
            logs.append(tf.math.log(totals[:, 0]) + largest)
            query_gradients.append(tf.matmul(powers, items) / totals)
            item_gradients += tf.matmul(powers, part / totals, transpose_a=True)

        def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            share = upstream / tf.cast(count, tf.float32)
            return tf.concat(query_gradients, 0) * share, item_gradients * share

        return tf.reduce_mean(tf.concat(logs, 0)), gradients

    return sliced(queries, items)
