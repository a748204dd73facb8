"""The sound encoder of a bundle: sounds to unit vectors."""

from __future__ import annotations

import numpy as np

from data.media.medium import Place
from data.media.sound import SOUNDS
from towers.audio.log_mel import BANDS, FRAMES_PER_SECOND, SAMPLE_RATE, log_mel
from towers.config import AudioConfig
from towers.modalities.encoder import Encoder, unit_rows
from towers.modalities.sounds import read_sound

_SECONDS_MINIMUM = 0.1
"""Of the waveform that a network reads at once."""


class SoundEncoder(Encoder):
    """Sounds to ``[dim] float32`` unit vectors, by a network in LiteRT's format.

    Its float32 input is the levels of ``towers.audio.log_mel`` from 0 to 1, ``[n, frames, bands, 1]``,
    or a waveform, ``[samples]`` or ``[1, samples]``: the part that is read is cut into pieces of that
    length, and the vector is their mean. Which of them is read off the file; where it leaves the length
    open, all that is read is one piece. Its output is ``[n, dim]``.

    Args:
        content: Bytes of the ``.tflite`` file.
        settings: Seconds that are read, and the sample rate of a waveform.

    Raises:
        ConfigError: The network takes or gives anything else.
    """

    section, file_name, medium = "audio", "sound_encoder.tflite", SOUNDS
    length_setting, scale_settings = "seconds", "sample_rate"

    def __init__(self, content: bytes, settings: AudioConfig) -> None:
        super().__init__(content, settings)
        shape = _sides(self._model.input_shape, settings)
        self._is_waveform = len(shape) == 1 or (len(shape) == 2 and shape[0] == 1)
        is_spectrogram = len(shape) == 4 and shape[2:] == (BANDS, 1)
        is_long = self._is_waveform and shape[-1] >= settings.sample_rate * _SECONDS_MINIMUM
        if self._model.input_type != np.float32 or not (is_long or is_spectrogram):
            raise self._refusal(
                f"an input of a waveform of {_SECONDS_MINIMUM:g} s or more, [samples] float32, or of"
                f" levels, [1, frames, {BANDS}, 1] float32",
                f"{list(shape)} {np.dtype(self._model.input_type).name}",
            )
        self._model.set_sides(shape)
        self._seconds = settings.seconds
        self._rate = settings.sample_rate if self._is_waveform else SAMPLE_RATE
        length = shape[-1] if self._is_waveform else shape[1]
        pieces = max(1, int(settings.seconds * settings.sample_rate) // length)
        self._array_shape = (pieces, length) if self._is_waveform else shape[1:3]
        blank = np.zeros((1, *self._array_shape), np.float32 if self._is_waveform else np.uint8)
        self.dim = self._checked_dim(blank)

    def read(self, source: bytes | Place) -> np.ndarray:
        """Levels ``[frames, bands] uint8``, or pieces of the waveform, ``[pieces, samples] float32``."""
        if self._is_waveform:
            return np.resize(read_sound(source, self._seconds, self._rate), self._array_shape)
        return read_levels(source, self._array_shape[0])

    def encode_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows of what ``read`` gives."""
        if not self._is_waveform:
            return self._unit(arrays[..., None].astype(np.float32) / 255)
        count, pieces, length = arrays.shape
        vectors = self._unit(arrays.reshape(count * pieces, length))
        return unit_rows(vectors.reshape(count, pieces, -1).mean(axis=1))


def _sides(shape: tuple[int, ...], settings: AudioConfig) -> tuple[int, ...]:
    """The shape of an input with a length in place of the one that the file leaves open."""
    if len(shape) == 4:
        length = int(settings.seconds * FRAMES_PER_SECOND)
        return (shape[0], length, *shape[2:]) if shape[1] < 0 else shape
    length = int(settings.seconds * settings.sample_rate)
    return (*shape[:-1], length) if shape[-1] < 0 else shape


def read_levels(source: bytes | Place, frame_count: int) -> np.ndarray:
    """``[frame_count, bands] uint8``: the log-mel spectrogram of the middle of a sound.

    Raises:
        InputError, MissingExtraError: As ``read_sound``.
    """
    seconds = (frame_count + 2) / FRAMES_PER_SECOND
    return log_mel(read_sound(source, seconds, SAMPLE_RATE), frame_count)
