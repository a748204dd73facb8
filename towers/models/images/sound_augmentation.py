"""Sounds changed at random, as the network sees them in training; and the shape of their network.

Random parts in time; louder and softer; bands shifted by a step, as by a small change of pitch; bands and
times masked (SpecAugment, Park et al. 2019); mixup (Zhang et al. 2018) of a batch with its reverse.
"""

from __future__ import annotations

from towers.models.images.image_augmentation import Mixed
from towers.models.images.image_network import NetworkShape
from towers.models.legacy_keras import tf

SOUND_SHAPE = NetworkShape(1, 16, (24, 48, 96), 0.4, 0.3, is_mirrored=False)
"""About 400,000 weights."""

_LOUDNESS = 0.15
"""Most that levels are raised or lowered: 12 dB of 80."""
_SHIFT = 1
"""Most bands that a sound is shifted by."""
_MASK_COUNT = 2
_MASKED_BANDS, _MASKED_TIME = 0.15, 0.2
"""Most of the bands and of the time that one mask hides, as shares."""
_MIXED_SHARE = 0.4
"""Share of the batches that are mixed."""


def augmented_sounds(levels: tf.Tensor, frame_count: int) -> Mixed:
    """A batch of ``levels [n, frames, bands, 1] uint8``, changed and mixed, of ``frame_count`` frames."""
    part = _part(tf.cast(levels, tf.float32) / 255, frame_count)
    count = tf.shape(part)[0]
    part = part + tf.random.uniform([count, 1, 1, 1], -_LOUDNESS, _LOUDNESS)
    part = tf.clip_by_value(part, 0.0, 1.0)
    for _ in range(_MASK_COUNT):
        part = part * _mask(count, tf.shape(part)[1], _MASKED_TIME)[:, :, None, None]
        part = part * _mask(count, tf.shape(part)[2], _MASKED_BANDS)[:, None, :, None]
    share = tf.random.uniform([])
    share = tf.where(tf.random.uniform([]) < _MIXED_SHARE, share, tf.ones_like(share))
    return Mixed(part * share + part[::-1] * (1 - share), share)


def _part(levels: tf.Tensor, frame_count: int) -> tf.Tensor:
    """``frame_count`` frames of each sound from anywhere, its bands shifted."""
    count, frames, bands = tf.shape(levels)[0], tf.shape(levels)[1], levels.shape[2]
    start = tf.random.uniform([count, 1], 0, tf.maximum(frames - frame_count, 0) + 1, tf.int32)
    times = tf.minimum(start + tf.range(frame_count)[None, :], frames - 1)
    part = tf.gather(levels, times, batch_dims=1)
    shift = tf.random.uniform([count, 1], -_SHIFT, _SHIFT + 1, tf.int32)
    places = tf.clip_by_value(tf.range(bands)[None, :] + shift, 0, bands - 1)
    return tf.gather(part, places, axis=2, batch_dims=1)


def _mask(count: tf.Tensor, length: tf.Tensor, most: float) -> tf.Tensor:
    """``[count, length]``: 0 over a stretch of up to a share of the length, else 1."""
    share = tf.random.uniform([count, 1], 0, most)
    begin = tf.random.uniform([count, 1]) * (1 - share)
    places = (tf.range(tf.cast(length, tf.float32)) + 0.5) / tf.cast(length, tf.float32)
    is_hidden = (places >= begin) & (places < begin + share)
    return tf.cast(~is_hidden, tf.float32)
