"""Log-mel spectrograms: levels of frequency bands over time, as what hears sees them.

64 bands, of equal width on the mel scale (O'Shaughnessy 1987) from 50 Hz to half of 16,000 samples a
second, triangular as by Davis and Mermelstein (1980), as for the networks of Hershey et al. (2017, "CNN
architectures for large-scale audio classification"). Their window of 25 ms is that of speech; pitch in
music needs a longer one: 50 ms, every 20 ms.
"""

from __future__ import annotations

from functools import cache

import numpy as np

SAMPLE_RATE = 16_000
BANDS = 64
FRAMES_PER_SECOND = 50

_HOP = SAMPLE_RATE // FRAMES_PER_SECOND
_WINDOW, _TRANSFORMED = 800, 1_024
_LEAST_HERTZ = 50.0
_DECIBELS = 80.0
"""Levels are kept down to this far below the loudest of the sound."""


def log_mel(samples: np.ndarray, frame_count: int) -> np.ndarray:
    """``[frame_count, BANDS] uint8``: 255 is the loudest level, 0 is 80 dB below it or less.

    Args:
        samples: ``[samples] float32`` at ``SAMPLE_RATE``, at least one; repeated to fill the frames.
    """
    filled = np.resize(samples, (frame_count - 1) * _HOP + _WINDOW)
    frames = np.lib.stride_tricks.sliding_window_view(filled, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), _TRANSFORMED)
    powers = (np.abs(spectrum) ** 2).astype(np.float32) @ _filters()
    levels = 10 * np.log10(np.maximum(powers, 1e-10))
    levels += _DECIBELS - levels.max()
    return np.asarray(np.rint(np.clip(levels / _DECIBELS, 0, 1) * 255), np.uint8)


@cache
def _filters() -> np.ndarray:
    """``[frequencies, BANDS] float32``, triangles between the centres of the neighbouring bands."""
    edges = _hertz(np.linspace(_mel(_LEAST_HERTZ), _mel(SAMPLE_RATE / 2), BANDS + 2))
    frequencies = np.fft.rfftfreq(_TRANSFORMED, 1 / SAMPLE_RATE)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (
        (frequencies - low) / (centre - low),
        (high - frequencies) / (high - centre),
    )
    return np.maximum(np.minimum(rising, falling), 0).astype(np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.asarray(700 * (10 ** (mel / 2595) - 1))
