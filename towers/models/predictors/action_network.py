"""One network for several actions of a shopper, learnt over all items that were shown.

The conditional probabilities of actions that need each other are multiplied (ESMM; Ma et al. 2018,
arXiv 1804.07931), so that purchases are learnt from every item shown, clicked or not. The place in
which an item was shown adds to the first action's logit while training, and nothing while serving
(the shallow tower of Zhao et al. 2019, "Recommending what video to watch next").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from towers.models.legacy_keras import keras, tf, tfrs

_HIDDEN_DIMS = (64, 32)
_DROPOUT = 0.1
_LARGEST_DEVIATION = 5.0
_PLACE_PENALTY = 1e-4
_LEAST_PROBABILITY = 1e-7


class ActionNetwork(tfrs.Model):
    """Features of an item shown to the logit of each action.

    Columns: ``features [n, features] float32``, ``places [n] int32`` codes from 1, 0 where the place is
    not known, and ``labels [n, actions] float32``.

    Args:
        parents: For each action the position of the one that it needs, −1 for none.
        mean, deviation: ``[features] float32`` of the training rows.
        place_count: Codes of places, the unknown one included.
    """

    def __init__(
        self,
        parents: Sequence[int],
        mean: np.ndarray,
        deviation: np.ndarray,
        *,
        place_count: int,
    ) -> None:
        super().__init__()
        self.parents = tuple(parents)
        self.factors = tf.constant(_factors(self.parents), tf.float32)
        self.mean = tf.constant(mean, tf.float32)
        scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
        self.scale = tf.constant(scale, tf.float32)
        self.hidden = [keras.layers.Dense(dim, activation="relu") for dim in _HIDDEN_DIMS]
        self.dropout = keras.layers.Dropout(_DROPOUT)
        self.conditional = keras.layers.Dense(len(self.parents))
        self.place_effects = self.add_weight(
            name="place_effects", shape=(place_count,), initializer="zeros"
        )

    def conditionals(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """``[n, actions]`` logits of each action given the one that it needs; places are left out."""
        standard = (features - self.mean) * self.scale
        hidden = tf.clip_by_value(standard, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)
        for layer in self.hidden:
            hidden = self.dropout(layer(hidden), training=training)
        return self.conditional(hidden)

    def log_probabilities(self, conditionals: tf.Tensor) -> tf.Tensor:
        """``[n, actions]``: of each action over all items shown."""
        return tf.matmul(tf.math.log_sigmoid(conditionals), self.factors)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """``[n, features]`` to ``[n, actions]`` logits over all items shown, in a neutral place."""
        log_yes = self.log_probabilities(self.conditionals(features))
        return log_yes - _log_no(log_yes)

    def compute_loss(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Sum over the actions of the mean cross-entropy over all items shown."""
        logits = self.conditionals(columns["features"], training=training)
        effects = tf.gather(self.place_effects, columns["places"])
        effects = tf.where(columns["places"] > 0, effects, tf.zeros_like(effects))
        roots = tf.constant([[float(parent < 0) for parent in self.parents]], tf.float32)
        log_yes = self.log_probabilities(logits + effects[:, None] * roots)
        labels = columns["labels"]
        losses = -(labels * log_yes + (1.0 - labels) * _log_no(log_yes))
        penalty = _PLACE_PENALTY * tf.reduce_sum(tf.square(self.place_effects))
        return tf.reduce_sum(tf.reduce_mean(losses, axis=0)) + penalty

    def make_places_neutral(self, places: np.ndarray) -> np.ndarray:
        """Moves the mean effect of the places into the network: a neutral place is an average one.

        Args:
            places: ``[n] int32`` of the training rows.

        Returns:
            ``[place_count] float32`` effects, their mean over the rows 0; 0 for places never seen.
        """
        effects = self.place_effects.numpy()
        counts = np.bincount(places, minlength=len(effects)).astype(np.float64)
        counts[0] = 0.0
        if counts.sum():
            mean = float(effects @ counts / counts.sum())
            kernel, bias = self.conditional.get_weights()
            bias[[place for place, parent in enumerate(self.parents) if parent < 0]] += mean
            self.conditional.set_weights([kernel, bias])
            effects = effects - mean
        neutral: np.ndarray = np.where(counts > 0, effects, 0.0).astype(np.float32)
        self.place_effects.assign(neutral)
        return neutral


def _factors(parents: Sequence[int]) -> np.ndarray:
    """``[actions, actions]``, 1 where the row's conditional is a factor of the column's probability."""
    factors = np.eye(len(parents))
    for place, parent in enumerate(parents):
        if parent >= 0:
            factors[:, place] += factors[:, parent]
    return factors


def _log_no(log_yes: tf.Tensor) -> tf.Tensor:
    """Logarithm of the probability that it is not done."""
    return tf.math.log(tf.maximum(1.0 - tf.exp(log_yes), _LEAST_PROBABILITY))
