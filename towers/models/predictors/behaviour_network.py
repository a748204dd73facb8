"""Networks that predict what a visit does next: a DNN, and the same with a GRU or a transformer.

The DNN reads the features of the visit so far. The other two also read its newest events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from towers.config import TowerConfig
from towers.models.fitting import batches, fit
from towers.models.legacy_keras import keras, tf, tfrs
from towers.models.session_encoders import Transformer

NETWORKS = ("dnn", "gru", "transformer")
"""By name, as reports have them."""

_DIM = 32
_HIDDEN = 64
_DROPOUT = 0.1
_LARGEST_DEVIATION = 5.0
_ASKED = 1_024


class BehaviourNetwork(tfrs.Model):
    """Logits of classes, or of the candidates of a list.

    Columns: ``summary [n, features]``, ``facts [n, slots, facts]``, ``present [n, slots]`` and
    ``labels [n]``; for lists also ``candidates [n, size, features]`` and ``listed [n, size]``, and the
    label is a position.

    Args:
        name: One of ``NETWORKS``.
        class_count: Classes; 0 for lists.
        training: The training columns, for their means and deviations.
        seed: Of the weights.
    """

    def __init__(
        self, name: str, class_count: int, training: Mapping[str, np.ndarray], seed: int
    ) -> None:
        super().__init__()
        slot_count = training["facts"].shape[1]
        self.scales = {
            "summary": _Standard(training["summary"]),
            "facts": _Standard(training["facts"][training["present"]]),
        }
        self.is_list = class_count == 0
        if self.is_list:
            self.scales["candidates"] = _Standard(training["candidates"][training["listed"]])
        keras.utils.set_random_seed(seed)
        self.reader = None if name == "dnn" else _READERS[name](slot_count, seed)
        self.context = keras.layers.Dense(_HIDDEN, activation="relu")
        self.hidden = keras.layers.Dense(_HIDDEN, activation="relu")
        self.dropout = keras.layers.Dropout(_DROPOUT)
        self.logits = keras.layers.Dense(1 if self.is_list else class_count)

    def call(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """``[n, classes]``, or ``[n, size]`` with −inf where nothing is listed."""
        context = self.scales["summary"](columns["summary"])
        if self.reader is not None:
            facts = self.scales["facts"](columns["facts"])
            read = self.reader(facts, columns["present"], training=training)
            context = tf.concat([context, read], axis=-1)
        context = self.dropout(self.context(context), training=training)
        if not self.is_list:
            return self.logits(self.dropout(self.hidden(context), training=training))
        candidates = self.scales["candidates"](columns["candidates"])
        repeated = tf.repeat(context[:, None, :], tf.shape(candidates)[1], axis=1)
        hidden = self.hidden(tf.concat([candidates, repeated], axis=-1))
        scores = self.logits(self.dropout(hidden, training=training))[..., 0]
        return tf.where(columns["listed"], scores, tf.constant(-np.inf, tf.float32))

    def compute_loss(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Mean cross-entropy."""
        logits = self(columns, training=training)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(columns["labels"], logits)
        return tf.reduce_mean(losses)


class _GruReader(keras.layers.Layer):
    """A gated recurrent unit from the oldest event to the newest: its last state."""

    def __init__(self, slot_count: int, seed: int) -> None:
        super().__init__()
        # A plain cell: the GRU layer also traces a kernel for GPUs, which takes longer than training.
        # Slots hold the newest event first, so that empty ones come before the oldest here.
        self.gru = keras.layers.RNN(keras.layers.GRUCell(_DIM), go_backwards=True)

    def call(self, facts: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.gru(facts, mask=present)


class _TransformerReader(keras.layers.Layer):
    """The query tower's transformer over events with slot embeddings: mean and newest state."""

    def __init__(self, slot_count: int, seed: int) -> None:
        super().__init__()
        shape = TowerConfig(dim=_DIM, event_slot_count=slot_count, dropout=_DROPOUT)
        self.events = keras.layers.Dense(_DIM)
        self.slots = keras.layers.Embedding(slot_count, _DIM)
        self.transformer = Transformer(shape, seed)

    def call(self, facts: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        states = self.events(facts)
        states += self.slots(tf.range(tf.shape(states)[1]))
        states = self.transformer(states, present, training=training)
        weights = tf.cast(present, tf.float32)[..., None]
        mean = tf.reduce_sum(states * weights, axis=1) / tf.reduce_sum(weights, axis=1)
        # The newest event is always there, in the first slot.
        return tf.concat([mean, states[:, 0]], axis=-1)


_READERS: Mapping[str, Callable[[int, int], keras.layers.Layer]] = {
    "gru": _GruReader,
    "transformer": _TransformerReader,
}


class TrainedNetwork:
    """A trained network as a function of columns.

    Args:
        name, class_count, training, seed: As for ``BehaviourNetwork``.
        validation: Columns later in time, for early stopping.
    """

    def __init__(
        self,
        name: str,
        class_count: int,
        training: Mapping[str, np.ndarray],
        validation: Mapping[str, np.ndarray],
        *,
        seed: int,
    ) -> None:
        self._model = BehaviourNetwork(name, class_count, training, seed)
        self.curves = fit(
            self._model,
            training,
            validation,
            batch_size=128,
            epoch_limit=20,
            patience=3,
            learning_rate=3e-3,
            seed=seed,
        )
        signature = {
            column: tf.TensorSpec((None, *values.shape[1:]), values.dtype)
            for column, values in training.items()
        }
        # One signature for batches of all sizes, so that nothing is compiled while answering.
        self._call = tf.function(
            lambda part: self._model(part, training=False)
        ).get_concrete_function(signature)

    def logits(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[n, classes or list size] float32``."""
        return np.concatenate([self._call(part).numpy() for part in batches(columns, _ASKED)])


class _Standard(keras.layers.Layer):
    """Values less the mean over the deviation of ``values [n, features]``, clipped."""

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self.mean = tf.constant(values.mean(axis=0), tf.float32)
        deviation = values.std(axis=0)
        scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
        self.scale = tf.constant(scale, tf.float32)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        standard = (values - self.mean) * self.scale
        return tf.clip_by_value(standard, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)
