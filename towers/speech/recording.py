"""A recording: a WAV or FLAC file as samples at 16 kHz, read within limits.

Sizes are checked against the header before anything is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.errors import RequestError
from towers.audio.waveform import SILENCE, UNKNOWN_FRAMES, Header, UndecodableError, decoded, mono
from towers.speech.voice_extra import FEATURE

SAMPLE_RATE = 16_000
"""Samples a second, of what ``read_recording`` returns."""

SECONDS_LIMIT = 15.0
SECONDS_MINIMUM = 0.1
BYTE_LIMIT = 3 * 1024 * 1024
"""15 s of stereo at 48 kHz with 16 bits are 2.75 MiB."""

_FIELD = "audio"
_FORMS = "a WAV or FLAC file"
_RATES = range(8_000, 48_001)
_CHANNELS = (1, 2)
_ENCODINGS = ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "PCM_S8", "FLOAT", "DOUBLE")
"""As libsndfile names them. Compressed WAV such as ADPCM is not among them."""
_CHUNK_HEADER = struct.Struct("<4sI")


@dataclass(frozen=True, slots=True)
class Recording:
    """``samples``: ``[samples] float32`` from −1 to 1, mono, at ``SAMPLE_RATE``; read-only."""

    samples: np.ndarray

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.samples) / SAMPLE_RATE


def read_recording(audio: bytes) -> Recording:
    """Decodes a file; 8, 24 and 32 bits, floats, stereo and other rates are converted.

    Args:
        audio: A whole WAV or FLAC file of 0.1 to 15 s, 3 MiB at most, 8 to 48 kHz, with one or two
            channels, whose header states its length.

    Raises:
        RequestError: It is not, is cut short, or is silent.
        MissingExtraError: The extra ``voice`` is not installed.
    """
    if not audio:
        raise RequestError(_FIELD, _FORMS, "0 bytes")
    if len(audio) > BYTE_LIMIT:
        raise RequestError(_FIELD, f"at most {BYTE_LIMIT:,} bytes", f"{len(audio):,} bytes")
    if audio[:4] == b"RIFF" and audio[8:12] == b"WAVE":
        _check_chunks(audio)
    elif audio[:4] != b"fLaC":
        raise RequestError(_FIELD, _FORMS, "a file of another kind")
    try:
        header, samples = decoded(audio, _whole, FEATURE)
    except UndecodableError as error:
        raise RequestError(_FIELD, f"{_FORMS} that can be decoded", "a damaged one") from error
    if len(samples) < header.frames:
        _refuse_cut(f"{header.frames:,} samples", f"{len(samples):,}")
    return Recording(_as_heard(samples, header.rate))


def _as_heard(samples: np.ndarray, rate: int) -> np.ndarray:
    """``[samples, channels] float32`` at ``rate`` as one channel at ``SAMPLE_RATE``."""
    if not np.isfinite(samples).all():
        raise RequestError(_FIELD, "finite samples", "NaN or infinity")
    heard = mono(samples, rate, SAMPLE_RATE, FEATURE)
    if float(np.abs(heard).max()) < SILENCE:
        raise RequestError(_FIELD, "speech", "silence")
    heard.flags.writeable = False
    return heard


def _whole(header: Header) -> tuple[int, int]:
    """The whole of a file whose header is within the limits."""
    _check_header(header)
    return 0, header.frames


def _check_header(file: Header) -> None:
    if file.format not in ("WAV", "WAVEX", "FLAC") or file.subtype not in _ENCODINGS:
        known = "8 to 32 bits or floats, uncompressed or FLAC"
        raise RequestError(_FIELD, known, f"{file.format} {file.subtype}")
    if file.rate not in _RATES:
        raise RequestError(_FIELD, "8,000 to 48,000 samples a second", file.rate)
    if file.channels not in _CHANNELS:
        raise RequestError(_FIELD, "1 or 2 channels", file.channels)
    if file.frames == UNKNOWN_FRAMES:
        raise RequestError(_FIELD, f"{_FORMS} whose header states its length", "one without")
    # To the precision of the message, which would contradict itself otherwise.
    seconds = round(file.frames / file.rate, 2)
    if not SECONDS_MINIMUM <= seconds <= SECONDS_LIMIT:
        raise RequestError(
            _FIELD, f"{SECONDS_MINIMUM:g} to {SECONDS_LIMIT:g} s", f"{seconds:,.2f} s"
        )


def _check_chunks(audio: bytes) -> None:
    """Refuses a WAV whose header states more bytes than there are: libsndfile reads what is there."""
    for name, begin, size in _chunks(audio):
        if name == b"data":
            if begin + size > len(audio):
                _refuse_cut(f"{size:,} bytes of samples", f"{len(audio) - begin:,}")
            return
    raise RequestError(_FIELD, "a WAV file with samples", "one without")


def _chunks(audio: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, first byte and length of each chunk of a WAV file."""
    begin = 12
    while begin + _CHUNK_HEADER.size <= len(audio):
        name, size = _CHUNK_HEADER.unpack_from(audio, begin)
        begin += _CHUNK_HEADER.size
        yield name, begin, size
        # Chunks begin at even bytes.
        begin += size + size % 2


def _refuse_cut(expected: str, received: str) -> None:
    raise RequestError(_FIELD, f"a whole file ({expected})", f"one cut short ({received})")
