"""What Fisher vectors add to networks that know little, and that held-out pictures stay unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.records import Item
from towers.config import ImagesConfig
from towers.modalities.images import ImageEncoder
from towers.models.export import image_networks_file
from towers.models.images.image_network import ImageTargets, class_shares, told_vectors
from towers.models.legacy_keras import tf
from towers.training.images.fisher_training import PooledLabel, with_fisher_heads
from towers.training.images.image_training import TrainedImages, picture_kind, train_images
from towers.training.images.near_copies import LEARNT
from towers.training.images.picture_labels import image_targets

CONFIG = ImagesConfig(size=24, dim=8, batch_size=24, network_count=2, epoch_limit=1)
KIND = picture_kind(CONFIG)
COUNT, TEXTURES = 120, 3
RIDGE = 0.03


def textures() -> np.ndarray:
    """Stripes down, stripes across and checks, in turn, of two random colours and a random phase."""
    rng = np.random.default_rng(4)
    down, across = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    found = []
    for number in range(COUNT):
        colours = rng.integers(0, 256, (2, 3))
        i, j = (line + rng.integers(0, 8) for line in (down, across))
        waves = (j // 4 % 2, i // 4 % 2, (i // 4 + j // 4) % 2)
        found.append(colours[waves[number % TEXTURES]])
    return np.stack(found).astype(np.uint8)


TARGETS = image_targets([Item(f"{n}", category=("abc"[n % TEXTURES],)) for n in range(COUNT)])


def told_of(trained: TrainedImages, targets: ImageTargets) -> TrainedImages:
    return with_fisher_heads(
        *(trained, textures(), targets, KIND),
        word_count=16,
        seed=3,
        progress=lambda done, total: None,
    )


@pytest.fixture(scope="module")
def networks() -> TrainedImages:
    return train_images(
        *(textures(), TARGETS, CONFIG, KIND),
        seed=3,
        progress=lambda done, total, loss: None,
    )


@pytest.fixture(scope="module")
def both(networks: TrainedImages) -> TrainedImages:
    return told_of(networks, TARGETS)


def pooled_of(trained: TrainedImages) -> PooledLabel:
    found = trained.report.fisher["category"]
    assert isinstance(found, PooledLabel)
    return found


def small() -> tf.Tensor:
    return KIND.whole(textures())


def ridge_scores(trained: TrainedImages, learnt: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Ridge regression in the space of the vectors, where training has it in that of the pictures."""
    assert trained.fisher is not None
    vectors = trained.fisher.mixture.vectors(small()).numpy().astype(float)
    truth = np.eye(TEXTURES)[TARGETS.classes["category"][learnt]] - 1 / TEXTURES
    products = vectors[learnt].T @ vectors[learnt] + RIDGE * np.eye(vectors.shape[1])
    weights = np.linalg.solve(products, vectors[learnt].T @ truth)
    scores: np.ndarray = vectors[asked] @ weights * pooled_of(trained).scale
    return scores


def test_textures_are_told_that_networks_of_one_epoch_do_not_know(both: TrainedImages) -> None:
    pooled = pooled_of(both)
    assert pooled.held_out_count == len(both.own_rows) + np.count_nonzero(~both.is_learnt)
    # A third of them by chance.
    assert pooled.networks_accuracy < 0.5 and pooled.pooled_accuracy > 0.8
    assert pooled.pooled_loss < pooled.networks_loss and pooled.scale > 0


def test_the_classifiers_learn_from_all_but_the_pictures_held_out_of_all(
    both: TrainedImages,
) -> None:
    assert both.fisher is not None
    learnt, asked = np.flatnonzero(both.is_learnt), np.flatnonzero(~both.is_learnt)
    found = both.fisher.scores(small())["category"].numpy()[asked]
    np.testing.assert_allclose(found, ridge_scores(both, learnt, asked), atol=2e-3)


def test_pictures_that_one_network_has_not_seen_are_told_by_classifiers_without_them_either(
    both: TrainedImages,
) -> None:
    places = both.parts[both.own_rows]
    for number, network in enumerate(both.networks, start=1):
        rows = both.own_rows[places == number]
        learnt = np.flatnonzero((both.parts != 0) & (both.parts != number))
        alone = class_shares(network, tf.gather(small(), rows))["category"].numpy()
        expected = alone * np.exp(ridge_scores(both, learnt, rows))
        expected /= expected.sum(axis=1, keepdims=True)
        found = both.own_shares["category"][places == number]
        assert len(found) >= 8
        np.testing.assert_allclose(found, expected, atol=2e-3)


def test_where_they_mislead_on_held_out_pictures_the_networks_are_left_alone(
    networks: TrainedImages,
) -> None:
    """Held-out pictures have other classes than those learnt from, by a turn."""
    unseen = np.concatenate([np.flatnonzero(~networks.is_learnt), networks.own_rows])
    classes = TARGETS.classes["category"].copy()
    classes[unseen] = (classes[unseen] + 1) % TEXTURES
    turned = replace(
        networks,
        parts=np.where(networks.parts == LEARNT, LEARNT, 0),
        own_rows=unseen[:0],
        own_shares={"category": np.zeros((0, TEXTURES), np.float32)},
    )
    found = told_of(turned, replace(TARGETS, classes={"category": classes}))
    pooled = pooled_of(found)
    assert found.fisher is None and pooled.scale == 0
    assert pooled.pooled_loss == pooled.networks_loss


def test_the_exported_file_tells_what_both_tell(both: TrainedImages) -> None:
    encoder = ImageEncoder(image_networks_file(both.networks, (24, 24), both.fisher), CONFIG)
    levels = textures()[:6, :24, :24]
    pictures = tf.constant(levels / 255, tf.float32)
    full = told_vectors(both.networks, pictures, both.fisher).numpy()
    np.testing.assert_allclose(encoder.encode_arrays(levels), full, atol=1e-3)
    assert both.fisher is not None
    shares = [class_shares(one, pictures)["category"].numpy() for one in both.networks]
    expected = np.mean(shares, axis=0) * np.exp(both.fisher.scores(pictures)["category"].numpy())
    expected /= expected.sum(axis=1, keepdims=True)
    # Two parts of equal length: the look, and the roots of the probabilities.
    np.testing.assert_allclose(full[:, 16:] ** 2 * 2, expected, atol=1e-4)
