"""Fusion of words, picture and sound by attention, with any missing."""

from __future__ import annotations

import numpy as np
import pytest

from towers.config import Config, TextConfig, TowerConfig
from towers.models.candidate_tower import CandidateTower
from towers.models.legacy_keras import keras, tf
from towers.models.modality_attention import (
    ModalityAttention,
    arrays_of,
    attention_from,
)

DIM, PICTURE_DIM, SOUND_DIM = 8, 5, 6
RNG = np.random.default_rng(5)
WORDS = RNG.normal(size=(4, DIM)).astype(np.float32)
PICTURES = RNG.normal(size=(4, PICTURE_DIM)).astype(np.float32)
HAS_WORDS = np.array([True, True, False, False])
WORDS[~HAS_WORDS] = 0
PICTURES[[1, 3]] = 0
"""Both, words alone, a picture alone, neither."""


@pytest.fixture
def layer() -> ModalityAttention:
    keras.utils.set_random_seed(1)
    layer = ModalityAttention(DIM, {"picture": PICTURE_DIM}, seed=3)
    layer.query.assign(RNG.normal(size=layer.query.shape))
    return layer


def test_the_weights_are_a_softmax_over_what_is_there(layer: ModalityAttention) -> None:
    weights = layer.weights_of(WORDS, HAS_WORDS, {"picture": PICTURES}).numpy()
    arrays = arrays_of(layer)
    values = [WORDS[0], PICTURES[0] @ arrays["projection_picture"]]
    logits = [
        (value / np.linalg.norm(value)) @ arrays["keys"][m] @ arrays["query"] / 4
        + arrays["bias"][m]
        for m, value in enumerate(values)
    ]
    expected = np.exp(logits) / np.exp(logits).sum()
    assert np.allclose(weights[0], expected, atol=1e-5)
    assert weights[1:].tolist() == [[1, 0], [0, 1], [0, 0]]
    mixed = layer(
        tf.constant(WORDS), tf.constant(HAS_WORDS), {"picture": tf.constant(PICTURES)}
    ).numpy()
    assert np.allclose(mixed[0], expected @ np.array(values), atol=1e-5)
    assert np.allclose(mixed[1], WORDS[1]) and not mixed[3].any()
    assert np.allclose(mixed[2], PICTURES[2] @ arrays["projection_picture"], atol=1e-5)


def test_training_drops_one_of_several_and_never_the_only_one(layer: ModalityAttention) -> None:
    count = 4_000
    words, has_words, pictures = (
        tf.constant(np.tile(a, (count, *[1] * (a.ndim - 1)))) for a in (WORDS, HAS_WORDS, PICTURES)
    )
    found = (
        layer(words, has_words, {"picture": pictures}, training=True).numpy().reshape(count, 4, DIM)
    )
    projected = PICTURES[0] @ arrays_of(layer)["projection_picture"]
    shares = [
        float(np.isclose(found[:, 0], alone, atol=1e-5).all(axis=1).mean())
        for alone in (WORDS[0], projected)
    ]
    assert shares == pytest.approx([0.15] * 2, abs=0.03)
    assert np.allclose(found[:, 1], WORDS[1])
    assert np.allclose(found[:, 2], PICTURES[2] @ arrays_of(layer)["projection_picture"], atol=1e-5)


def test_of_three_modalities_any_may_be_missing_and_any_is_dropped() -> None:
    sounds = RNG.normal(size=(4, SOUND_DIM)).astype(np.float32)
    sounds[2] = 0
    layer = ModalityAttention(DIM, {"picture": PICTURE_DIM, "sound": SOUND_DIM}, seed=3)
    layer.query.assign(RNG.normal(size=layer.query.shape))
    vectors = {"sound": sounds, "picture": PICTURES}
    weights = layer.weights_of(WORDS, HAS_WORDS, vectors).numpy()
    # Words, picture and sound; words and sound; a picture alone; a sound alone.
    assert (weights > 0).tolist() == [[1, 1, 1], [1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert np.allclose(weights.sum(axis=1), 1)
    arrays = arrays_of(layer)
    projected = [WORDS[0], PICTURES[0] @ arrays["projection_picture"]]
    projected.append(sounds[0] @ arrays["projection_sound"])
    again = attention_from(arrays)
    assert again.names == ("picture", "sound")
    assert np.allclose(again.weights_of(WORDS, HAS_WORDS, vectors).numpy(), weights, atol=1e-6)
    count = 6_000
    many = {name: tf.constant(np.tile(one[:1], (count, 1))) for name, one in vectors.items()}
    words = tf.constant(np.tile(WORDS[:1], (count, 1)))
    found = layer(words, tf.constant(np.ones(count, bool)), many, training=True).numpy()
    alone = [float(np.isclose(found, one, atol=1e-5).all(axis=1).mean()) for one in projected]
    assert alone == pytest.approx([0.05] * 3, abs=0.015)
    without = []
    for dropped in range(3):
        kept = [number for number in range(3) if number != dropped]
        share = weights[0, kept] / weights[0, kept].sum()
        mixed = share @ np.array(projected)[kept]
        without.append(float(np.isclose(found, mixed, atol=1e-5).all(axis=1).mean()))
    assert without == pytest.approx([0.1] * 3, abs=0.02)


def test_the_projection_of_a_bundle_that_knew_pictures_alone_is_read() -> None:
    layer = ModalityAttention(DIM, {"picture": PICTURE_DIM}, seed=3)
    arrays = arrays_of(layer)
    arrays["projection"] = arrays.pop("projection_picture")
    again = attention_from(arrays)
    found = [one.weights_of(WORDS, HAS_WORDS, {"picture": PICTURES}) for one in (layer, again)]
    assert np.array_equal(*found)


def test_its_weights_survive_as_plain_arrays(layer: ModalityAttention) -> None:
    again = attention_from(arrays_of(layer))
    inputs = (tf.constant(WORDS), tf.constant(HAS_WORDS), {"picture": tf.constant(PICTURES)})
    assert np.array_equal(again(*inputs).numpy(), layer(*inputs).numpy())


def test_a_shop_without_pictures_has_the_tower_of_before() -> None:
    tokens = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    config = Config(text=TextConfig(bucket_count=64), towers=TowerConfig(dim=DIM))
    tower = CandidateTower(config, 2, tokens)
    assert [weight.shape.as_list() for weight in tower.weights] == [[64, DIM], [2, DIM]]
    with_pictures = CandidateTower(
        config, 2, tokens, {"picture": np.zeros((2, PICTURE_DIM), np.float32)}
    )
    # Where no item has one, they change nothing.
    with_pictures.token_table.assign(tower.token_table)
    with_pictures.item_table.assign(tower.item_table)
    assert np.array_equal(tower.all().numpy(), with_pictures.all().numpy())
    rows = tf.constant([1, 0])
    assert np.array_equal(tower.of_rows(rows).numpy(), with_pictures.of_rows(rows).numpy())
