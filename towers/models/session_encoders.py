"""Encoders of a session's event sequence: three architectures behind one interface.

Each takes ``states [n, slots, dim]``, the newest event first, and ``present [n, slots] bool``, and
returns states of the same shape, which the query tower pools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from data.errors import ConfigError
from towers.config import TowerConfig
from towers.models.legacy_keras import keras, tf


class Transformer(keras.layers.Layer):
    """Self-attention over the events: each sees all others."""

    def __init__(self, shape: TowerConfig, seed: int) -> None:
        super().__init__()
        self.layers = [
            _TransformerLayer(
                shape.head_count, shape.dim, shape.feedforward_dim, shape.dropout, seed + n
            )
            for n in range(shape.layer_count)
        ]

    def call(self, states: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        for layer in self.layers:
            states = layer(states, present, training=training)
        return states


class Gru(keras.layers.Layer):
    """A gated recurrent unit (Cho et al. 2014), run from the oldest event to the newest."""

    def __init__(self, shape: TowerConfig, seed: int) -> None:
        super().__init__()
        self.shape_config = shape
        init = keras.initializers.GlorotUniform
        self.cell = keras.layers.GRUCell(
            shape.dim,
            kernel_initializer=init(seed=seed),
            recurrent_initializer=keras.initializers.Orthogonal(seed=seed + 1),
        )
        self.dropout = keras.layers.Dropout(shape.dropout)

    def call(self, states: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        slots = self.shape_config.event_slot_count
        given = states.shape[1] or tf.shape(states)[1]
        rest = [[0, 0], [0, slots - given]]
        inputs = tf.unstack(tf.pad(states, [*rest, [0, 0]]), slots, axis=1)
        present_by_slot = tf.unstack(tf.pad(present, rest), slots, axis=1)
        memory = tf.zeros_like(inputs[0])
        outputs: list[tf.Tensor] = []
        # Unrolled, since loops are slow in LiteRT; padding comes before the oldest event.
        for event, is_present in zip(reversed(inputs), reversed(present_by_slot), strict=True):
            after, _ = self.cell(event, [memory])
            memory = tf.where(is_present[:, None], after, memory)
            outputs.append(memory)
        encoded = tf.stack(outputs[::-1], axis=1)[:, :given]
        return states + self.dropout(encoded, training=training)


class PooledDnn(keras.layers.Layer):
    """Two dense layers over the mean of the events; order enters through the slot embeddings only."""

    def __init__(self, shape: TowerConfig, seed: int) -> None:
        super().__init__()
        init = keras.initializers.GlorotUniform
        self.up = keras.layers.Dense(
            shape.feedforward_dim, activation="relu", kernel_initializer=init(seed=seed)
        )
        self.down = keras.layers.Dense(shape.dim, kernel_initializer=init(seed=seed + 1))
        self.dropout = keras.layers.Dropout(shape.dropout)

    def call(self, states: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        weights = tf.cast(present, tf.float32)[..., None]
        count = tf.maximum(tf.reduce_sum(weights, axis=1), 1.0)
        mean = tf.reduce_sum(states * weights, axis=1) / count
        hidden = self.down(self.up(mean))
        return states + self.dropout(hidden, training=training)[:, None, :]


SESSION_ENCODERS: Mapping[str, Callable[[TowerConfig, int], keras.layers.Layer]] = {
    "transformer": Transformer,
    "gru": Gru,
    "dnn": PooledDnn,
}
"""Encoders by the value of ``TowerConfig.session_encoder``."""


def session_encoder(shape: TowerConfig, seed: int) -> keras.layers.Layer:
    """The encoder that the config names.

    Raises:
        ConfigError: There is none of that name.
    """
    name = shape.session_encoder
    if name not in SESSION_ENCODERS:
        known = ", ".join(SESSION_ENCODERS)
        raise ConfigError(f"towers.session_encoder: expected one of {known}, received {name!r}")
    return SESSION_ENCODERS[name](shape, seed)


class _TransformerLayer(keras.layers.Layer):
    """Pre-norm self-attention and feed-forward layers with residuals (Vaswani et al. 2017)."""

    def __init__(
        self, heads: int, dim: int, feedforward_dim: int, dropout: float, seed: int
    ) -> None:
        super().__init__()
        init = keras.initializers.GlorotUniform
        self.heads, self.dim = heads, dim
        self.qkv = keras.layers.Dense(3 * dim, kernel_initializer=init(seed=seed))
        self.out = keras.layers.Dense(dim, kernel_initializer=init(seed=seed + 100))
        self.up = keras.layers.Dense(feedforward_dim, activation="relu")
        self.down = keras.layers.Dense(dim)
        self.norm_attention = keras.layers.LayerNormalization(epsilon=1e-5)
        self.norm_feedforward = keras.layers.LayerNormalization(epsilon=1e-5)
        self.dropout = keras.layers.Dropout(dropout)

    def call(self, states: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        slots = states.shape[1] or tf.shape(states)[1]
        parts = self.qkv(self.norm_attention(states))
        parts = tf.reshape(parts, (-1, slots, 3, self.heads, self.dim // self.heads))
        queries, keys, values = tf.unstack(tf.transpose(parts, (2, 0, 3, 1, 4)))
        scores = tf.matmul(queries, keys, transpose_b=True) / (self.dim // self.heads) ** 0.5
        weights = masked_softmax(scores, present[:, None, None, :])
        mixed = tf.reshape(
            tf.transpose(tf.matmul(weights, values), (0, 2, 1, 3)), (-1, slots, self.dim)
        )
        states += self.dropout(self.out(mixed), training=training)
        hidden = self.down(self.up(self.norm_feedforward(states)))
        return states + self.dropout(hidden, training=training)


def masked_softmax(scores: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis where ``present``; zeros where nothing is present."""
    any_present = tf.reduce_any(present, axis=-1, keepdims=True)
    # A row with nothing present would be 0 / 0: unmask it here, zero it below.
    masked = tf.where(present | ~any_present, scores, tf.constant(-np.inf, tf.float32))
    return tf.nn.softmax(masked, axis=-1) * tf.cast(any_present, tf.float32)
