"""Fisher vectors are gradients of the likelihood of patches, worked out here by differences."""

from __future__ import annotations

import numpy as np
import pytest

from towers.models.images.fisher_vectors import PATCH, PatchMixture, descriptors, scaled
from towers.models.legacy_keras import tf

COMPONENTS = 5
SIZE = 24


def mixture(count: int = 3) -> PatchMixture:
    rng = np.random.default_rng(5)
    filters = rng.normal(size=(PATCH, PATCH, 3, COMPONENTS))
    shares = rng.uniform(0.5, 1, count)
    parts = (
        filters - filters.mean(axis=(0, 1)),
        rng.normal(size=COMPONENTS),
        rng.normal(size=6) * 0.1,
        rng.uniform(0.2, 0.5, 6),
        shares / shares.sum(),
        rng.normal(size=(count, COMPONENTS + 8)),
        rng.uniform(4, 9, (count, COMPONENTS + 8)),
    )
    return PatchMixture(*(part.astype(np.float32) for part in parts))


def pictures(count: int = 2) -> tf.Tensor:
    levels = np.random.default_rng(6).uniform(size=(count, SIZE, SIZE, 3))
    return tf.constant(levels, tf.float32)


def test_a_patch_is_described_free_of_brightness_and_contrast_and_by_its_colour_and_place() -> None:
    """Of every patch by itself, where the model convolves."""
    model, levels = mixture(), pictures()
    found = descriptors(levels, model).numpy()
    expected = []
    for picture, stride in scaled(levels):
        side = picture.shape[1]
        count = (side - PATCH) // stride + 1
        for down in range(count):
            for across in range(count):
                top, left = down * stride, across * stride
                patch = picture.numpy()[:, top : top + PATCH, left : left + PATCH].astype(float)
                mean, deviation = patch.mean(axis=(1, 2)), patch.std(axis=(1, 2))
                contrast = np.sqrt(patch[..., 0].var(axis=(1, 2)) + 0.01)
                free = (patch - mean[:, None, None]) / contrast[:, None, None, None]
                read = np.einsum("nijc,ijck->nk", free, model.filters) - model.offset
                colours = np.hstack([mean, 0.2 * np.log(deviation + 0.02)])
                colours = (colours - model.colour_mean) / model.colour_deviation
                place = [((at + 0.5) / count - 0.5) * 12**0.5 * 0.7 for at in (down, across)]
                expected.append(np.hstack([read, colours, [place] * len(patch)]))
    assert [one.shape[1] for one, _ in scaled(levels)] == [24, 16, 12]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-3)


def test_a_vector_is_the_gradient_of_the_likelihood_of_the_patches() -> None:
    """By means and deviations in their own units, of unit length, signed roots taken."""
    model, levels = mixture(), pictures(1)
    both = [descriptors(one, model).numpy()[0] for one in (levels, levels[:, :, ::-1])]
    patches = np.concatenate(both).astype(float)
    shares = model.shares.astype(float)

    def likelihood(means: np.ndarray, deviations: np.ndarray) -> float:
        apart = (patches[:, None] - means) / deviations
        of_each = np.exp(-0.5 * (apart**2).sum(axis=2)) / deviations.prod(axis=1)
        return float(np.log(of_each @ shares).mean())

    means, deviations = model.means.astype(float), np.sqrt(model.variances.astype(float))
    expected = np.zeros((len(means), 2 * means.shape[1]))
    for row, column in np.ndindex(*means.shape):
        step = np.zeros_like(means)
        step[row, column] = 1e-5
        change = likelihood(means + step, deviations) - likelihood(means - step, deviations)
        unit = deviations[row, column] / 2e-5
        expected[row, column] = change * unit / np.sqrt(shares[row])
        change = likelihood(means, deviations + step) - likelihood(means, deviations - step)
        expected[row, means.shape[1] + column] = change * unit / np.sqrt(2 * shares[row])
    roots = np.sign(expected) * np.sqrt(np.abs(expected))
    roots = roots.ravel() / np.linalg.norm(roots)
    np.testing.assert_allclose(model.vectors(levels).numpy()[0], roots, atol=2e-3)


def test_a_picture_and_its_mirror_image_have_one_vector() -> None:
    model, levels = mixture(), pictures()
    mirrored = model.vectors(levels[:, :, ::-1]).numpy()
    np.testing.assert_allclose(mirrored, model.vectors(levels).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("size", "sides"),
    [(16, [16, 11, 8]), (64, [64, 43, 32]), (96, [96, 64, 48]), (384, [96, 64, 48])],
)
def test_pictures_of_any_size_have_vectors_of_one_length(size: int, sides: list[int]) -> None:
    levels = tf.zeros((1, size, size, 3)) + 0.5
    assert [one.shape[1] for one, _ in scaled(levels)] == sides
    model = mixture()
    found = model.vectors(levels).numpy()
    assert found.shape == (1, model.dim) == (1, 2 * 3 * (COMPONENTS + 8))
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
