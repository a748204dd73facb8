"""Pictures changed at random, as the network sees them in training.

Random resized crops and flips; brightness, contrast, saturation and white balance; random erasing (Zhong
et al. 2020); mixup (Zhang et al. 2018) or cutmix (Yun et al. 2019) of a batch with its reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from towers.models.legacy_keras import tf

_LOG_RATIO = 0.288
"""Natural logarithm of the largest ratio of a crop's sides, 4 to 3."""
_JITTER = 0.4
_ERASED_SIDES = 0.1, 0.45


class Strength(NamedTuple):
    """How much pictures are changed.

    Args:
        least_area: Of a crop, as a share of the picture.
        white_balance: Most that the level of a channel is raised or lowered, as a share.
        erased_share: Share of the pictures of which a part is erased.
        mixed_share: Share of the batches that are mixed, half of them by cutmix.
    """

    least_area: float
    white_balance: float
    erased_share: float
    mixed_share: float


MILD = Strength(0.3, 0.1, 0.3, 0.4)
STRONG = Strength(0.15, 0.2, 0.5, 0.8)
"""For a network that has learnt the training pictures by heart; from the start it learns too slowly."""


class Mixed(NamedTuple):
    """A batch mixed with its reverse.

    Args:
        pictures: ``[n, size, size, 3]`` levels.
        share: Of a picture itself in the mixture; 1 where the batch is not mixed.
    """

    pictures: tf.Tensor
    share: tf.Tensor


def augmented(pictures: tf.Tensor, size: int, strength: Strength) -> Mixed:
    """A batch of ``pictures [n, height, width, 3] uint8``, changed and mixed, of ``size`` squared."""
    levels = _cropped(tf.cast(pictures, tf.float32) / 255, size, strength.least_area)
    levels = _coloured(levels, strength.white_balance)
    return _mixed(_erased(levels, strength.erased_share), strength.mixed_share)


def _cropped(levels: tf.Tensor, size: int, least_area: float) -> tf.Tensor:
    count = tf.shape(levels)[0]
    area = tf.random.uniform([count], least_area, 1)
    ratio = tf.exp(tf.random.uniform([count], -_LOG_RATIO, _LOG_RATIO))
    height = tf.minimum(tf.sqrt(area * ratio), 1)
    width = tf.minimum(tf.sqrt(area / ratio), 1)
    top = tf.random.uniform([count]) * (1 - height)
    left = tf.random.uniform([count]) * (1 - width)
    is_flipped = tf.random.uniform([count]) < 0.5
    begin = tf.where(is_flipped, left + width, left)
    end = tf.where(is_flipped, left, left + width)
    boxes = tf.stack([top, begin, top + height, end], axis=1)
    return tf.image.crop_and_resize(levels, boxes, tf.range(count), (size, size))


def _coloured(levels: tf.Tensor, white_balance: float) -> tf.Tensor:
    count = tf.shape(levels)[0]

    def factor() -> tf.Tensor:
        return tf.random.uniform([count, 1, 1, 1], 1 - _JITTER, 1 + _JITTER)

    levels = levels * factor()
    mean = tf.reduce_mean(levels, axis=[1, 2, 3], keepdims=True)
    levels = (levels - mean) * factor() + mean
    grey = tf.reduce_mean(levels, axis=3, keepdims=True)
    levels = (levels - grey) * factor() + grey
    return levels * tf.random.uniform([count, 1, 1, 3], 1 - white_balance, 1 + white_balance)


def _erased(levels: tf.Tensor, share: float) -> tf.Tensor:
    count, size = tf.shape(levels)[0], tf.shape(levels)[1]
    least, most = _ERASED_SIDES
    height, width = tf.random.uniform([count], least, most), tf.random.uniform([count], least, most)
    top = tf.random.uniform([count]) * (1 - height)
    left = tf.random.uniform([count]) * (1 - width)
    is_erased = tf.cast(tf.random.uniform([count, 1, 1, 1]) < share, tf.float32)
    hole = _boxes([top, left, height, width], size) * is_erased
    return levels * (1 - hole) + tf.random.uniform([count, 1, 1, 3]) * hole


def _mixed(levels: tf.Tensor, mixed_share: float) -> Mixed:
    count, size = tf.shape(levels)[0], tf.shape(levels)[1]
    choice, share = tf.random.uniform([]), tf.random.uniform([])
    side = tf.sqrt(1 - share)
    top, left = tf.random.uniform([]) * (1 - side), tf.random.uniform([]) * (1 - side)
    filled = [tf.fill([count], value) for value in (top, left, side, side)]
    cut = _boxes(filled, size)
    weight = tf.where(choice < mixed_share / 2, cut, tf.fill(tf.shape(cut), 1 - share))
    is_mixed = choice < mixed_share
    weight = tf.where(is_mixed, weight, tf.zeros_like(weight))
    return Mixed(
        levels * (1 - weight) + levels[::-1] * weight,
        tf.where(is_mixed, share, tf.ones_like(share)),
    )


def _boxes(boxes: Sequence[tf.Tensor], size: tf.Tensor) -> tf.Tensor:
    """``[n, size, size, 1]``: 1 inside of boxes.

    Args:
        boxes: Top, left, height and width in shares of the side, ``[n]`` each.
    """
    top, left, height, width = boxes
    places = (tf.range(tf.cast(size, tf.float32)) + 0.5) / tf.cast(size, tf.float32)
    across = (places >= left[:, None]) & (places < (left + width)[:, None])
    down = (places >= top[:, None]) & (places < (top + height)[:, None])
    return tf.cast(down[:, :, None] & across[:, None, :], tf.float32)[..., None]
