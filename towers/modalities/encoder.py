"""What the encoders of a bundle have in common: files to unit vectors in batch, without TensorFlow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from data.errors import BundleError, ConfigError, InputError
from data.media.medium import Medium, Place
from towers.ranking.litert_models import ArrayModel

_BATCH_SIZE = 64
_READER_COUNT = 4


class Encoder(ABC):
    """Pictures or sounds to ``[dim] float32`` unit vectors, by a network in LiteRT's format.

    Args:
        content: Bytes of the ``.tflite`` file.
        settings: The section of the config.

    Raises:
        ConfigError: The network takes or gives anything else than the encoder is for.
    """

    section: ClassVar[str]
    """Of the config, for errors: ``images``."""
    file_name: ClassVar[str]
    """In a bundle."""
    medium: ClassVar[Medium]

    dim: int
    """Length of a vector."""

    def __init__(self, content: bytes, settings: Any) -> None:
        try:
            self._model = ArrayModel(content)
        except Exception as error:  # The file may be any bytes.
            raise ConfigError(
                f"{self.section}.encoder: expected a LiteRT network, received {error!r}"[:300]
            ) from error

    @classmethod
    def load(cls, bundle: Path, settings: Any) -> Self:
        """The encoder of a bundle's folder.

        Raises:
            BundleError: The bundle has none.
        """
        path = bundle / cls.file_name
        if not path.is_file():
            raise BundleError(
                f"{bundle.name}: expected a bundle with an {cls.file_name}, received none; train on items"
                f" with {cls.medium.noun}s"
            )
        return cls(path.read_bytes(), settings)

    @abstractmethod
    def read(self, source: bytes | Place) -> np.ndarray:
        """What the network reads of a content, or of the content at a place.

        Raises:
            InputError: It cannot be read.
        """

    @abstractmethod
    def encode_arrays(self, arrays: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows of what ``read`` gives, ``[n, …]``."""

    def encode(
        self,
        sources: Sequence[bytes | Place | None],
        *,
        refused: Callable[[int, str], object] = lambda position, why: None,
        progress: Callable[[int], object] = lambda done: None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of contents; one that is missing or cannot be read has none, and never raises.

        Args:
            sources: Contents, or where they are; None for none.
            refused: Called with the position of one that cannot be read, and with the reason.
            progress: Called with the number done so far.

        Returns:
            ``[n, dim] float32`` unit rows, zeros where there is no vector, and ``[n] bool``, whether
            there is one.
        """
        vectors = np.zeros((len(sources), self.dim), np.float32)
        present = np.zeros(len(sources), bool)

        def read(position: int) -> np.ndarray | str | None:
            source = sources[position]
            if source is None:
                return None
            try:
                return self.read(source)
            except InputError as error:
                return str(error)

        with ThreadPoolExecutor(_READER_COUNT) as pool:
            for start in range(0, len(sources), _BATCH_SIZE):
                positions = range(start, min(start + _BATCH_SIZE, len(sources)))
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

    def _unit(self, inputs: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows that the network gives for its inputs.

        Raises:
            ConfigError: They are not finite.
        """
        found = self._model.run(inputs).reshape(len(inputs), -1).astype(np.float32)
        if not np.isfinite(found).all():
            raise ConfigError(
                f"{self.section}.encoder: expected finite vectors, received NaN or infinity"
            )
        return unit_rows(found)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """``[n, dim]`` rows of length 1; a zero row stays zero."""
    found: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return found
