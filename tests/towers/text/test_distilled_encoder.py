"""The small encoder of queries, worked out with plain loops."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from towers.text.distilled_encoder import DistilledEncoder


def encoder(*, has_layer: bool = True) -> DistilledEncoder:
    rng = np.random.default_rng(1)
    hidden, out = rng.normal(size=(3, 5)), rng.normal(size=(5, 3)) * has_layer
    return DistilledEncoder(
        {"lamp": 0, "desk": 1, "the": 2},
        np.array([[1, 0, 0], [0, 2, 0], [0, 0, 3]], np.float32),
        np.array([1.0, 0.5, 0.0], np.float32),
        hidden.astype(np.float32),
        out.astype(np.float32),
    )


def test_a_query_is_the_weighted_mean_of_its_stems() -> None:
    plain = encoder(has_layer=False)
    assert plain.dim == 3
    assert plain.encode(["lamp"]).tolist() == [1.0, 0.0, 0.0]
    both = plain.encode(["lamp", "desk"]).tolist()
    assert both == pytest.approx([1 / math.sqrt(2), 1 / math.sqrt(2), 0.0])
    twice = plain.encode(["desk", "lamp", "lamp"]).tolist()
    assert twice == pytest.approx([2 / math.sqrt(5), 1 / math.sqrt(5), 0.0])
    # A word of no weight changes nothing, an unknown one neither.
    assert plain.encode(["the", "lamp", "zzyzx"]).tolist() == [1.0, 0.0, 0.0]


def test_the_residual_layer_is_added_to_the_mean() -> None:
    found = encoder()
    mean = [1 / math.sqrt(2), 1 / math.sqrt(2), 0.0]
    units = [
        math.tanh(sum(mean[at] * float(found.hidden[at, unit]) for at in range(3)))
        for unit in range(5)
    ]
    added = [
        mean[at] + sum(units[unit] * float(found.out[unit, at]) for unit in range(5))
        for at in range(3)
    ]
    length = math.sqrt(sum(value * value for value in added))
    vector = found.encode(["lamp", "desk"])
    assert vector.dtype == np.float32
    assert vector.tolist() == pytest.approx([value / length for value in added], rel=1e-5)


@pytest.mark.parametrize("stems", [[], ["zzyzx"]])
def test_without_a_known_stem_there_is_no_direction(stems: list[str]) -> None:
    assert encoder().encode(stems).tolist() == [0.0, 0.0, 0.0]


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    found = encoder()
    found.words = {**found.words, "灯": 3}
    found.vectors = np.concatenate([found.vectors, np.ones((1, 3), np.float32)])
    found.weights = np.append(found.weights, np.float32(1))
    found.save(tmp_path)
    loaded = DistilledEncoder.load(tmp_path)
    assert loaded.words == found.words
    for stems in (["lamp"], ["desk", "灯"], ["lamp", "lamp", "desk"]):
        assert np.array_equal(loaded.encode(stems), found.encode(stems))
