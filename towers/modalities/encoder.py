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
_LEAST_LENGTH = 1e-9
"""Of a vector; a shorter one is taken for zero."""


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
    length_setting: ClassVar[str]
    """Of the section: for how much of a file an input is made that the network leaves open."""
    scale_settings: ClassVar[str]
    """Of the section: how the input of a network is scaled."""

    dim: int
    """Length of a vector."""

    def __init__(self, content: bytes, settings: Any) -> None:
        self._origin = repr(settings.encoder) if settings.encoder else "the network trained here"
        try:
            self._model = ArrayModel(content)
        except Exception as error:  # The file may be any bytes.
            raise self._refusal("a LiteRT network", repr(error)) from error

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
        """``[n, dim] float32`` unit rows of what ``read`` gives, ``[n, …]``.

        Zeros where the network gives zeros, or what is not finite.
        """

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
                    present[rows] = vectors[rows].any(axis=1)
                for position in rows:
                    if not present[position]:
                        refused(position, f"{self.vector_fault}, received none from {self._origin}")
                progress(positions.stop)
        return vectors, present

    @property
    def vector_fault(self) -> str:
        """What is refused where the network gives no vector of a content that was read."""
        noun = self.medium.noun
        return f"{self.section}.encoder: expected a finite vector other than zero of each {noun}"

    def no_vectors(self, count: int) -> ConfigError:
        """That the network gives no vector of any of ``count`` contents that were read."""
        return ConfigError(
            f"{self.vector_fault}, received none of {count:,} {self.medium.noun}s from {self._origin};"
            f" check {self.scale_settings} under [{self.section}], or have it exported anew"
        )

    def _refusal(self, expected: str, received: str, mend: str = "") -> ConfigError:
        return ConfigError(
            f"{self.section}.encoder: expected {expected}, received {received[:300]}"
            f" in {self._origin}{mend}"
        )

    def _checked_dim(self, blank: np.ndarray) -> int:
        """Length of the vector that the network gives of a blank content, ``[1, …]``.

        Raises:
            ConfigError: The network fails on it.
        """
        try:
            return self.encode_arrays(blank).shape[1]
        except (RuntimeError, ValueError) as error:
            raise self._refusal(
                f"a network that reads {list(self._model.input_shape)}",
                f"{error}",
                f"; set {self.length_setting} under [{self.section}] to what it was made for, or have it"
                " exported with fixed sides",
            ) from error

    def _unit(self, inputs: np.ndarray) -> np.ndarray:
        """``[n, dim] float32`` unit rows that the network gives for its inputs, or zeros."""
        found = self._model.run(inputs).reshape(len(inputs), -1).astype(np.float64)
        with np.errstate(invalid="ignore"):
            is_told = np.linalg.norm(found, axis=1) >= _LEAST_LENGTH
        found[~is_told | ~np.isfinite(found).all(axis=1)] = 0
        return unit_rows(found).astype(np.float32)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """``[n, dim]`` rows of length 1; a zero row stays zero."""
    found: np.ndarray = vectors / np.maximum(
        np.linalg.norm(vectors, axis=1, keepdims=True), _LEAST_LENGTH
    )
    return found
