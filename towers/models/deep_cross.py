"""The deep & cross reranker (DCN-v2; Wang et al. 2021, arXiv 2008.13535) and its training.

Trained listwise on the candidates that the sources returned: softmax cross-entropy over the items of
one request, so that the loss depends on their relative order alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.config import RerankConfig
from towers.models.legacy_keras import keras, tf, tfrs
from towers.ranking.features import FEATURE_NAMES, IS_SEARCH, SEARCH_SCORE

_LARGEST_DEVIATION = 5.0
_RULE_WEIGHT = 3.0
_SEARCH_SCORE = FEATURE_NAMES.index(SEARCH_SCORE)
_IS_SEARCH = FEATURE_NAMES.index(IS_SEARCH)


class Member(keras.layers.Layer):
    """One network: crosses and a deep network in parallel, to one logit."""

    def __init__(self, config: RerankConfig, *, cross_layer_count: int) -> None:
        super().__init__()
        rank = config.cross_rank or None
        crosses = (tfrs.layers.dcn.Cross(projection_dim=rank) for _ in range(cross_layer_count))
        self.crosses = list(crosses)
        self.hidden = [keras.layers.Dense(dim, activation="relu") for dim in config.hidden_dims]
        self.dropout = keras.layers.Dropout(config.dropout)
        # Zeros, so that training starts from the fixed rule.
        self.logit = keras.layers.Dense(1, kernel_initializer="zeros")

    def call(self, standard: tf.Tensor, training: bool = False) -> tf.Tensor:
        """``[n, features]`` standardised features to ``[n]`` logits."""
        crossed = standard
        for cross in self.crosses:
            crossed = cross(standard, crossed)
        deep = standard
        for layer in self.hidden:
            deep = self.dropout(layer(deep), training=training)
        return self.logit(tf.concat([crossed, deep], axis=-1))[:, 0]


class DeepCross(keras.Model):
    """Standardised features through a few small networks, whose mean is the logit.

    Each member learns for itself: the mean over several starting points is better than any of them
    and differs less from one training to the next. The first has crosses; the others do without,
    which costs little and makes them differ the more.

    In a search the logit is a residual on the score of the fixed rule, so that an untrained model ranks
    as the rule does. ``search_share`` scales the residual: 1 in training; a release that was taught too
    little has less of it, down to 0, the rule alone.

    Args:
        mean, deviation: ``[features] float32`` of the training data; a constant feature (deviation
            0) is switched off, since the model has no information about it.
    """

    def __init__(self, config: RerankConfig, mean: np.ndarray, deviation: np.ndarray) -> None:
        super().__init__()
        self.mean = tf.constant(mean, tf.float32)
        scale = np.where(deviation > 1e-6, 1.0 / np.maximum(deviation, 1e-6), 0.0)
        self.scale = tf.constant(scale, tf.float32)
        self.members = [
            Member(config, cross_layer_count=0 if number else config.cross_layer_count)
            for number in range(config.member_count)
        ]
        self.rule_weight = self.add_weight(
            name="rule_weight", shape=(), initializer=keras.initializers.Constant(_RULE_WEIGHT)
        )
        self.search_share = tf.Variable(1.0, trainable=False, name="search_share")

    def rule(self, features: tf.Tensor) -> tf.Tensor:
        """The part of the logits that is the fixed rule's, ``[n]``; 0 for browse pages."""
        weight = tf.nn.relu(self.rule_weight)
        return weight * features[:, _SEARCH_SCORE] * features[:, _IS_SEARCH]

    def residuals(self, features: tf.Tensor, training: bool = False) -> list[tf.Tensor]:
        """What each member adds to the rule, ``[n]`` each."""
        standard = (features - self.mean) * self.scale
        standard = tf.clip_by_value(standard, -_LARGEST_DEVIATION, _LARGEST_DEVIATION)
        return [member(standard, training=training) for member in self.members]

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """``[n, features]`` to ``[n]`` logits."""
        residual = tf.add_n(self.residuals(features, training)) / len(self.members)
        is_search = features[:, _IS_SEARCH]
        share = 1.0 - is_search + is_search * self.search_share
        return self.rule(features) + share * residual


def list_loss(scores: tf.Tensor, labels: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
    """Mean softmax cross-entropy of ``[lists, n]`` scores against gains; every list has weight 1."""
    masked = tf.where(present, scores, tf.constant(-np.inf, tf.float32))
    log_share = scores - tf.reduce_logsumexp(masked, axis=1, keepdims=True)
    gains = labels / tf.reduce_sum(labels, axis=1, keepdims=True)
    return -tf.reduce_mean(tf.reduce_sum(gains * log_share, axis=1))


class ListwiseReranker(tfrs.Model):
    """The reranker with its listwise loss; a batch holds whole lists."""

    def __init__(self, deep_cross: DeepCross) -> None:
        super().__init__()
        self.deep_cross = deep_cross

    def compute_loss(self, lists: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Mean list loss of ``features``, ``labels`` and ``present``, named as in ``Lists``.

        In training that of every member by itself, else that of their mean.
        """
        shape = tf.shape(lists["features"])
        flat = tf.reshape(lists["features"], (-1, lists["features"].shape[2]))
        if training:
            rule = self.deep_cross.rule(flat)
            logits = [rule + one for one in self.deep_cross.residuals(flat, training=True)]
        else:
            logits = [self.deep_cross(flat)]
        losses = [
            list_loss(tf.reshape(one, shape[:2]), lists["labels"], lists["present"])
            for one in logits
        ]
        return tf.add_n(losses) / len(losses)
