"""Fisher vectors of pictures: how their patches differ from those of the shop's pictures in general.

A mixture of Gaussians over small patches is fitted without any label; of a picture, the gradient of its
patches' likelihood by the means and the deviations is a long vector that linear classifiers read well
(Perronnin et al. 2010, "Improving the Fisher kernel"; Sánchez et al. 2013). A few hundred pictures are
enough to learn texture and colour from, where a network of random weights wants many thousands.

A patch is described by principal components of its levels, free of brightness and contrast, by its mean
colour and contrasts, and by its place. Patches of a picture and of its mirror image count alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from towers.models.legacy_keras import tf

PATCH = 8
"""Side of a patch, in pixels of each scale."""
CONTRAST_FLOOR = 0.01
"""Added to the variance of a patch's brightness, so that noise of an even one stays small."""
_LARGEST_SIDE = 96
_SCALES = ((1.0, 4), (2 / 3, 4), (1 / 2, 3))
"""Sides of the picture that patches are cut of, as shares of its own, and pixels from one to the next."""
_OPPONENT = np.array(
    [[1 / 3, 1 / 2, 1 / 4], [1 / 3, -1 / 2, 1 / 4], [1 / 3, 0, -1 / 2]], np.float32
)
"""Red, green and blue to brightness, red against green, and both against blue."""
_DEVIATION_FLOOR, _DEVIATION_WEIGHT = 0.02, 0.2
_PLACE_WEIGHT = 0.7
"""Deviation of the places; the other numbers have 1 or more."""
_SMALLEST_SHARE = 1e-6
_SMALLEST = 1e-12


@dataclass(frozen=True, eq=False)
class PatchMixture:
    """A mixture of Gaussians, of diagonal covariance, over the descriptors of patches.

    Args:
        filters: ``[8, 8, 3, k] float32`` principal components, each of mean 0 a channel.
        offset: ``[k] float32``, subtracted.
        colour_mean, colour_deviation: ``[6] float32``.
        shares: ``[m] float32`` of the Gaussians.
        means, variances: ``[m, k + 8] float32``.
    """

    filters: np.ndarray
    offset: np.ndarray
    colour_mean: np.ndarray
    colour_deviation: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @property
    def dim(self) -> int:
        """Of the vectors."""
        return 2 * int(self.means.size)

    def vectors(self, levels: tf.Tensor) -> tf.Tensor:
        """``[n, dim]`` unit rows of ``levels [n, height, width, 3]``, 0 to 1."""
        both = [descriptors(one, self) for one in (levels, tf.reverse(levels, [2]))]
        found = tf.concat(both, axis=1)
        shares, means, variances = self.shares[:, None], self.means, self.variances
        constant = np.log(self.shares) - 0.5 * (np.log(variances) + means**2 / variances).sum(1)
        likelihood = tf.matmul(found, (means / variances).T)
        likelihood += tf.matmul(found * found, (-0.5 / variances).T)
        belongs = tf.nn.softmax(likelihood + constant.astype(np.float32))
        total = tf.reduce_sum(belongs, axis=1)[..., None]
        first = tf.matmul(belongs, found, transpose_a=True)
        second = tf.matmul(belongs, found * found, transpose_a=True)
        of_means = (first - total * means) / np.sqrt(variances * shares)
        of_deviations = second - 2 * means * first + (means**2 - variances) * total
        of_deviations /= variances * np.sqrt(2 * shares)
        gradients = tf.concat([of_means, of_deviations], axis=-1) / float(found.shape[1])
        flat = tf.reshape(gradients, [-1, self.dim])
        # Roots that keep their sign: without them, a few frequent patches drown the others.
        return tf.math.l2_normalize(flat * tf.math.rsqrt(tf.abs(flat) + _SMALLEST), axis=-1)


@dataclass(frozen=True, eq=False)
class FisherHeads:
    """Linear classifiers of Fisher vectors.

    Args:
        directions: ``[dim, rank] float32``, what the classifiers read of the vectors.
        heads: By label, ``[rank, classes] float32``.
    """

    mixture: PatchMixture
    directions: np.ndarray
    heads: Mapping[str, np.ndarray]

    def scores(self, levels: tf.Tensor) -> dict[str, tf.Tensor]:
        """``[n, classes]`` by label, to be added to logarithms of probabilities."""
        read = tf.matmul(self.mixture.vectors(levels), self.directions)
        return {name: tf.matmul(read, head) for name, head in self.heads.items()}


def pooled_shares(shares: tf.Tensor, scores: tf.Tensor) -> tf.Tensor:
    """``[n, classes]`` probabilities of networks, told of more by scores of the same classes."""
    return tf.nn.softmax(tf.math.log(tf.maximum(shares, _SMALLEST_SHARE)) + scores)


def scaled(levels: tf.Tensor) -> list[tuple[tf.Tensor, int]]:
    """Pictures ``[n, height, width, 3]`` in opponent colours, of each scale, and its stride."""
    factor = max(levels.shape[1:3]) // _LARGEST_SIDE
    if factor > 1:
        levels = tf.nn.avg_pool2d(levels, factor, factor, "VALID")
    height, width = levels.shape[1:3]
    most = min(1.0, _LARGEST_SIDE / max(height, width))
    found = []
    for share, stride in _SCALES:
        sides = [max(PATCH, round(side * most * share)) for side in (height, width)]
        resized = levels if sides == [height, width] else tf.image.resize(levels, sides)
        found.append((tf.tensordot(resized, _OPPONENT, 1), stride))
    return found


def descriptors(levels: tf.Tensor, mixture: PatchMixture) -> tf.Tensor:
    """``[n, patches, k + 8]`` of ``levels [n, height, width, 3]``, 0 to 1."""
    found = []
    for picture, stride in scaled(levels):
        mean = tf.nn.avg_pool2d(picture, PATCH, stride, "VALID")
        square = tf.nn.avg_pool2d(picture * picture, PATCH, stride, "VALID")
        variance = tf.maximum(square - mean * mean, 0.0)
        # The filters have mean 0, so that they read a patch free of its mean.
        read = tf.nn.conv2d(picture, mixture.filters, stride, "VALID")
        read = read / tf.sqrt(variance[..., :1] + CONTRAST_FLOOR) - mixture.offset
        colours = tf.concat([mean, colour_contrast(variance)], axis=-1)
        colours = (colours - mixture.colour_mean) / mixture.colour_deviation
        places = _places(picture.shape[1:3], stride)
        # Of the batch's size, which an exported network does not know.
        places = tf.zeros_like(read[..., :2]) + places
        one = tf.concat([read, colours, places], axis=-1)
        found.append(tf.reshape(one, [-1, one.shape[1] * one.shape[2], one.shape[3]]))
    return tf.concat(found, axis=1)


def colour_contrast(variance: tf.Tensor) -> tf.Tensor:
    """Logarithms of the deviations of a patch's channels, of the order of its colours."""
    return tf.math.log(tf.sqrt(variance) + _DEVIATION_FLOOR) * _DEVIATION_WEIGHT


def _places(sides: tuple[int, int], stride: int) -> np.ndarray:
    """``[1, down, across, 2] float32`` about 0."""
    ways = []
    for side in sides:
        count = (side - PATCH) // stride + 1
        # A uniform distribution over a length of 1 has a deviation of 1 / sqrt(12).
        ways.append(((np.arange(count) + 0.5) / count - 0.5) * np.sqrt(12) * _PLACE_WEIGHT)
    places: np.ndarray = np.stack(np.meshgrid(*ways, indexing="ij"), axis=-1)[None]
    return places.astype(np.float32)
