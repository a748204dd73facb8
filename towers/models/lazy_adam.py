"""Adam for large tables of which a step touches few rows."""

from __future__ import annotations

from typing import Any

from towers.models.legacy_keras import keras, tf


class LazyAdam(keras.optimizers.legacy.Adam):
    """Adam (Kingma and Ba 2015) that leaves alone the rows of a table that a step does not touch.

    Plain Adam moves every row at every step by what it remembers of earlier ones: most of the time
    of a step where tables have a hundred thousand rows and a batch names some hundreds.
    """

    def _resource_apply_sparse(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, apply_state: Any = None
    ) -> tf.Operation:
        """One step for the rows ``indices``, each once, with their gradients ``grad``."""
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
