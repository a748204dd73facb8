"""Fitting of Fisher vectors and their classifiers to the shop's own pictures, beside the networks.

Ridge regression on the classes has a closed form, so that pictures held out of a network are held out
here too at little cost: what is told of them is what would be told of new ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from towers.models.images.fisher_vectors import (
    CONTRAST_FLOOR,
    PATCH,
    FisherHeads,
    PatchMixture,
    colour_contrast,
    descriptors,
    pooled_shares,
    scaled,
)
from towers.models.images.image_network import UNKNOWN, ImageTargets, told_columns
from towers.models.legacy_keras import tf
from towers.training.images.image_training import InputKind, TrainedImages, shares_of

LEARNT_LIMIT = 4_000
"""Pictures that the classifiers learn from: their vectors are held in memory, 94 kB each."""
_COMPONENT_COUNT = 40
_WHITENED = 0.02
"""Added to the variances of components, as a share of the largest."""
_COLOUR_WEIGHT = 1.5
_MIXTURE_PICTURES, _PATCHES_OF_EACH = 700, 240
_PATCHES_A_PICTURE = 128
_ITERATION_COUNT = 25
_PICTURES_A_WORD = 8
_LEAST_WORDS = 4
_RIDGE = 0.03
_RANK_LIMIT = 128
_SCALES = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
_TEMPERATURES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
_USUAL_SCALE = 8.0
"""Of the scores, where too few pictures are held out to choose."""
_LEAST_HELD_OUT = 20
_SMALLEST_SHARE = 1e-9
_READ_COUNT = 32


@dataclass(frozen=True)
class PooledLabel:
    """What the Fisher vectors add to the networks, on held-out pictures.

    Args:
        scale: Of the scores; 0 where they add nothing.
        held_out_count: Pictures of a known class.
        networks_loss, pooled_loss: Mean negative log probability of the right class.
        networks_accuracy, pooled_accuracy: Share of the pictures whose class is told.
    """

    scale: float
    held_out_count: int
    networks_loss: float
    pooled_loss: float
    networks_accuracy: float
    pooled_accuracy: float


def with_fisher_heads(
    trained: TrainedImages,
    levels: np.ndarray,
    targets: ImageTargets,
    kind: InputKind,
    *,
    word_count: int,
    seed: int,
    progress: Callable[[int, int], None],
) -> TrainedImages:
    """The same with classifiers of Fisher vectors, for the labels of which they tell more.

    Args:
        levels: ``[pictures, height, width, 3] uint8``, read in batches.
        word_count: Gaussians of the mixture, at most; fewer for few pictures.
        progress: Called with pictures done and the number of pictures.
    """
    names = told_columns(targets.class_counts, 0)
    if not names:
        return trained
    rng = np.random.default_rng(seed)
    learnt = np.sort(rng.permutation(np.flatnonzero(trained.is_learnt))[:LEARNT_LIMIT])
    common = np.flatnonzero(~trained.is_learnt)
    unseen = np.concatenate([common, trained.own_rows])
    steps = len(learnt) + len(unseen)
    mixture = fitted_mixture(levels, learnt, kind, word_count=word_count, rng=rng)
    read = tf.function(mixture.vectors, reduce_retracing=True)
    vectors = np.empty((len(learnt), mixture.dim), np.float32)
    for start, part in _vectors(read, levels, learnt, kind):
        vectors[start : start + len(part)] = part
        progress(start + len(part), steps)
    unseen_products = np.empty((len(unseen), len(learnt)), np.float32)
    for start, part in _vectors(read, levels, unseen, kind):
        unseen_products[start : start + len(part)] = part @ vectors.T
        progress(len(learnt) + start + len(part), steps)
    products = vectors @ vectors.T
    problem = _Problem(products, unseen_products, trained.parts[learnt], trained.parts[unseen])
    of_networks = [shares_of(one, levels, common, targets, kind) for one in trained.networks]
    own_shares, weights, pooled = dict(trained.own_shares), {}, {}
    for name in names:
        classes, count = targets.classes[name], targets.class_counts[name]
        scores, of_learnt = problem.solved(classes[learnt], count)
        common_shares = np.mean([shares[name] for shares in of_networks], axis=0)
        shares = np.concatenate([common_shares, trained.own_shares[name]])
        pooled[name] = _chosen(shares, scores, classes[unseen])
        if pooled[name].scale:
            weights[name] = (of_learnt * pooled[name].scale).astype(np.float32)
            scaled_scores = scores[len(common) :] * np.float32(pooled[name].scale)
            own_shares[name] = pooled_shares(trained.own_shares[name], scaled_scores).numpy()
    report = replace(trained.report, fisher=pooled)
    if not weights:
        return replace(trained, report=report)
    heads = _low_rank(mixture, vectors, products, weights)
    return replace(trained, fisher=heads, own_shares=own_shares, report=report)


def fitted_mixture(
    levels: np.ndarray,
    rows: np.ndarray,
    kind: InputKind,
    *,
    word_count: int,
    rng: np.random.Generator,
) -> PatchMixture:
    """A mixture over the patches of some of the pictures at ``rows``.

    Args:
        levels: ``[pictures, height, width, 3] uint8``.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    count = max(_LEAST_WORDS, min(word_count, len(rows) // _PICTURES_A_WORD))
    some = rng.permutation(rows)[:_MIXTURE_PICTURES]
    patches, colours = zip(*_patches(levels, some, kind, rng), strict=True)
    raw, colour = np.concatenate(patches), np.concatenate(colours)
    mean = raw.mean(axis=0)
    variances, components = np.linalg.eigh(np.cov((raw - mean).T))
    variances, components = variances[::-1][:_COMPONENT_COUNT], components[:, ::-1]
    components = components[:, :_COMPONENT_COUNT]
    components = components / np.sqrt(np.maximum(variances + _WHITENED * variances[0], 1e-8))
    filters = components.reshape(PATCH, PATCH, 3, -1)
    nothing = np.zeros((1, _COMPONENT_COUNT + 8), np.float32)
    empty = PatchMixture(
        (filters - filters.mean(axis=(0, 1))).astype(np.float32),
        (mean @ components).astype(np.float32),
        colour.mean(axis=0),
        np.maximum(colour.std(axis=0), 1e-3) / _COLOUR_WEIGHT,
        *(np.ones(1, np.float32), nothing, nothing + 1),
    )
    described = []
    for start in range(0, len(some), _READ_COUNT):
        batch = descriptors(kind.whole(levels[some[start : start + _READ_COUNT]]), empty).numpy()
        described.append(_drawn(batch, min(_PATCHES_A_PICTURE, batch.shape[1]), rng))
    sample = np.concatenate(described)
    sample = sample[rng.permutation(len(sample))[: count * _PATCHES_OF_EACH]]
    mixture = GaussianMixture(
        count,
        covariance_type="diag",
        max_iter=_ITERATION_COUNT,
        init_params="k-means++",
        random_state=int(rng.integers(2**31)),
        reg_covar=1e-3,
    )
    with warnings.catch_warnings():
        # The first iterations are enough: any mixture is a basis.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(sample)
    return replace(
        empty,
        shares=mixture.weights_.astype(np.float32),
        means=mixture.means_.astype(np.float32),
        variances=mixture.covariances_.astype(np.float32),
    )


def _patches(
    levels: np.ndarray, rows: np.ndarray, kind: InputKind, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """``[k, 8 * 8 * 3]`` patches free of brightness and contrast, and ``[k, 6]`` their colours."""
    window = [1, PATCH, PATCH, 1]
    for start in range(0, len(rows), _READ_COUNT):
        for picture, stride in scaled(kind.whole(levels[rows[start : start + _READ_COUNT]])):
            cut = tf.image.extract_patches(
                picture, window, [1, stride, stride, 1], [1, 1, 1, 1], "VALID"
            ).numpy()
            cut = cut.reshape(len(cut), -1, PATCH * PATCH * 3)
            drawn = _drawn(cut, min(_PATCHES_A_PICTURE // 3, cut.shape[1]), rng)
            drawn = drawn.reshape(-1, PATCH * PATCH, 3)
            mean = drawn.mean(axis=1)
            free = drawn - mean[:, None]
            variance = (free**2).mean(axis=1)
            free = free / np.sqrt(variance[:, :1] + CONTRAST_FLOOR)[:, None]
            yield free.reshape(len(free), -1), np.hstack([mean, colour_contrast(variance)])


def _drawn(parts: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """``[n * count, k]`` of ``parts [n, patches, k]``, some of each."""
    places = rng.integers(0, parts.shape[1], (len(parts), count))
    return parts[np.arange(len(parts))[:, None], places].reshape(-1, parts.shape[2])


def _vectors(
    read: Callable[[tf.Tensor], tf.Tensor],
    levels: np.ndarray,
    rows: np.ndarray,
    kind: InputKind,
) -> Iterator[tuple[int, np.ndarray]]:
    """Batches of rows: the place of the first, and ``[n, dim] float32``."""
    for start in range(0, len(rows), _READ_COUNT):
        yield start, read(kind.whole(levels[rows[start : start + _READ_COUNT]])).numpy()


@dataclass(frozen=True, eq=False)
class _Problem:
    """Inner products of learnt pictures, and of unseen with learnt ones; and the part of each."""

    products: np.ndarray
    unseen_products: np.ndarray
    parts: np.ndarray
    unseen_parts: np.ndarray

    def solved(self, classes: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores of unseen pictures, learnt without their part; and the weights of learnt ones.

        Args:
            classes: ``[learnt] int32``, ``UNKNOWN`` for those left out.

        Returns:
            ``[unseen, count] float32`` and ``[learnt, count] float32``.
        """
        scores = np.zeros((len(self.unseen_parts), count), np.float32)
        weights = self._weights(classes, classes != UNKNOWN, count)
        for part in np.unique(self.unseen_parts):
            is_asked = self.unseen_parts == part
            is_other = self.parts != part
            others = weights
            if not is_other.all():
                others = self._weights(classes, is_other & (classes != UNKNOWN), count)
            scores[is_asked] = self.unseen_products[is_asked] @ others
        return scores, weights

    def _weights(self, classes: np.ndarray, is_learnt: np.ndarray, count: int) -> np.ndarray:
        from scipy.linalg import solve

        rows = np.flatnonzero(is_learnt)
        found = np.zeros((len(classes), count), np.float32)
        if len(rows):
            products = self.products[np.ix_(rows, rows)].astype(np.float64)
            products[np.diag_indices_from(products)] += _RIDGE
            truth = np.eye(count)[classes[rows]] - 1 / count
            # Of a class without a learnt picture nothing is known, for or against.
            truth[:, np.bincount(classes[rows], minlength=count) == 0] = 0.0
            found[rows] = solve(products, truth, assume_a="pos", overwrite_a=True)
        return found


def _chosen(shares: np.ndarray, scores: np.ndarray, classes: np.ndarray) -> PooledLabel:
    """The scale of the scores of least log loss, each pool at the temperature that suits it best.

    Networks learn smoothed labels, and so are too unsure: without a temperature, the scale would be
    chosen for how sure the pool is rather than for what it tells apart.

    Args:
        shares: ``[n, classes] float32`` probabilities by the networks.
        scores: ``[n, classes] float32``.
        classes: ``[n] int32``, ``UNKNOWN`` for those left out.
    """
    known = np.flatnonzero(classes != UNKNOWN)
    truth = classes[known]
    pools = {
        scale: pooled_shares(shares[known], scores[known] * np.float32(scale)).numpy()
        for scale in _SCALES
    }
    scale = _USUAL_SCALE
    if len(known) >= _LEAST_HELD_OUT:
        scale = min(_SCALES, key=lambda one: _tempered_loss(pools[one], truth))
    (before, right_before), (after, right_after) = (
        _measured(pools[one], truth) for one in (0.0, scale)
    )
    return PooledLabel(scale, len(known), before, after, right_before, right_after)


def _tempered_loss(shares: np.ndarray, truth: np.ndarray) -> float:
    losses = []
    for temperature in _TEMPERATURES:
        tempered = shares.astype(np.float64) ** (1 / temperature)
        losses.append(_measured(tempered / tempered.sum(axis=1, keepdims=True), truth)[0])
    return min(losses)


def _measured(shares: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Log loss and accuracy; zeros of none."""
    if not len(truth):
        return 0.0, 0.0
    lost = -np.log(np.maximum(shares[np.arange(len(truth)), truth], _SMALLEST_SHARE))
    return float(lost.mean()), float((shares.argmax(axis=1) == truth).mean())


def _low_rank(
    mixture: PatchMixture,
    vectors: np.ndarray,
    products: np.ndarray,
    weights: Mapping[str, np.ndarray],
) -> FisherHeads:
    """Classifiers that read at most 128 directions, those that tell most of the learnt pictures.

    Reduced-rank regression (Izenman 1975): what the full classifiers tell of the learnt pictures, on its
    principal components. Of no more classes than that, nothing is lost.
    """
    of_all = np.hstack(list(weights.values()))
    fitted = (products @ of_all).astype(np.float64)
    axes = np.linalg.eigh(fitted.T @ fitted)[1][:, ::-1][:, :_RANK_LIMIT].astype(np.float32)
    ends = np.cumsum([part.shape[1] for part in weights.values()])
    heads = np.split(axes, ends[:-1], axis=0)
    return FisherHeads(
        mixture,
        vectors.T @ (of_all @ axes),
        {name: head.T.copy() for name, head in zip(weights, heads, strict=True)},
    )
