"""Networks of the shop's own: sides left open in their files, and vectors that say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError
from tests.towers.modalities.shapes import shape_bytes
from tests.towers.modalities.tiny_networks import first_values
from tests.towers.modalities.tones import sound_bytes
from towers.audio.log_mel import BANDS
from towers.config import AudioConfig, ImagesConfig
from towers.modalities.audio import SoundEncoder, read_levels
from towers.modalities.images import ImageEncoder
from towers.modalities.pictures import read_picture
from towers.modalities.sounds import read_sound


def unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values)


@pytest.mark.parametrize("row_count", [1, None])
def test_pictures_are_read_at_the_size_of_the_settings_where_the_file_leaves_it_open(
    row_count: int | None,
) -> None:
    network = first_values((1, None, None, 3)) if row_count else first_values((1, 3, None, None))
    encoder = ImageEncoder(network, ImagesConfig(size=24, encoder="own.tflite"))
    assert encoder.size == (24, 24) and encoder.dim == 4
    content = shape_bytes("red", "disc", 1)
    levels = read_picture(content, (24, 24)) / 255
    expected = levels.reshape(-1)[:4] if row_count else levels[..., 0].reshape(-1)[:4]
    (vector,), _ = encoder.encode([content])
    np.testing.assert_allclose(vector, unit(expected), atol=1e-5)


def test_one_side_that_the_file_leaves_open_is_read_at_the_size_of_the_settings() -> None:
    encoder = ImageEncoder(first_values((1, 20, None, 3)), ImagesConfig(size=24))
    assert encoder.size == (20, 24)


def test_a_network_that_fails_at_the_size_of_the_settings_is_refused_by_name() -> None:
    network = first_values((1, None, None, 3), value_count=20 * 20 * 3)
    assert ImageEncoder(network, ImagesConfig(size=20)).size == (20, 20)
    with pytest.raises(
        ConfigError,
        match=r"^images.encoder: expected a network that reads \[1, 24, 24, 3\], received .*"
        r" in 'own.tflite'; set size under \[images\] to what it was made for",
    ):
        ImageEncoder(network, ImagesConfig(size=24, encoder="own.tflite"))


def test_sounds_are_read_at_the_length_of_the_settings_where_the_file_leaves_it_open() -> None:
    content = sound_bytes("tone", 3, 2.0)
    settings = AudioConfig(seconds=2.0, sample_rate=8_000)
    waveform = SoundEncoder(first_values((1, None)), settings)
    (vector,), _ = waveform.encode([content])
    np.testing.assert_allclose(vector, unit(read_sound(content, 2.0, 8_000)[:4]), atol=1e-5)
    levels = SoundEncoder(first_values((1, None, BANDS, 1)), settings)
    (vector,), _ = levels.encode([content])
    frames = levels.read(content)
    assert frames.shape[1] == BANDS and len(frames) >= 100
    np.testing.assert_array_equal(frames, read_levels(content, len(frames)))
    np.testing.assert_allclose(vector, unit(frames.reshape(-1)[:4].astype(float)), atol=1e-5)


@pytest.mark.parametrize("factor", [0.0, 1e-12, np.nan])
def test_a_picture_of_which_the_network_tells_nothing_has_no_vector(factor: float) -> None:
    network = first_values((1, 6, 6, 3), factor=factor)
    encoder = ImageEncoder(network, ImagesConfig(encoder="own.tflite"))
    told: list[tuple[int, str]] = []
    vectors, present = encoder.encode(
        [None, shape_bytes("red", "disc", 1)], refused=lambda *one: told.append(one)
    )
    assert not present.any() and not vectors.any()
    expected = "expected a finite vector other than zero of each picture"
    assert told == [(1, f"images.encoder: {expected}, received none from 'own.tflite'")]


def test_long_vectors_are_shortened_and_not_lost() -> None:
    encoder = ImageEncoder(first_values((1, 6, 6, 3), factor=1e30), ImagesConfig())
    vectors, present = encoder.encode([shape_bytes("red", "disc", 1)])
    assert present.all() and np.linalg.norm(vectors[0]) == pytest.approx(1.0)
