"""A GRU that forecasts demand: one network for all series of a shop.

It reads a window of each series relative to the window's level and corrects a simple forecast, so that a
slow item and a whole category look alike. It gives the rates of a Poisson distribution for the periods
to come.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.models.fitting import Curves, batches, fit
from towers.models.legacy_keras import keras, tf, tfrs

_UNITS = 32
_HIDDEN = 32
_DROPOUT = 0.1
_LARGEST_LOG = 4.0


class DemandNetwork(tfrs.Model):
    """Rates of the periods to come.

    Columns: ``past [n, window, features]``, ``fixed [n, features]``, ``future [n, horizon, features]``,
    ``simple [n, horizon]`` (a simple forecast, above 0, that the network corrects) and
    ``counts [n, horizon]``, what was sold.

    Args:
        seed: Of the weights.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        keras.utils.set_random_seed(seed)
        self.past = keras.layers.RNN(keras.layers.GRUCell(_UNITS))
        self.dropout = keras.layers.Dropout(_DROPOUT)
        self.hidden = keras.layers.Dense(_HIDDEN, activation="relu")
        # Zeros, so that training starts from the simple forecast.
        self.log_rate = keras.layers.Dense(1, kernel_initializer="zeros")

    def call(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Logarithms of the rates over the simple forecast, ``[n, horizon]``."""
        state = tf.concat([self.past(columns["past"]), columns["fixed"]], axis=-1)
        state = self.dropout(state, training=training)
        horizon = tf.shape(columns["future"])[1]
        repeated = tf.repeat(state[:, None, :], horizon, axis=1)
        hidden = self.hidden(tf.concat([repeated, columns["future"]], axis=-1))
        logs = self.log_rate(self.dropout(hidden, training=training))[..., 0]
        return tf.clip_by_value(logs, -_LARGEST_LOG, _LARGEST_LOG)

    def compute_loss(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Mean Poisson loss over the simple forecast and one: relative where much is sold, else absolute.

        Its minimum is the expected demand, not the median: that of a slow item is nothing, which helps
        no one who orders stock.
        """
        logs = self(columns, training=training)
        simple = columns["simple"]
        losses = simple * tf.exp(logs) - columns["counts"] * logs
        return tf.reduce_mean(losses / (simple + 1.0))


class TrainedForecaster:
    """The trained network as a function of columns.

    Args:
        training: Columns of ``DemandNetwork``.
        validation: The same, later in time, for early stopping.
        epoch_limit: Most passes over the training windows.
        seed: Of weights and order.
    """

    def __init__(
        self,
        training: Mapping[str, np.ndarray],
        validation: Mapping[str, np.ndarray],
        *,
        epoch_limit: int,
        seed: int,
    ) -> None:
        self._model = DemandNetwork(seed)
        self.curves: Curves = fit(
            self._model,
            training,
            validation,
            batch_size=128,
            epoch_limit=epoch_limit,
            patience=1,
            learning_rate=3e-3,
            seed=seed,
        )
        signature = {
            name: tf.TensorSpec((None, *values.shape[1:]), values.dtype)
            for name, values in training.items()
            if name != "counts"
        }
        self._call = tf.function(
            lambda part: self._model(part, training=False)
        ).get_concrete_function(signature)

    def rates(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Expected purchases, ``[n, horizon] float64``."""
        asked = {name: values for name, values in columns.items() if name != "counts"}
        logs = [self._call(part).numpy() for part in batches(asked, 2_048)]
        return np.exp(np.concatenate(logs).astype(np.float64)) * columns["simple"]
