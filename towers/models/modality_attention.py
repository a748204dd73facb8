"""Fusion of an item's modalities by attention, any of which may be missing.

Scaled dot-product attention (Vaswani et al. 2017) of one learnt query over a key of each modality that
the item has: its words, its picture, its sound. Modalities are dropped at random in training (Neverova et
al. 2016, "ModDrop"), so that the rest serves alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.modalities.modality_list import MODALITIES, PICTURE
from towers.models.legacy_keras import keras, tf

_KEY_DIM = 16
_DROPPED_SHARE = 0.3
"""Of the items in training: one modality is dropped, any with the same probability."""
_ALONE_SHARE = 0.15
"""Likewise, where there are three or more: all but one are dropped."""
_FIRST_WORDS = 1.0
"""Start of the logit of words over the others': what a picture tells has to be learnt first."""
_PROJECTION = "projection_"
"""Start of the name of a modality's projection among the plain arrays."""
_OF_ALL = ("keys", "query", "bias")
"""Weights of all modalities together: words first, the others in their order."""


class ModalityAttention(keras.layers.Layer):
    """Mixes the words' vector of an item with the projections of its other modalities.

    Args:
        dim: Of the item embeddings.
        modality_dims: Of the vectors of modalities, by name; in the order of the weights after words.
    """

    def __init__(self, dim: int, modality_dims: Mapping[str, int], seed: int) -> None:
        super().__init__(name="modality_attention")
        glorot = keras.initializers.GlorotUniform
        self.names = tuple(modality_dims)
        count = 1 + len(self.names)
        self.projections = {
            name: self.add_weight(
                name=f"{_PROJECTION}{name}",
                shape=(modality_dim, dim),
                initializer=glorot(seed + 10 * number),
            )
            for number, (name, modality_dim) in enumerate(modality_dims.items())
        }
        self.keys = self.add_weight(
            name="keys", shape=(count, dim, _KEY_DIM), initializer=glorot(seed + 1)
        )
        self.query = self.add_weight(
            name="query",
            shape=(_KEY_DIM,),
            initializer=keras.initializers.RandomNormal(0.1, seed=seed),
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(count,),
            initializer=keras.initializers.Constant([_FIRST_WORDS] + [0.0] * len(self.names)),
        )

    def call(
        self,
        words: tf.Tensor,
        has_words: tf.Tensor,
        vectors: Mapping[str, tf.Tensor],
        training: bool = False,
    ) -> tf.Tensor:
        """``[n, dim]``: the words' vector itself where an item has nothing else.

        Args:
            words: ``[n, dim]``, zeros without any.
            has_words: ``[n] bool``.
            vectors: ``[n, modality_dim]`` unit rows by modality, zeros where an item has none.
        """
        values, present = self._values(words, has_words, vectors)
        if training:
            present = _dropped(present)
        return tf.reduce_sum(self._weights(values, present)[..., None] * values, axis=1)

    def weights_of(
        self, words: tf.Tensor, has_words: tf.Tensor, vectors: Mapping[str, tf.Tensor]
    ) -> tf.Tensor:
        """``[n, modalities]`` weights, words first, that sum to 1; zeros where nothing is present."""
        return self._weights(*self._values(words, has_words, vectors))

    def _values(
        self, words: tf.Tensor, has_words: tf.Tensor, vectors: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, tf.Tensor]:
        present = [tf.reduce_any(vectors[name] != 0, axis=-1) for name in self.names]
        values = [tf.matmul(vectors[name], self.projections[name]) for name in self.names]
        return tf.stack([words, *values], axis=1), tf.stack([has_words, *present], axis=1)

    def _weights(self, values: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        # Of directions: a title of many words is shorter than one of few, and no less certain.
        keys = tf.einsum("nmd,mdk->nmk", tf.math.l2_normalize(values, axis=-1), self.keys)
        logits = tf.einsum("nmk,k->nm", keys, self.query) / np.sqrt(_KEY_DIM) + self.bias
        weights = tf.nn.softmax(tf.where(present, logits, -np.inf), axis=-1)
        # Without any modality every logit is infinite.
        return tf.where(tf.reduce_any(present, axis=-1, keepdims=True), weights, 0.0)


def _dropped(present: tf.Tensor) -> tf.Tensor:
    """``present [n, modalities]`` without some at random, never without all."""
    count, modality_count = tf.shape(present)[0], present.shape[1]
    has_several = tf.reduce_sum(tf.cast(present, tf.int32), axis=1, keepdims=True) > 1
    chance = tf.random.uniform((count, 1))
    numbers = tf.range(modality_count)[None, :]
    number = tf.cast(chance / (_DROPPED_SHARE / modality_count), tf.int32)
    is_dropped = (number == numbers) & has_several
    if modality_count > 2:
        alone = tf.cast((1 - chance) / (_ALONE_SHARE / modality_count), tf.int32)
        is_alone = (alone == numbers) & present
        is_dropped |= tf.reduce_any(is_alone, axis=1, keepdims=True) & ~is_alone
    return present & ~is_dropped


def attention_from(arrays: Mapping[str, np.ndarray]) -> ModalityAttention:
    """The layer with weights as ``arrays_of`` gave them."""
    if "projection" in arrays:
        # As bundles name it that were made when pictures were the only other modality.
        arrays = {**arrays, f"{_PROJECTION}{PICTURE.name}": arrays["projection"]}
    projections = {
        one.name: arrays[f"{_PROJECTION}{one.name}"]
        for one in MODALITIES
        if f"{_PROJECTION}{one.name}" in arrays
    }
    dims = {name: len(projection) for name, projection in projections.items()}
    layer = ModalityAttention(arrays["keys"].shape[1], dims, seed=0)
    for name, projection in projections.items():
        layer.projections[name].assign(projection)
    for name in _OF_ALL:
        getattr(layer, name).assign(arrays[name])
    return layer


def arrays_of(layer: ModalityAttention) -> dict[str, np.ndarray]:
    """The weights by name."""
    projections = {f"{_PROJECTION}{name}": one.numpy() for name, one in layer.projections.items()}
    return {**projections, **{name: getattr(layer, name).numpy() for name in _OF_ALL}}
