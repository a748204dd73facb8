"""Photographs of shelves, several of each."""

from __future__ import annotations

import numpy as np


def shelves(count: int, of_each: int, *, seed: int = 0) -> np.ndarray:
    """``[count * of_each, 24, 24, 3]``: scenes of eight colours, each taken from several places."""
    rng = np.random.default_rng(seed)
    pictures = []
    for _ in range(count):
        palette = rng.integers(0, 256, (8, 3))
        scene = palette[rng.integers(0, 8, (24, 24))]
        pictures += [np.roll(scene, 5 * place, axis=1) for place in range(of_each)]
    return np.stack(pictures).astype(np.uint8)
