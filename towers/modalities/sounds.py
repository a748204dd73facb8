"""Reading of sounds: WAV, FLAC, OGG, MP3 and AIFF, of which a part in the middle is decoded."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.media.medium import Place, StoredContent
from data.media.sound import SOUNDS
from towers.audio.waveform import SILENCE, UNKNOWN_FRAMES, Header, UndecodableError, decoded, mono

FORMATS = ("WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3", "MPEG", "AIFF")
"""As libsndfile names them; of OGG, Vorbis and Opus."""

RATES = range(4_000, 192_001)
CHANNEL_LIMIT = 8
SECONDS_MINIMUM = 0.02

_FIELD, _FEATURE = SOUNDS.field, "sounds of items"
_EXPECTED = f"a {SOUNDS.formats} file"


def read_sound(source: bytes | Place, seconds: float, rate: int) -> np.ndarray:
    """A part of a sound as ``[≤ seconds · rate] float32`` from −1 to 1, mono, at ``rate``.

    The part is in the middle, since beginnings are often silent, and all of a shorter sound. The rest of
    a long one is not decoded. Of a file that is cut short, what there is is read; of one that states no
    length, the beginning.

    Args:
        source: The content, or where it is.
        seconds: Duration of the part.

    Raises:
        InputError: Over a limit of bytes, not in a format of ``FORMATS``, damaged, of another rate than
            ``RATES`` or more channels, shorter than ``SECONDS_MINIMUM``, silent, or a file that cannot
            be read.
        MissingExtraError: The extra ``voice`` is not installed.
    """
    if isinstance(source, Path | StoredContent):
        source, _ = SOUNDS.opened(source)

    def part(header: Header) -> tuple[int, int]:
        _check_header(header)
        count = math.ceil(seconds * header.rate)
        if header.frames == UNKNOWN_FRAMES:
            return 0, count
        return max(0, (header.frames - count) // 2), min(count, header.frames)

    try:
        header, samples = decoded(source, part, _FEATURE)
    except (UndecodableError, OSError) as error:
        raise InputError(
            f"{_FIELD}: expected {_EXPECTED}, received a damaged or another one"
        ) from error
    if len(samples) < SECONDS_MINIMUM * header.rate:
        raise InputError(
            f"{_FIELD}: expected a whole file, received {len(samples):,} samples of its middle"
        )
    if not np.isfinite(samples).all():
        raise InputError(f"{_FIELD}: expected finite samples, received NaN or infinity")
    heard = mono(samples, header.rate, rate, _FEATURE)
    if float(np.abs(heard).max()) < SILENCE:
        raise InputError(f"{_FIELD}: expected a sound, received silence")
    return heard


def _check_header(header: Header) -> None:
    if header.format not in FORMATS:
        raise InputError(f"{_FIELD}: expected {_EXPECTED}, received {header.format}")
    if header.rate not in RATES:
        raise InputError(
            f"{_FIELD}: expected {RATES[0]:,} to {RATES[-1]:,} samples a second,"
            f" received {header.rate:,}"
        )
    if not 1 <= header.channels <= CHANNEL_LIMIT:
        raise InputError(
            f"{_FIELD}: expected 1 to {CHANNEL_LIMIT} channels, received {header.channels}"
        )
    seconds = header.frames / header.rate
    if seconds < SECONDS_MINIMUM:
        raise InputError(
            f"{_FIELD}: expected at least {SECONDS_MINIMUM:g} s, received {seconds:.4f}"
        )
