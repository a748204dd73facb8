"""Networks for the second stage that are not served: gates and attention over the list.

Each learns as the released reranker does, on its lists and with its loss, alone or as one more member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from towers.config import RerankConfig
from towers.datasets.ranking_lists import Lists
from towers.models.deep_cross import DeepCross, ListwiseReranker, list_loss
from towers.models.fitting import fit
from towers.models.legacy_keras import keras, tf, tfrs

_ROWS = 1_000
"""Lists scored at once."""

Build = Callable[[DeepCross], tfrs.Model]
Scorer = Callable[[Lists], np.ndarray]
"""Scores of all candidates of lists, ``[lists, candidates]``."""


class Masked(keras.layers.Layer):
    """MaskNet's instance-guided mask (Wang et al. 2021, arXiv 2102.07619), two blocks in series."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.norm = keras.layers.LayerNormalization()
        self.hidden = [keras.layers.Dense(dim) for dim in dims]
        self.norms = [keras.layers.LayerNormalization() for _ in dims]
        self.gates = [keras.layers.Dense(2 * dims[0], activation="relu") for _ in dims]
        self.dims = dims
        self.logit = keras.layers.Dense(1, kernel_initializer="zeros")

    def build(self, shape: Any) -> None:
        widths = (int(shape[-1]), *self.dims[:-1])
        self.masks = [keras.layers.Dense(width) for width in widths]

    def call(self, standard: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = self.norm(standard)
        for gate, mask, layer, norm in zip(
            self.gates, self.masks, self.hidden, self.norms, strict=True
        ):
            x = tf.nn.relu(norm(layer(x * mask(gate(standard)))))
        return self.logit(x)[..., 0]


class Context(keras.layers.Layer):
    """Self-attention over the candidates of a list (Pobrotyn et al. 2020, arXiv 2005.10084)."""

    def __init__(self, dim: int, layer_count: int) -> None:
        super().__init__()
        self.input_layer = keras.layers.Dense(dim)
        self.attentions = [keras.layers.MultiHeadAttention(2, dim // 2) for _ in range(layer_count)]
        self.feeds = [
            keras.Sequential([keras.layers.Dense(2 * dim, "relu"), keras.layers.Dense(dim)])
            for _ in range(layer_count)
        ]
        self.norms = [keras.layers.LayerNormalization() for _ in range(2 * layer_count)]
        self.logit = keras.layers.Dense(1, kernel_initializer="zeros")

    def call(self, standard: tf.Tensor, present: tf.Tensor, training: bool = False) -> tf.Tensor:
        x = self.input_layer(standard)
        mask = present[:, None, :]
        for number, (attend, feed) in enumerate(zip(self.attentions, self.feeds, strict=True)):
            normed = self.norms[2 * number](x)
            x = x + attend(normed, normed, attention_mask=mask, training=training)
            x = x + feed(self.norms[2 * number + 1](x))
        return self.logit(x)[..., 0]


class Listwise(tfrs.Model):
    """The released reranker's rule and standardisation, with another network beside or in its place.

    Args:
        released: Its members take part unless it has none.
        gate, context: Added as further members.
    """

    def __init__(
        self, released: DeepCross, gate: Masked | None = None, context: Context | None = None
    ) -> None:
        super().__init__()
        self.released, self.gate, self.context = released, gate, context

    def members(self, lists: Mapping[str, tf.Tensor], training: bool) -> list[tf.Tensor]:
        """Residuals of all members, ``[lists, candidates]`` each."""
        features = lists["features"]
        shape = tf.shape(features)
        flat = tf.reshape(features, (-1, features.shape[2]))
        standard = tf.clip_by_value((flat - self.released.mean) * self.released.scale, -5.0, 5.0)
        found = [
            tf.reshape(member(standard, training=training), shape[:2])
            for member in self.released.members
        ]
        if self.gate is not None:
            found.append(tf.reshape(self.gate(standard, training=training), shape[:2]))
        if self.context is not None:
            inputs = tf.reshape(standard, shape)
            found.append(self.context(inputs, lists["present"], training=training))
        rule = tf.reshape(self.released.rule(flat), shape[:2])
        return [rule + one for one in found]

    def compute_loss(self, lists: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """As the released reranker's: of each member in training, else of their mean."""
        logits = self.members(lists, training)
        if not training:
            logits = [tf.add_n(logits) / len(logits)]
        losses = [list_loss(one, lists["labels"], lists["present"]) for one in logits]
        return tf.add_n(losses) / len(losses)


def trained(
    build: Build, config: RerankConfig, learnt: Lists, stopping: Lists, seed: int
) -> Scorer:
    """A network trained as ``towers.training.reranker_training`` trains."""
    keras.utils.set_random_seed(seed)
    rows = learnt.features[learnt.present]
    model = build(DeepCross(config, rows.mean(axis=0), rows.std(axis=0)))
    fit(
        model,
        learnt.columns,
        stopping.columns,
        batch_size=config.batch_size,
        epoch_limit=config.epoch_limit,
        patience=config.patience,
        learning_rate=config.learning_rate,
        seed=seed,
    )
    if isinstance(model, ListwiseReranker):
        return lambda lists: flat(lambda rows: model.deep_cross(rows).numpy(), lists)

    @tf.function(reduce_retracing=True)
    def mean(features: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        found = model.members({"features": features, "present": present}, training=False)
        return tf.add_n(found) / len(found)

    def scores(lists: Lists) -> np.ndarray:
        parts = (slice(at, at + _ROWS) for at in range(0, lists.count, _ROWS))
        found = [mean(lists.features[part], lists.present[part]).numpy() for part in parts]
        return np.concatenate(found)

    return scores


def networks(
    config: RerankConfig,
) -> dict[str, tuple[RerankConfig, Build]]:
    """The networks by name, each with its settings."""
    none = replace(config, member_count=0)
    return {
        "as released": (config, ListwiseReranker),
        "one member, with crosses": (replace(config, member_count=1), ListwiseReranker),
        "one member, no crosses": (
            replace(config, member_count=1, cross_layer_count=0),
            ListwiseReranker,
        ),
        "one member, crosses alone": (
            replace(config, member_count=1, hidden_dims=()),
            ListwiseReranker,
        ),
        "full crosses": (replace(config, cross_rank=0), ListwiseReranker),
        "hidden layers of 256, 128": (replace(config, hidden_dims=(256, 128)), ListwiseReranker),
        "eight members": (replace(config, member_count=8), ListwiseReranker),
        "MaskNet": (none, lambda released: Listwise(released, gate=Masked((64, 32)))),
        "members and MaskNet": (config, lambda released: Listwise(released, gate=Masked((64, 32)))),
        "self-attention": (none, lambda released: Listwise(released, context=Context(32, 1))),
        "members and self-attention": (
            config,
            lambda released: Listwise(released, context=Context(32, 1)),
        ),
    }


def flat(score: Callable[[np.ndarray], np.ndarray], lists: Lists) -> np.ndarray:
    """Scores of all candidates of lists by what scores ``[n, features]`` rows."""
    scores = np.full(lists.present.shape, -np.inf)
    scores[lists.present] = score(lists.features[lists.present])
    return scores
