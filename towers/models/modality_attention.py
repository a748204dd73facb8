"""Fusion of an item's modalities by attention, any of which may be missing.

Scaled dot-product attention (Vaswani et al. 2017) of one learnt query over a key of each modality that
the item has: its words, its picture. Modalities are dropped at random in training (Neverova et al. 2016,
"ModDrop"), so that the rest serves alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.models.legacy_keras import keras, tf

WORDS, PICTURE = "words", "picture"
MODALITIES = (WORDS, PICTURE)
"""In the order of the weights. Another modality is one more name, with vectors of its own."""

_KEY_DIM = 16
_DROPPED_SHARE = 0.15
_FIRST_WORDS = 1.0
"""Start of the logit of words over a picture's: what a picture tells has to be learnt first."""


class ModalityAttention(keras.layers.Layer):
    """Mixes the words' vector of an item with the projection of its picture.

    Args:
        dim: Of the item embeddings.
        picture_dim: Of the pictures' vectors.
    """

    def __init__(self, dim: int, picture_dim: int, seed: int) -> None:
        super().__init__(name="modality_attention")
        glorot = keras.initializers.GlorotUniform
        self.projection = self.add_weight(
            name="projection", shape=(picture_dim, dim), initializer=glorot(seed)
        )
        self.keys = self.add_weight(
            name="keys", shape=(len(MODALITIES), dim, _KEY_DIM), initializer=glorot(seed + 1)
        )
        self.query = self.add_weight(
            name="query",
            shape=(_KEY_DIM,),
            initializer=keras.initializers.RandomNormal(0.1, seed=seed),
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(len(MODALITIES),),
            initializer=keras.initializers.Constant([_FIRST_WORDS, 0.0]),
        )

    def call(
        self,
        words: tf.Tensor,
        has_words: tf.Tensor,
        pictures: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """``[n, dim]``: the words' vector itself where an item has no picture.

        Args:
            words: ``[n, dim]``, zeros without any.
            has_words: ``[n] bool``.
            pictures: ``[n, picture_dim]`` unit rows, zeros without any.
        """
        values, present = self._values(words, has_words, pictures)
        if training:
            present = _dropped(present)
        return tf.reduce_sum(self._weights(values, present)[..., None] * values, axis=1)

    def weights_of(self, words: tf.Tensor, has_words: tf.Tensor, pictures: tf.Tensor) -> tf.Tensor:
        """``[n, modalities]`` weights that sum to 1; zeros where nothing is present."""
        return self._weights(*self._values(words, has_words, pictures))

    def _values(
        self, words: tf.Tensor, has_words: tf.Tensor, pictures: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        has_picture = tf.reduce_any(pictures != 0, axis=-1)
        values = tf.stack([words, tf.matmul(pictures, self.projection)], axis=1)
        return values, tf.stack([has_words, has_picture], axis=1)

    def _weights(self, values: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        # Of directions: a title of many words is shorter than one of few, and no less certain.
        keys = tf.einsum("nmd,mdk->nmk", tf.math.l2_normalize(values, axis=-1), self.keys)
        logits = tf.einsum("nmk,k->nm", keys, self.query) / np.sqrt(_KEY_DIM) + self.bias
        weights = tf.nn.softmax(tf.where(present, logits, -np.inf), axis=-1)
        # Without any modality every logit is infinite.
        return tf.where(tf.reduce_any(present, axis=-1, keepdims=True), weights, 0.0)


def _dropped(present: tf.Tensor) -> tf.Tensor:
    """``present [n, modalities]`` without one of them at random where an item has several."""
    count = tf.shape(present)[0]
    has_several = tf.reduce_sum(tf.cast(present, tf.int32), axis=1, keepdims=True) > 1
    chance = tf.random.uniform((count, 1))
    number = tf.cast(chance / _DROPPED_SHARE, tf.int32)
    is_dropped = (number == tf.range(len(MODALITIES))[None, :]) & has_several
    return present & ~is_dropped


def attention_from(arrays: Mapping[str, np.ndarray]) -> ModalityAttention:
    """The layer with weights as ``arrays_of`` gave them."""
    picture_dim, dim = arrays["projection"].shape
    layer = ModalityAttention(dim, picture_dim, seed=0)
    for name, array in arrays.items():
        getattr(layer, name).assign(array)
    return layer


def arrays_of(layer: ModalityAttention) -> dict[str, np.ndarray]:
    """The weights by name."""
    return {name: getattr(layer, name).numpy() for name in ("projection", "keys", "query", "bias")}
