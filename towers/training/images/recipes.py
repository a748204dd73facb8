"""How the encoder of each modality is trained: what is read of it, and what is changed at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.media.medium import Place
from towers.audio.log_mel import BANDS, FRAMES_PER_SECOND
from towers.config import AudioConfig, ImagesConfig
from towers.modalities.audio import read_levels
from towers.modalities.modality_list import PICTURE, SOUND, Modality
from towers.modalities.pictures import read_picture
from towers.models.images.sound_augmentation import SOUND_SHAPE, augmented_sounds
from towers.models.legacy_keras import tf
from towers.training.images.image_training import InputKind, picture_kind

_READ_SCALE = 4 / 3
"""Pictures are kept larger than the network reads them, since training crops them."""
_PARTS = 0.3, 0.5
"""Of the time of a sound that the network sees at once in training, first and then."""
_LEAST_FRAMES = 16


@dataclass(frozen=True)
class Recipe:
    """How the encoder of one modality is trained; every function takes its section of the config.

    Args:
        modality: Which.
        reader: Gives what reads a content as ``[height, width, channels] uint8``.
        kind: Gives what is changed at random, and the shape of the network.
        sides: Height and width of the inputs of the exported network.
        minimum: Least number of contents to learn from.
        visual_words: Gaussians of their patches, 0 for none.
    """

    modality: Modality
    reader: Callable[[Any], Callable[[Place], np.ndarray]]
    kind: Callable[[Any], InputKind]
    sides: Callable[[Any], tuple[int, int]]
    minimum: Callable[[Any], int]
    visual_words: Callable[[Any], int]


def frame_count(settings: AudioConfig) -> int:
    """Frames of the part of a sound that is read."""
    return int(settings.seconds * FRAMES_PER_SECOND)


def sound_kind(settings: AudioConfig) -> InputKind:
    """Sounds as log-mel spectrograms, of which training sees parts."""
    frames = frame_count(settings)
    first, then = (max(_LEAST_FRAMES, int(frames * part)) for part in _PARTS)
    return InputKind(
        SOUND_SHAPE,
        (first, then),
        augmented_sounds,
        lambda levels: tf.cast(levels, tf.float32) / 255,
        # Each by itself: no likeness of sounds is known that tells copies from others of a kind.
        lambda levels, classes: np.arange(len(levels)),
    )


def _picture_reader(settings: ImagesConfig) -> Callable[[Place], np.ndarray]:
    side = int(settings.size * _READ_SCALE)
    return lambda place: read_picture(place, (side, side))


def _sound_reader(settings: AudioConfig) -> Callable[[Place], np.ndarray]:
    frames = frame_count(settings)
    return lambda place: read_levels(place, frames)[..., None]


RECIPES = (
    Recipe(
        PICTURE,
        _picture_reader,
        picture_kind,
        lambda settings: (settings.size, settings.size),
        lambda settings: settings.picture_minimum,
        lambda settings: settings.visual_word_count,
    ),
    Recipe(
        SOUND,
        _sound_reader,
        sound_kind,
        lambda settings: (frame_count(settings), BANDS),
        lambda settings: settings.sound_minimum,
        lambda settings: 0,
    ),
)
