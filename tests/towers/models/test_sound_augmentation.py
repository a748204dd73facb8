"""Sounds changed at random in training: parts of them, masked in bands and in time."""

from __future__ import annotations

import numpy as np

from towers.models.images.sound_augmentation import augmented_sounds
from towers.models.legacy_keras import keras, tf

FRAMES, BANDS = 40, 24


def batches(levels: np.ndarray, frame_count: int) -> list[tuple[np.ndarray, float]]:
    keras.utils.set_random_seed(4)
    found = [augmented_sounds(tf.constant(levels), frame_count) for _ in range(24)]
    return [(one.pictures.numpy()[..., 0], float(one.share)) for one in found]


def test_whole_bands_and_whole_frames_are_masked_and_no_more() -> None:
    levels = np.full((8, FRAMES, BANDS, 1), 128, np.uint8)
    hidden_shares = []
    for part, share in batches(levels, FRAMES):
        assert part.shape == (8, FRAMES, BANDS) and part.min() >= 0 and part.max() <= 1
        if share < 1:
            continue
        for one in part:
            is_hidden = one == 0
            frames, bands = is_hidden.all(axis=1), is_hidden.all(axis=0)
            assert np.array_equal(is_hidden, frames[:, None] | bands[None, :])
            # All else has one level, raised or lowered by up to 12 of 80 dB.
            (level,) = np.unique(one[~is_hidden].round(5))
            assert abs(level - 128 / 255) <= 0.15 + 1e-4
            hidden_shares.append(is_hidden.mean())
    # Two masks of up to a fifth of the time and two of up to 15 % of the bands.
    assert 0.1 < np.mean(hidden_shares) < 0.4 and np.max(hidden_shares) < 0.6


def test_a_part_is_of_neighbouring_frames_from_anywhere() -> None:
    ramp = np.broadcast_to(np.arange(1, FRAMES + 1)[None, :, None, None], (8, FRAMES, BANDS, 1))
    starts = set()
    for part, share in batches((3 * ramp).astype(np.uint8), 10):
        assert part.shape == (8, 10, BANDS)
        if share < 1:
            continue
        for one in part:
            loudest = one.max(axis=1)
            seen = np.flatnonzero(loudest > 0)
            if len(seen) > 1 and loudest[seen[0]] < 1:
                steps = np.diff(loudest[seen]) / np.diff(seen)
                assert np.allclose(steps, 3 / 255, atol=1e-4)
                starts.add(round(float(loudest[seen[0]]), 2))
    assert len(starts) > 10


def test_some_batches_are_mixed_with_their_reverse() -> None:
    shares = [share for _, share in batches(np.zeros((2, FRAMES, BANDS, 1), np.uint8), FRAMES)]
    mixed = [share for share in shares if share < 1]
    assert 3 < len(mixed) < 17 and all(0 <= share <= 1 for share in mixed)
