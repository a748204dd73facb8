"""Adam for large embedding tables with sparse gradients."""

from __future__ import annotations

from typing import Any

from towers.models.legacy_keras import keras, tf


class LazyAdam(keras.optimizers.legacy.Adam):
    """Adam (Kingma and Ba 2015) that updates only the rows that have a gradient in this step.

    Plain Adam updates every row at every step from its moment estimates, which takes most of the
    step's time where a table has a hundred thousand rows and a batch reads a few hundred.
    """

    def _resource_apply_sparse(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, apply_state: Any = None
    ) -> tf.Operation:
        """One step for the rows ``indices`` (distinct) with their gradients ``grad``."""
        known = (apply_state or {}).get((var.device, var.dtype.base_dtype))
        settings = known or self._fallback_apply_state(var.device, var.dtype.base_dtype)
        first, second = self.get_slot(var, "m"), self.get_slot(var, "v")
        mean = settings["beta_1_t"] * tf.gather(first, indices)
        mean += settings["one_minus_beta_1_t"] * grad
        square = settings["beta_2_t"] * tf.gather(second, indices)
        square += settings["one_minus_beta_2_t"] * tf.square(grad)
        step = settings["lr"] * mean / (tf.sqrt(square) + settings["epsilon"])
        return tf.group(
            first.scatter_update(tf.IndexedSlices(mean, indices)),
            second.scatter_update(tf.IndexedSlices(square, indices)),
            var.scatter_sub(tf.IndexedSlices(step, indices)),
        )
