"""Pretrained word vectors; skipped where the package that carries them is not installed."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from towers.text.tokens import token
from towers.text.word_vectors import WordVectors, word_vectors
from towers.text.words import stem

_BUCKETS = 131_072
_COUNTS = {"fridge": 3, "refrigerator": 9, "refrigerators": 4, "lamp": 8, "light": 20, "paint": 12}
_COUNTS |= {"primer": 4, "toilet": 7, "bathroom": 9, "3.5x7": 2, "drill": 6, "screwdriver": 3}

needs_wordllama = pytest.mark.skipif(
    importlib.util.find_spec("wordllama") is None, reason="wordllama is not installed"
)


def _cosine(vectors: WordVectors, left: str, right: str) -> float:
    positions = [
        int(np.flatnonzero(vectors.numbers == token("w:" + stem(word), _BUCKETS))[0])
        for word in (left, right)
    ]
    a, b = vectors.vectors[positions]
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


@needs_wordllama
def test_words_of_like_meaning_lie_closer_than_others() -> None:
    vectors = word_vectors(_COUNTS, dim=64, bucket_count=_BUCKETS)
    assert vectors is not None
    assert _cosine(vectors, "fridge", "refrigerator") > 0.5 > _cosine(vectors, "fridge", "paint")
    assert _cosine(vectors, "lamp", "light") > _cosine(vectors, "lamp", "toilet")


@needs_wordllama
def test_each_stem_has_one_vector_and_their_mean_length_is_one() -> None:
    vectors = word_vectors(_COUNTS, dim=16, bucket_count=_BUCKETS)
    assert vectors is not None
    stems = {stem(word) for word in _COUNTS}
    assert set(vectors.numbers.tolist()) == {token("w:" + name, _BUCKETS) for name in stems}
    assert vectors.vectors.shape == (len(stems), 16) and vectors.vectors.dtype == np.float32
    assert float(np.linalg.norm(vectors.vectors, axis=1).mean()) == pytest.approx(1.0, abs=1e-5)


def test_a_catalogue_without_words_has_no_vectors() -> None:
    assert word_vectors({}, dim=16, bucket_count=_BUCKETS) is None
