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


_LEAST_AREA = 0.3
"""Of a crop, as a share of the picture."""
_WHITE_BALANCE = 0.1
"""Most that the level of a channel is raised or lowered, as a share."""
_ERASED_SHARE = 0.3
"""Share of the pictures of which a part is erased."""
_MIXED_SHARE = 0.4
"""Share of the batches that are mixed, half of them by cutmix."""


class Mixed(NamedTuple):
    """A batch mixed with its reverse.

    Args:
        pictures: ``[n, size, size, 3]`` levels.
        share: Of a picture itself in the mixture; 1 where the batch is not mixed.
    """

    pictures: tf.Tensor
    share: tf.Tensor


def augmented(pictures: tf.Tensor, size: int) -> Mixed:
    """A batch of ``pictures [n, height, width, 3] uint8``, changed and mixed, of ``size`` squared."""
    levels = _cropped(tf.cast(pictures, tf.float32) / 255, size)
    levels = _coloured(levels)
    return _mixed(_erased(levels))


def _cropped(levels: tf.Tensor, size: int) -> tf.Tensor:
    count = tf.shape(levels)[0]
    area = tf.random.uniform([count], _LEAST_AREA, 1)
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


def _coloured(levels: tf.Tensor) -> tf.Tensor:
    count = tf.shape(levels)[0]

    def factor() -> tf.Tensor:
        return tf.random.uniform([count, 1, 1, 1], 1 - _JITTER, 1 + _JITTER)

    levels = levels * factor()
    mean = tf.reduce_mean(levels, axis=[1, 2, 3], keepdims=True)
    levels = (levels - mean) * factor() + mean
    grey = tf.reduce_mean(levels, axis=3, keepdims=True)
    levels = (levels - grey) * factor() + grey
    return levels * tf.random.uniform([count, 1, 1, 3], 1 - _WHITE_BALANCE, 1 + _WHITE_BALANCE)


def _erased(levels: tf.Tensor) -> tf.Tensor:
    count, size = tf.shape(levels)[0], tf.shape(levels)[1]
    least, most = _ERASED_SIDES
    height, width = tf.random.uniform([count], least, most), tf.random.uniform([count], least, most)
    top = tf.random.uniform([count]) * (1 - height)
    left = tf.random.uniform([count]) * (1 - width)
    is_erased = tf.cast(tf.random.uniform([count, 1, 1, 1]) < _ERASED_SHARE, tf.float32)
    hole = _boxes([top, left, height, width], size) * is_erased
    return levels * (1 - hole) + tf.random.uniform([count, 1, 1, 3]) * hole


def _mixed(levels: tf.Tensor) -> Mixed:
    count, size = tf.shape(levels)[0], tf.shape(levels)[1]
    choice, share = tf.random.uniform([]), tf.random.uniform([])
    side = tf.sqrt(1 - share)
    top, left = tf.random.uniform([]) * (1 - side), tf.random.uniform([]) * (1 - side)
    filled = [tf.fill([count], value) for value in (top, left, side, side)]
    cut = _boxes(filled, size)
    weight = tf.where(choice < _MIXED_SHARE / 2, cut, tf.fill(tf.shape(cut), 1 - share))
    is_mixed = choice < _MIXED_SHARE
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
