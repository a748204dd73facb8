"""A small residual network for pictures or sounds, with a classifier a label and a contrast to the words.

Three groups of residual blocks (He et al. 2016, "Identity mappings in deep residual networks") on a
sixteenth of the picture's side at the end; the means of all three groups are read together, since colour
and texture tell as much as form. About 750,000 weights for pictures. A sound is read as the picture of
its levels, of one channel. Inputs of any size go through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from towers.models.images.fisher_vectors import FisherHeads, pooled_shares
from towers.models.legacy_keras import keras, tf

_BLOCK_COUNT = 2
_DROPOUT = 0.2
_TOLD_LIMIT = 256
"""Classes of a label that vectors tell of: each adds a dimension."""
_LABEL_SMOOTHING = 0.1
_CONTRAST_TEMPERATURE = 0.1
UNKNOWN = -1
"""The class of an input whose label is not known."""


@dataclass(frozen=True)
class NetworkShape:
    """What differs between networks of pictures and of sounds.

    Args:
        channels: Of an input.
        stem_width: Channels of the first convolution.
        widths: Of the groups of blocks.
        mean, deviation: Of the levels, about.
        is_mirrored: Whether an input and its mirror image show the same.
    """

    channels: int
    stem_width: int
    widths: tuple[int, ...]
    mean: float
    deviation: float
    is_mirrored: bool


PICTURE_SHAPE = NetworkShape(3, 24, (32, 64, 128), 0.45, 0.25, is_mirrored=True)


@dataclass(frozen=True)
class ImageTargets:
    """What the network learns to tell of pictures or sounds.

    Args:
        class_counts: Classes by name of the label.
        classes: ``[inputs] int32`` by label, ``UNKNOWN`` where it is not known.
        words: ``[inputs, slots] int32`` words of the titles, 0 as padding; without any, no contrast.
        word_count: Different words, padding included.
    """

    class_counts: Mapping[str, int]
    classes: Mapping[str, np.ndarray]
    words: np.ndarray
    word_count: int

    @property
    def weights(self) -> dict[str, float]:
        """Of each label in the loss: the more classes, the more there is to learn from it."""
        logs = {name: float(np.log(count)) for name, count in self.class_counts.items()}
        return {name: value / max(logs.values()) for name, value in logs.items()}


class ImageNetwork(keras.Model):
    """Levels of 0 to 1, ``[n, height, width, channels] float32``, to ``[n, dim]``, not of unit length.

    Args:
        targets: Labels and words to learn; only their counts are read.
    """

    def __init__(
        self, dim: int, targets: ImageTargets, shape: NetworkShape = PICTURE_SHAPE
    ) -> None:
        super().__init__(name="image_network")
        self.shape = shape
        self.body = _body(dim, shape)
        self.dropout = keras.layers.Dropout(_DROPOUT)
        self.heads = {
            name: keras.layers.Dense(count, name=f"head_{number}")
            for number, (name, count) in enumerate(targets.class_counts.items())
        }
        self.has_words = targets.word_count > 1 and bool((targets.words > 0).any())
        self.word_table = keras.layers.Embedding(max(2, targets.word_count), dim, name="words")

    def get_config(self) -> dict[str, Any]:
        """Nothing: the network is kept as a LiteRT file, never as a Keras model."""
        return {}

    def call(self, levels: tf.Tensor, training: bool = False) -> tf.Tensor:
        """``[n, dim]`` vectors."""
        return self.body((levels - self.shape.mean) / self.shape.deviation, training=training)

    def logits(self, vectors: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """``[n, classes]`` by label."""
        kept = self.dropout(vectors, training=training)
        return {name: head(kept) for name, head in self.heads.items()}

    def contrast(self, vectors: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
        """Mean cross-entropy of finding each input's title among those of the batch.

        Inputs without words count for nothing; those of the same words are no negatives.
        """
        present = tf.cast(words > 0, tf.float32)
        counts = tf.reduce_sum(present, axis=1)
        texts = tf.reduce_sum(self.word_table(words) * present[..., None], axis=1)
        texts = tf.math.l2_normalize(texts / tf.maximum(counts, 1.0)[:, None], axis=-1)
        inputs = tf.math.l2_normalize(vectors, axis=-1)
        scores = tf.matmul(inputs, texts, transpose_b=True) / _CONTRAST_TEMPERATURE
        has_words = counts > 0
        is_same = tf.reduce_all(words[:, None, :] == words[None, :, :], axis=-1)
        is_other = has_words[None, :] & ~is_same
        diagonal = tf.cast(tf.eye(tf.shape(words)[0]), tf.bool)
        scores = tf.where(is_other | diagonal, scores, -np.inf)
        lost = tf.reduce_logsumexp(scores, axis=1) - tf.linalg.diag_part(scores)
        counted = tf.cast(has_words, tf.float32)
        return tf.reduce_sum(lost * counted) / tf.maximum(tf.reduce_sum(counted), 1.0)


def class_loss(logits: tf.Tensor, target: tf.Tensor, is_known: tf.Tensor) -> tf.Tensor:
    """Mean cross-entropy with label smoothing over the inputs whose label is known.

    Args:
        target: ``[n, classes]`` distributions.
        is_known: ``[n] float32``, 0 or 1.
    """
    classes = tf.cast(tf.shape(target)[1], tf.float32)
    smooth = target * (1 - _LABEL_SMOOTHING) + _LABEL_SMOOTHING / classes
    lost = tf.nn.softmax_cross_entropy_with_logits(smooth, logits) * is_known
    return tf.reduce_sum(lost) / tf.maximum(tf.reduce_sum(is_known), 1.0)


def _body(dim: int, shape: NetworkShape) -> keras.Model:
    inputs = keras.layers.Input((None, None, shape.channels))
    found = _activated(_convolved(inputs, shape.stem_width, 3, 2))
    found = _activated(_convolved(found, shape.widths[0], 3, 2))
    means = []
    for group, width in enumerate(shape.widths):
        for block in range(_BLOCK_COUNT):
            found = _residual(found, width, 2 if group and not block else 1)
        means.append(keras.layers.GlobalAveragePooling2D()(found))
    read = keras.layers.Dense(dim, use_bias=False)(keras.layers.Concatenate()(means))
    return keras.Model(inputs, _normalised(read))


def _residual(inputs: tf.Tensor, width: int, stride: int) -> tf.Tensor:
    shortcut = inputs
    if stride > 1:
        shortcut = keras.layers.AveragePooling2D(2, padding="same")(shortcut)
    if shortcut.shape[-1] != width:
        shortcut = _normalised(_convolved(shortcut, width, 1, 1))
    inner = _activated(_convolved(inputs, width, 3, stride))
    # Blocks begin as the identity, so that a deep network trains like a shallow one.
    inner = _normalised(_convolved(inner, width, 3, 1), scale="zeros")
    return keras.layers.ReLU()(keras.layers.Add()([shortcut, inner]))


def _convolved(inputs: tf.Tensor, width: int, kernel: int, stride: int) -> tf.Tensor:
    return keras.layers.Conv2D(
        *(width, kernel, stride),
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
    )(inputs)


def _normalised(inputs: tf.Tensor, scale: str = "ones") -> tf.Tensor:
    # Moving means follow fast, since a small shop has few steps.
    return keras.layers.BatchNormalization(momentum=0.95, gamma_initializer=scale)(inputs)


def _activated(inputs: tf.Tensor) -> tf.Tensor:
    return keras.layers.ReLU()(_normalised(inputs))


def told_columns(class_counts: Mapping[str, int], dim: int) -> dict[str, int]:
    """The first column of each label in the vectors of ``told_vectors``, by label."""
    columns = {}
    for name, count in class_counts.items():
        if count <= _TOLD_LIMIT:
            columns[name] = dim
            dim += count
    return columns


def told_vectors(
    networks: Sequence[ImageNetwork], levels: tf.Tensor, fisher: FisherHeads | None = None
) -> tf.Tensor:
    """``[n, told_dim]`` unit rows: what an input looks like, and what the classifiers tell of it.

    The networks' vectors, unit vectors side by side, beside the square roots of the classes'
    probabilities, a unit vector for each label: the inner product of two pictures is a mean of cosines
    plus the overlap of their distributions (Bhattacharyya 1943). On photographs of groceries, trained on
    what they are, the right product was in the first 5 of 81 for .88 of them, by the vector alone for
    .77. Of pictures, all is the mean of a picture and its mirror image; probabilities are the mean of all
    networks (Lakshminarayanan et al. 2017, "deep ensembles"), with what Fisher vectors tell, if any.

    Labels of more than ``_TOLD_LIMIT`` classes are left out.
    """
    read = [_read(network, levels) for network in networks]
    looks = tf.concat([vectors for vectors, _ in read], axis=1) / float(np.sqrt(len(read)))
    parts = [looks]
    counts = {name: int(shares.shape[1]) for name, shares in read[0][1].items()}
    scores = {} if fisher is None else fisher.scores(levels)
    for name in told_columns(counts, 0):
        mean = tf.add_n([shares[name] for _, shares in read]) / len(read)
        parts.append(tf.sqrt(pooled_shares(mean, scores[name]) if name in scores else mean))
    return tf.concat(parts, axis=1) / float(np.sqrt(len(parts)))


def class_shares(network: ImageNetwork, levels: tf.Tensor) -> dict[str, tf.Tensor]:
    """``[n, classes]`` probabilities by label; of a picture the mean of it and its mirror image."""
    return _read(network, levels)[1]


def _read(network: ImageNetwork, levels: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """Unit vectors, and probabilities by label."""
    ways = [network(levels)]
    if network.shape.is_mirrored:
        ways.append(network(tf.reverse(levels, [2])))
    told = [network.logits(vectors) for vectors in ways]
    return tf.math.l2_normalize(tf.add_n(ways), axis=-1), {
        name: tf.add_n([tf.nn.softmax(one[name]) for one in told]) / len(ways) for name in told[0]
    }


def label_names(targets: ImageTargets) -> Sequence[str]:
    """The labels, those of the most classes first."""
    return sorted(targets.class_counts, key=lambda name: (-targets.class_counts[name], name))
