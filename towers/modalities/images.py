"""The image encoder of a bundle: pictures to unit vectors, in batch and without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from data.errors import BundleError, ConfigError, InputError
from data.pictures.picture import StoredPicture
from towers.config import ImagesConfig
from towers.modalities.pictures import read_picture
from towers.ranking.litert_models import ArrayModel

ENCODER_NAME = "image_encoder.tflite"
"""The file in a bundle."""

_BATCH_SIZE = 64
_READER_COUNT = 4
_CHANNELS = 3


class ImageEncoder:
    """Pictures to ``[dim] float32`` unit vectors, by a network in LiteRT's format.

    Its input is one picture a row, ``[n, height, width, 3]`` or ``[n, 3, height, width]``, in float32,
    uint8 or int8: shape, type and size are read off the file. Its output is ``[n, dim]``.

    Args:
        content: Bytes of the ``.tflite`` file.
        config: How float32 inputs are scaled.

    Raises:
        ConfigError: The network takes or gives anything else.
    """

    def __init__(self, content: bytes, config: ImagesConfig) -> None:
        try:
            self._model = ArrayModel(content)
        except Exception as error:  # The file may be any bytes.
            raise ConfigError(
                f"images.encoder: expected a LiteRT network, received {error!r}"[:300]
            ) from error
        shape = self._model.input_shape
        self._channels_first = len(shape) == 4 and shape[1] == _CHANNELS != shape[3]
        sides = shape[2:] if self._channels_first else shape[1:3]
        is_picture = len(shape) == 4 and _CHANNELS in (shape[1], shape[3])
        is_type_known = self._model.input_type in (np.float32, np.uint8, np.int8)
        if not is_picture or min(sides) < 1 or not is_type_known:
            raise ConfigError(
                "images.encoder: expected an input of one picture, [1, height, width, 3] float32, uint8"
                f" or int8, received {list(shape)} {np.dtype(self._model.input_type).name}"
            )
        self.size = (int(sides[0]), int(sides[1]))
        """Height and width of the pictures that the network reads."""
        self._mean = np.array(config.mean, np.float32)
        self._deviation = np.array(config.deviation, np.float32)
        self.dim = self.encode_arrays(np.zeros((1, *self.size, _CHANNELS), np.uint8)).shape[1]
        """Length of a vector."""

    @classmethod
    def load(cls, bundle: Path, config: ImagesConfig) -> ImageEncoder:
        """The encoder of a bundle's folder.

        Raises:
            BundleError: The bundle has none.
        """
        path = bundle / ENCODER_NAME
        if not path.is_file():
            raise BundleError(
                f"{bundle.name}: expected a bundle with an {ENCODER_NAME}, received none; train on items"
                " with pictures"
            )
        return cls(path.read_bytes(), config)

    def encode(
        self,
        pictures: Sequence[bytes | Path | StoredPicture | None],
        *,
        refused: Callable[[int, str], object] = lambda position, why: None,
        progress: Callable[[int], object] = lambda done: None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of pictures; one that is missing or cannot be read has none, and never raises.

        Args:
            pictures: Contents, or where they are (``data.pictures.picture_of``); None for no picture.
            refused: Called with the position of a picture that cannot be read, and with the reason.
            progress: Called with the number of pictures done so far.

        Returns:
            ``[n, dim] float32`` unit rows, zeros where there is no vector, and ``[n] bool``, whether
            there is one.
        """
        vectors = np.zeros((len(pictures), self.dim), np.float32)
        present = np.zeros(len(pictures), bool)

        def read(position: int) -> np.ndarray | str | None:
            picture = pictures[position]
            if picture is None:
                return None
            try:
                return read_picture(picture, self.size)
            except InputError as error:
                return str(error)

        with ThreadPoolExecutor(_READER_COUNT) as pool:
            for start in range(0, len(pictures), _BATCH_SIZE):
                positions = range(start, min(start + _BATCH_SIZE, len(pictures)))
                read_ones = list(zip(positions, pool.map(read, positions), strict=True))
                for position, one in read_ones:
                    if isinstance(one, str):
                        refused(position, one)
                rows = [position for position, one in read_ones if isinstance(one, np.ndarray)]
                if rows:
                    arrays = [one for _, one in read_ones if isinstance(one, np.ndarray)]
                    vectors[rows] = self.encode_arrays(np.stack(arrays))
                    present[rows] = True
                progress(positions.stop)
        return vectors, present

    def encode_arrays(self, pictures: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows of ``pictures [n, height, width, 3] uint8``."""
        if self._model.input_type == np.float32:
            inputs = (pictures.astype(np.float32) / 255 - self._mean) / self._deviation
        elif self._model.input_type == np.int8:
            inputs = (pictures.astype(np.int16) - 128).astype(np.int8)
        else:
            inputs = pictures
        if self._channels_first:
            inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        found = self._model.run(inputs).reshape(len(pictures), -1).astype(np.float32)
        if not np.isfinite(found).all():
            raise ConfigError("images.encoder: expected finite vectors, received NaN or infinity")
        unit: np.ndarray = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit
