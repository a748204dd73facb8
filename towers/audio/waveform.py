"""Audio files as samples: libsndfile (``soundfile``) decodes, ``soxr`` resamples.

Both come with the extra ``voice``. A part of a file is read without decoding the rest.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.errors import MissingExtraError

SILENCE = 10 ** (-60 / 20)
"""Loudest sample, relative to full scale, of what is silent: 60 dB below it."""

UNKNOWN_FRAMES = 2**63 - 1
"""What libsndfile gives for a FLAC file that was streamed, so that its header states no length."""

EXTRA = "voice"


class Header(NamedTuple):
    """What a file states: format and encoding as libsndfile names them, samples a second, channels, and
    samples of each channel."""

    format: str
    subtype: str
    rate: int
    channels: int
    frames: int


class UndecodableError(Exception):
    """A file that libsndfile cannot decode."""


def is_installed() -> bool:
    """Whether the packages that read audio are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("soundfile", "soxr"))


def decoded(
    source: bytes | Path, part: Callable[[Header], tuple[int, int]], feature: str
) -> tuple[Header, np.ndarray]:
    """A part of a file, ``[samples, channels] float32`` from −1 to 1, and the file's header.

    Args:
        part: Gives the first sample and how many to read, by the header; may raise to refuse the file.
        feature: What the message names where a package is missing.

    Raises:
        UndecodableError: It is damaged, or in a format that libsndfile does not know.
        MissingExtraError: The extra is not installed.
    """
    try:
        import soundfile
    except (ImportError, OSError) as error:
        # OSError: the package is there, but not the library.
        raise MissingExtraError(feature, EXTRA, "soundfile") from error
    # Opened here, since libsndfile guesses formats by the endings of paths.
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as content:
        try:
            with soundfile.SoundFile(content) as file:
                header = Header(
                    *(file.format, file.subtype, file.samplerate, file.channels, file.frames)
                )
                first, count = part(header)
                if first:
                    file.seek(first)
                # The header was believed so far; no more is decoded than it states.
                return header, file.read(count, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise UndecodableError(str(error)) from error


def mono(samples: np.ndarray, rate: int, to_rate: int, feature: str) -> np.ndarray:
    """``[samples, channels]`` at ``rate`` as ``[samples] float32`` at ``to_rate``, −1 to 1.

    Raises:
        MissingExtraError: The extra is not installed.
    """
    found: np.ndarray = np.clip(samples, -1.0, 1.0).mean(axis=1, dtype=np.float32)
    if rate != to_rate:
        try:
            import soxr
        except ImportError as error:
            raise MissingExtraError(feature, EXTRA, "soxr") from error
        found = soxr.resample(found, rate, to_rate)
    # Without the offset that cheap microphones add, which is no sound.
    found = found - found.mean() if len(found) else found
    return np.clip(found, -1.0, 1.0)
