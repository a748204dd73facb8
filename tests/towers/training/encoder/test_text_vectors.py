"""The large encoder on a few texts: what it reads, what becomes of it where it is not used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from towers.training.encoder.encoding_cache import EncodingCache
from towers.training.encoder.text_encoder import DIM, TextEncoder, is_installed
from towers.training.encoder.text_vectors import TextReport

_needs_encoder = pytest.mark.skipif(
    not is_installed(), reason="the extra `encoder` is not installed"
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(EncodingCache(None, DIM))


@_needs_encoder
def test_texts_of_one_meaning_are_near_each_other(encoder: TextEncoder) -> None:
    texts = ["three-seat couch", "large sofa", "garden hose", "large sofa"]
    found = encoder.encode(texts)
    assert found.shape == (4, DIM) and found.dtype == np.float32
    assert np.linalg.norm(found, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert np.array_equal(found[1], found[3])
    assert found[0] @ found[1] > 0.5 > found[0] @ found[2]
    assert encoder.encode([]).shape == (0, DIM)


@_needs_encoder
def test_it_reads_english_and_tells_other_scripts(encoder: TextEncoder) -> None:
    assert encoder.reads(["garden hose 15 m", "oak table"])
    assert not encoder.reads(["花园软管", "橡木餐桌"])


@_needs_encoder
def test_a_second_training_finds_the_vectors_of_the_first(tmp_path: Path) -> None:
    path, told = tmp_path / "cache.npz", list[int]()
    first = TextEncoder(EncodingCache(path, DIM)).encode(["oak table", "rug"], told.append)
    assert told == [2]
    again = TextEncoder(EncodingCache(path, DIM)).encode(["rug", "oak table"], told.append)
    assert told == [2]
    assert np.array_equal(again, first[::-1])


def test_only_a_missing_encoder_is_something_to_mend() -> None:
    (warning,) = TextReport("not installed").warnings
    assert "nextclick[encoder]" in warning
    for state in ("used", "off", "no words", "another language"):
        assert TextReport(state).warnings == []
