"""Recordings: what is converted, and what is refused before it is decoded."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc

import numpy as np
import pytest

from data.errors import RequestError
from tests.towers.speech.recordings import float_wav, tone, wav, wav_header
from towers.speech.recording import read_recording

soundfile = pytest.importorskip("soundfile", reason="the extra voice is not installed")
pytest.importorskip("soxr", reason="the extra voice is not installed")


def flac(samples: np.ndarray, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


@pytest.mark.parametrize(
    "audio",
    [wav(tone(1.0)), wav(tone(1.0), width=1), wav(tone(1.0), width=3), wav(tone(1.0), width=4)]
    + [float_wav(tone(1.0)), flac(tone(1.0))],
    ids=["16 bits", "8 bits", "24 bits", "32 bits", "floats", "FLAC"],
)
def test_every_encoding_gives_the_same_sound(audio: bytes) -> None:
    recording = read_recording(audio)
    assert recording.seconds == 1.0 and recording.samples.dtype == np.float32
    # A step of 8 bits is 1/128 of full scale.
    np.testing.assert_allclose(recording.samples, tone(1.0), atol=1 / 128)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled(rate: int) -> None:
    recording = read_recording(wav(tone(1.0, rate), rate))
    assert len(recording.samples) == pytest.approx(16_000, abs=1)
    # The edges are those of a sound that begins and ends at once.
    inner = slice(400, 15_600)
    np.testing.assert_allclose(recording.samples[inner], tone(1.0)[inner], atol=0.01)


def test_stereo_is_mixed_down() -> None:
    left, right = tone(1.0, 48_000, 300.0), tone(1.0, 48_000, 900.0)
    recording = read_recording(wav(np.stack([left, right], axis=1), 48_000))
    expected = (tone(1.0, hertz=300.0) + tone(1.0, hertz=900.0)) / 2
    inner = slice(400, 15_600)
    np.testing.assert_allclose(recording.samples[inner], expected[inner], atol=0.01)


def test_the_longest_recording_in_the_best_quality_is_taken() -> None:
    both = np.stack([tone(15.0, 48_000)] * 2, axis=1)
    assert read_recording(wav(both, 48_000)).seconds == pytest.approx(15.0, abs=0.001)


WHOLE = wav(tone(1.0))
NOT_FINITE = tone(1.0)
NOT_FINITE[7] = np.nan


@pytest.mark.parametrize(
    ("audio", "why"),
    [
        (b"", "a WAV or FLAC file, received '0 bytes'"),
        (b"just some text", "a WAV or FLAC file, received 'a file of another kind'"),
        (b"ID3\x04" + b"\0" * 400, "received 'a file of another kind'"),
        (b"RIFF\x04\0\0\0WAVE", "a WAV file with samples, received 'one without'"),
        (b"fLaC" + b"\xff" * 400, "that can be decoded, received 'a damaged one'"),
        (
            WHOLE[:-2],
            r"a whole file \(32,000 bytes of samples\), received 'one cut short \(31,998\)'",
        ),
        (WHOLE[:44], "one cut short"),
        (WHOLE[:30], "a WAV file with samples"),
        (wav_header(2 * 3_600), r"a whole file \(230,400,000 bytes of samples\)"),
        (wav(tone(15.1)), "0.1 to 15 s, received '15.10 s'"),
        (wav(tone(15.01)), "0.1 to 15 s, received '15.01 s'"),
        (wav(tone(0.05)), "0.1 to 15 s, received '0.05 s'"),
        (b"RIFF" + b"\0" * (3 * 2**20), r"at most 3,145,728 bytes, received '3,145,732 bytes'"),
        (wav(tone(1.0, 96_000), 96_000), "8,000 to 48,000 samples a second, received 96000"),
        (wav(np.stack([tone(1.0)] * 6, axis=1)), "1 or 2 channels, received 6"),
        (wav(np.zeros(16_000)), "speech, received 'silence'"),
        (wav(np.full(16_000, 0.2)), "speech, received 'silence'"),
        (float_wav(NOT_FINITE), "finite samples, received 'NaN or infinity'"),
    ],
)
def test_other_files_are_refused_by_name(audio: bytes, why: str) -> None:
    with pytest.raises(RequestError, match=f"^audio: expected .*{why}") as caught:
        read_recording(audio)
    assert caught.value.field == "audio"


def test_compressed_wav_is_refused() -> None:
    file = io.BytesIO()
    soundfile.write(file, tone(1.0), 16_000, format="WAV", subtype="IMA_ADPCM")
    with pytest.raises(RequestError, match="uncompressed or FLAC, received 'WAV IMA_ADPCM'"):
        read_recording(file.getvalue())


def test_two_hours_in_a_small_file_are_refused_by_the_header_and_not_decoded() -> None:
    short = bytearray(flac(np.zeros(8_000), 8_000))
    # The number of samples is the last 36 bits before the MD5 sum: format of FLAC, STREAMINFO.
    short[21] |= (2 * 3_600 * 8_000) >> 32
    short[22:26] = struct.pack(">I", 2 * 3_600 * 8_000)
    tracemalloc.start()
    with pytest.raises(RequestError, match=re.escape("0.1 to 15 s, received '7,200.00 s'")):
        read_recording(bytes(short))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Two hours would be 230 MB of floats.
    assert peak < 2**20


def test_a_flac_file_that_was_cut_short_is_refused() -> None:
    rng = np.random.default_rng(3)
    whole = flac(rng.uniform(-0.5, 0.5, 32_000))
    with pytest.raises(RequestError, match="^audio: expected .*(cut short|damaged)"):
        read_recording(whole[: len(whole) // 2])


def test_a_flac_file_whose_header_states_no_length_is_refused_as_such() -> None:
    audio = bytearray(flac(tone(1.0)))
    # STREAMINFO: 36 bits, of which the first four end a byte.
    audio[21] &= 0xF0
    audio[22:26] = bytes(4)
    with pytest.raises(RequestError, match="whose header states its length, received 'one without"):
        read_recording(bytes(audio))
