"""Made sounds of four kinds, as WAV files, for tests and benchmarks: each kind varies in all else."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
KINDS = ("tone", "chord", "noise", "rhythm")


def sound(
    kind: str, seed: int, seconds: float = 1.0, pitches: tuple[float, float] = (150.0, 900.0)
) -> np.ndarray:
    """``[samples] float32`` of one kind, of random pitch, loudness and begin.

    A tone with a few overtones; a chord of three such; noise in a band; clicks of noise at a steady rate.

    Args:
        pitches: Range in hertz; noise lies five times as high.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = float(rng.uniform(*pitches))
    if kind == "tone":
        found = _tone(time, pitch, rng)
    elif kind == "chord":
        found = np.sum([_tone(time, pitch * one, rng) for one in (1, 1.26, 1.5)], axis=0)
    else:
        spectrum = np.fft.rfft(rng.normal(size=len(time)))
        hertz = np.fft.rfftfreq(len(time), 1 / RATE)
        found = np.fft.irfft(spectrum * np.exp(-(((hertz - 5 * pitch) / 700) ** 2)), len(time))
        if kind == "rhythm":
            rate, begin = rng.uniform(3, 8), rng.uniform(0, 1)
            found = found * np.exp(-12 * ((time * rate + begin) % 1))
    found = found / np.abs(found).max() * rng.uniform(0.2, 0.9)
    found = found + rng.normal(scale=0.003, size=len(time))
    return np.asarray(found, np.float32)


def _tone(time: np.ndarray, pitch: float, rng: np.random.Generator) -> np.ndarray:
    overtones = rng.uniform(0.1, 0.5, 3)
    parts = [np.sin(2 * np.pi * pitch * time)]
    parts += [
        level * np.sin(2 * np.pi * pitch * number * time)
        for number, level in enumerate(overtones, start=2)
    ]
    return np.asarray(np.sum(parts, axis=0))


def file_of(
    samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV"
) -> bytes:
    """The bytes of an audio file of ``samples [n]`` or ``[n, channels]``."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=kind)
    return file.getvalue()


def sound_bytes(kind: str, seed: int, seconds: float = 1.0) -> bytes:
    """A made sound as a WAV file."""
    return file_of(sound(kind, seed, seconds))


def write_sounds(
    folder: Path, per_kind: int, kinds: Sequence[str] = KINDS
) -> list[dict[str, object]]:
    """Writes sounds and gives their items as rows of ``items.jsonl``: a category, and no title."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for kind in kinds:
        for number in range(per_kind):
            name = f"{kind}-{number}.wav"
            (folder / name).write_bytes(sound_bytes(kind, number))
            rows.append({"item_id": name, "category": ["Sounds", kind], "audio": name})
    return rows
