"""The image encoder of a bundle: pictures to unit vectors."""

from __future__ import annotations

import numpy as np

from data.media.medium import Place
from data.media.picture import PICTURES
from towers.config import ImagesConfig
from towers.modalities.encoder import Encoder
from towers.modalities.pictures import read_picture

_CHANNELS = 3


class ImageEncoder(Encoder):
    """Pictures to ``[dim] float32`` unit vectors, by a network in LiteRT's format.

    Its input is one picture a row, ``[n, height, width, 3]`` or ``[n, 3, height, width]``, in float32,
    uint8 or int8: shape, type and size are read off the file; a side that it leaves open is that of the
    settings. Its output is ``[n, dim]``.

    Args:
        content: Bytes of the ``.tflite`` file.
        settings: How float32 inputs are scaled, and the size.

    Raises:
        ConfigError: The network takes or gives anything else.
    """

    section, file_name, medium = "images", "image_encoder.tflite", PICTURES
    length_setting, scale_settings = "size", "mean and deviation"

    def __init__(self, content: bytes, settings: ImagesConfig) -> None:
        super().__init__(content, settings)
        shape = self._model.input_shape
        self._channels_first = len(shape) == 4 and shape[1] == _CHANNELS != shape[3]
        sides = shape[2:] if self._channels_first else shape[1:3]
        is_picture = len(shape) == 4 and _CHANNELS in (shape[1], shape[3])
        is_type_known = self._model.input_type in (np.float32, np.uint8, np.int8)
        if not is_picture or not all(sides) or not is_type_known:
            raise self._refusal(
                "an input of one picture, [1, height, width, 3] float32, uint8 or int8",
                f"{list(shape)} {np.dtype(self._model.input_type).name}",
            )
        height, width = (settings.size if side < 0 else side for side in sides)
        self.size = (height, width)
        """Height and width of the pictures that the network reads."""
        first = self._channels_first
        self._model.set_sides((1, 3, height, width) if first else (1, height, width, 3))
        self._mean = np.array(settings.mean, np.float32)
        self._deviation = np.array(settings.deviation, np.float32)
        self.dim = self._checked_dim(np.zeros((1, *self.size, _CHANNELS), np.uint8))

    def read(self, source: bytes | Place) -> np.ndarray:
        """``[height, width, 3] uint8``, as ``read_picture`` of the network's size."""
        return read_picture(source, self.size)

    def encode_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows of pictures ``[n, height, width, 3] uint8``."""
        if self._model.input_type == np.float32:
            inputs = (arrays.astype(np.float32) / 255 - self._mean) / self._deviation
        elif self._model.input_type == np.int8:
            inputs = (arrays.astype(np.int16) - 128).astype(np.int8)
        else:
            inputs = arrays
        if self._channels_first:
            inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        return self._unit(inputs)
