"""The encoder of sounds: networks of the shop's own, whose kind of input is read off their file."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError
from tests.towers.modalities.tiny_networks import first_values
from tests.towers.modalities.tones import file_of, sound_bytes
from towers.audio.log_mel import BANDS
from towers.config import AudioConfig
from towers.modalities.audio import SoundEncoder, read_levels
from towers.modalities.sounds import read_sound


@pytest.mark.parametrize("shape", [(8_000,), (1, 8_000), (None, 8_000)])
def test_a_network_of_waveforms_reads_a_sound_in_pieces(shape: tuple[int | None, ...]) -> None:
    encoder = SoundEncoder(first_values(shape), AudioConfig(seconds=2.0, sample_rate=8_000))
    assert encoder.dim == 4
    contents = [sound_bytes("tone", seed, 2.0) for seed in range(3)]
    vectors, present = encoder.encode(contents)
    assert present.all()
    for content, vector in zip(contents, vectors, strict=True):
        samples = read_sound(content, 2.0, 8_000)
        pieces = np.stack([samples[:4], samples[8_000:8_004]])
        pieces /= np.linalg.norm(pieces, axis=1, keepdims=True)
        mean = pieces.mean(axis=0)
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)


def test_a_network_of_levels_reads_the_spectrogram() -> None:
    encoder = SoundEncoder(first_values((1, 20, BANDS, 1)), AudioConfig(seconds=30.0))
    content = sound_bytes("noise", 1)
    vectors, _ = encoder.encode([content])
    levels = read_levels(content, 20)[0, :4].astype(float)
    assert np.allclose(vectors[0], levels / np.linalg.norm(levels), atol=1e-5)


def test_a_sound_that_cannot_be_read_has_no_vector_and_is_told() -> None:
    encoder = SoundEncoder(first_values((1, 8_000)), AudioConfig())
    told: list[tuple[int, str]] = []
    sounds = [file_of(np.zeros(16_000)), None, sound_bytes("tone", 1)]
    _, present = encoder.encode(sounds, refused=lambda *one: told.append(one))
    assert present.tolist() == [False, False, True]
    assert told == [(0, "audio: expected a sound, received silence")]


@pytest.mark.parametrize("shape", [(1, 96, 64, 3), (1, 100, 40, 1), (1, 100), (2, 3, 8_000)])
def test_other_networks_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ConfigError, match=r"audio.encoder: expected an input of a waveform of 0.1 s"
    ):
        SoundEncoder(first_values(shape), AudioConfig())
    with pytest.raises(ConfigError, match="audio.encoder: expected a LiteRT network, received"):
        SoundEncoder(b"no network", AudioConfig())
