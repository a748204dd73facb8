"""Sounds are read within limits: what is converted, what is refused, how much of a long one is read."""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError, MissingExtraError
from data.media.medium import StoredContent
from data.media.sound import SOUNDS
from tests.towers.modalities.tones import file_of
from towers.audio.waveform import is_installed
from towers.modalities.sounds import read_sound

RATE = 16_000


def tone(hertz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


def pitch(samples: np.ndarray) -> float:
    """The loudest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return float(spectrum.argmax()) * RATE / len(samples)


@pytest.mark.parametrize(
    ("kind", "subtype", "rate", "channels"),
    [
        ("WAV", "PCM_U8", 8_000, 1),
        ("WAV", "PCM_16", 48_000, 2),
        ("WAV", "PCM_24", 96_000, 1),
        ("WAV", "FLOAT", 44_100, 6),
        ("FLAC", "PCM_16", 44_100, 2),
        ("OGG", "VORBIS", 44_100, 2),
        ("MP3", "MPEG_LAYER_III", 44_100, 2),
        ("AIFF", "PCM_16", 44_100, 2),
    ],
)
def test_what_libsndfile_reads_becomes_mono_at_one_rate(
    kind: str, subtype: str, rate: int, channels: int
) -> None:
    content = file_of(np.stack([tone(440, 1.0, rate)] * channels, axis=1), rate, subtype, kind)
    assert SOUNDS.looks_like(content[:12])
    found = read_sound(content, 10.0, RATE)
    # An MP3 is padded to whole frames of 26 ms.
    assert len(found) == pytest.approx(RATE, abs=1_200) and found.dtype == np.float32
    assert pitch(found) == pytest.approx(440, abs=2) and abs(found).max() <= 1


def test_of_two_hours_the_middle_is_read_and_no_more(tmp_path: Path) -> None:
    rate, seconds = 48_000, 7_200
    size = seconds * rate * 4
    path = tmp_path / "long.wav"
    middle = np.stack([tone(1_000, 20, rate)] * 2, axis=1)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt ")
        file.write(struct.pack("<IHHIIHH", 16, 1, 2, rate, 4 * rate, 4, 16))
        file.write(b"data" + struct.pack("<I", size))
        # All else is a hole in the file, which reads as silence.
        file.seek(44 + size // 2 - 10 * rate * 4)
        file.write((middle * 32_767).astype("<i2").tobytes())
        file.truncate(44 + size)
    tracemalloc.start()
    source, key = SOUNDS.opened(path)
    found = read_sound(source, 10.0, RATE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert source == path and len(found) == 10 * RATE and peak < 32 * 1024 * 1024
    assert pitch(found) == pytest.approx(1_000, abs=1)
    # The same size with another middle is another sound.
    with path.open("r+b") as file:
        file.seek(44 + size // 2)
        file.write(b"\x01\x02")
    assert SOUNDS.opened(path)[1] != key


def test_what_is_left_of_a_file_cut_short_is_read() -> None:
    content = file_of(tone(440, 4.0))
    assert len(read_sound(content[: len(content) // 2], 10.0, RATE)) == pytest.approx(
        2 * RATE, abs=50
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a WAV, FLAC, OGG, MP3 or AIFF file, received a damaged or another one"),
        (b"a text called .wav", "expected a WAV, FLAC, OGG, MP3 or AIFF file, received a damaged"),
        (file_of(tone(440, 1.0), kind="FLAC")[:600], "expected a WAV, FLAC, OGG, MP3 or AIFF file"),
        (file_of(tone(440, 1.0), kind="AU"), "MP3 or AIFF file, received AU"),
        (file_of(np.zeros(RATE)), "expected a sound, received silence"),
        (file_of(np.full(RATE, 0.5)), "expected a sound, received silence"),
        (file_of(np.zeros(0)), "expected at least 0.02 s, received 0.0000"),
        (file_of(tone(440, 0.01)), "expected at least 0.02 s, received 0.0100"),
        (file_of(tone(440, 1.0), 1_000), "expected 4,000 to 192,000 samples a second, received 1,"),
        (file_of(np.stack([tone(440, 1.0)] * 9, axis=1)), "expected 1 to 8 channels, received 9"),
        (file_of(np.full(RATE, np.nan), subtype="FLOAT"), "expected finite samples, received NaN"),
    ],
)
def test_what_is_no_sound_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"^audio: .*{message}"):
        read_sound(content, 10.0, RATE)


def test_places_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="audio: expected a readable file, received: No such file"):
        SOUNDS.opened(tmp_path / "none.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    for path, received in ((tmp_path / "pipe.wav", "a pipe"), (Path("a\0.wav"), "no path")):
        with pytest.raises(
            InputError, match=f"audio: expected a readable file, received: {received}"
        ):
            read_sound(path, 1.0, RATE)
    with pytest.raises(
        InputError, match="audio: expected at most 33,554,432 bytes, received 4,294"
    ):
        SOUNDS.opened(StoredContent(tmp_path, 0, 2**32 - 1))
    path = tmp_path / "sounds.bin"
    path.write_bytes(b"xyz" + (content := file_of(tone(440, 1.0))))
    assert pitch(read_sound(StoredContent(path, 3, len(content)), 10.0, RATE)) == 440


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = file_of(tone(440, 0.1))
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"sounds of items: expected the extra voice"):
        read_sound(content, 1.0, RATE)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "soxr" else find(name)
    )
    assert not is_installed()
