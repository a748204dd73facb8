"""Log-mel spectrograms, beside what is known of pure tones."""

from __future__ import annotations

import numpy as np
import pytest

from towers.audio.log_mel import BANDS, FRAMES_PER_SECOND, SAMPLE_RATE, log_mel


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.sin(2 * np.pi * hertz * time).astype(np.float32)


@pytest.mark.parametrize("hertz", [110.0, 440.0, 1_000.0, 6_000.0])
def test_a_tone_is_loudest_in_the_band_around_its_pitch(hertz: float) -> None:
    levels = log_mel(tone(hertz), FRAMES_PER_SECOND)
    assert levels.shape == (50, BANDS) and levels.dtype == np.uint8 and levels.max() == 255
    # Centres lie at equal steps of 2,595 log10(1 + f / 700) from 50 to 8,000 Hz.
    mels = [2_595 * np.log10(1 + one / 700) for one in (50, hertz, 8_000)]
    place = (mels[1] - mels[0]) / (mels[2] - mels[0]) * (BANDS + 1) - 1
    assert abs(int(levels.mean(axis=0).argmax()) - place) <= 1


def test_levels_are_decibels_below_the_loudest_whatever_the_loudness() -> None:
    loud, soft = tone(1_000, 0.5), 0.01 * tone(1_000, 0.5)
    levels = log_mel(np.concatenate([loud, soft]), FRAMES_PER_SECOND)
    band = levels.max(axis=1).astype(float)
    # A hundredth of the amplitude is 40 dB of 80: half of 255.
    assert band[5] == 255 and band[-5] == pytest.approx(127.5, abs=1)
    assert np.array_equal(log_mel(0.1 * loud, 20), log_mel(loud, 20))


def test_a_short_sound_is_repeated() -> None:
    click = np.zeros(3_200, np.float32)
    click[:400] = tone(2_000, 0.025)
    levels = log_mel(click, 100)
    # Every 0.2 s, which is 10 frames.
    assert np.array_equal(levels[20:50], levels[30:60])
    loudest = levels.max(axis=1)
    assert loudest[[0, 10]].min() > 240 and not loudest[[5, 15]].any()
