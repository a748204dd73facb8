"""Training of the image network on the shop's own pictures or sounds, from random weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from towers.config import AudioConfig, ImagesConfig
from towers.models.images.fisher_vectors import FisherHeads
from towers.models.images.image_augmentation import Mixed, augmented
from towers.models.images.image_network import (
    PICTURE_SHAPE,
    UNKNOWN,
    ImageNetwork,
    ImageTargets,
    NetworkShape,
    class_loss,
    class_shares,
    label_names,
)
from towers.models.legacy_keras import keras, tf
from towers.training.images.near_copies import held_out_parts, near_copies, with_equal_contents

SMALL_SHARE = 0.6
"""Of the steps at two thirds of the size, where a step costs less than half."""
_HELD_OUT_SHARE, _OWN_SHARE, _HELD_OUT_LIMIT = 0.06, 0.1, 2_000
_HELD_OUT_MINIMUM, _LARGEST_SHARE = 40, 0.125
"""Pictures that are held out of all networks, where these are no larger a share."""
_CHECK_COUNT = 24
_PATIENCE = 4
"""Checks at the full size without a better one, after which training ends."""
_WEIGHT_DECAY = 0.05
_WARM_STEPS = 100
_AVERAGED = 0.998
_CONTRAST_WEIGHT = 0.5
_CLIP_NORM = 5.0
_READ_COUNT = 128


@dataclass(frozen=True)
class InputKind:
    """What differs between training on pictures and on sounds.

    Args:
        shape: Of the network.
        sizes: What ``augmented`` is called with, in the first part of the steps and in the rest.
        augmented: A batch of ``levels [n, …] uint8``, changed at random.
        whole: The same unchanged, levels of 0 to 1 as the exported network reads them.
        groups: The group of near-copies of each input, ``[n] int64``, given levels and classes.
    """

    shape: NetworkShape
    sizes: tuple[int, int]
    augmented: Callable[[tf.Tensor, int], Mixed]
    whole: Callable[[np.ndarray], tf.Tensor]
    groups: Callable[[np.ndarray, np.ndarray], np.ndarray]


def picture_kind(settings: ImagesConfig) -> InputKind:
    """Pictures, first at two thirds of their size."""
    size = settings.size
    return InputKind(
        PICTURE_SHAPE,
        (max(16, size * 2 // 3 // 8 * 8), size),
        augmented,
        lambda levels: tf.image.resize(levels, (size, size), antialias=True) / 255,
        near_copies,
    )


@dataclass(frozen=True)
class ImageReport:
    """What became of the training.

    Args:
        picture_counts: Pictures or sounds trained on, by network.
        group_count: Groups of near-copies among all of them.
        held_out: By network, accuracy on held-out ones by label, after each check.
        class_counts: Classes by label.
        fisher: What Fisher vectors add, by label; none where they are not used.
    """

    picture_counts: tuple[int, ...]
    group_count: int
    held_out: tuple[tuple[dict[str, float], ...], ...]
    class_counts: dict[str, int]
    fisher: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TrainedImages:
    """The networks, and what they have not seen.

    Args:
        networks: Each trained without pictures of its own beside those held out of all.
        parts: ``[pictures] int64``: 0 held out of all networks, n of the n-th alone, ``LEARNT`` of none.
        own_rows: ``[m] int64`` rows that one network has not seen, and others have.
        own_shares: By label, ``[m, classes] float32`` probabilities by that network.
        fisher: Classifiers of Fisher vectors, which have seen what some network has; None without.
    """

    networks: tuple[ImageNetwork, ...]
    parts: np.ndarray
    own_rows: np.ndarray
    own_shares: dict[str, np.ndarray]
    report: ImageReport
    fisher: FisherHeads | None = None

    @property
    def is_learnt(self) -> np.ndarray:
        """``[pictures] bool``, seen by some network."""
        found: np.ndarray = self.parts != 0
        return found


def train_images(
    levels: np.ndarray,
    targets: ImageTargets,
    config: ImagesConfig | AudioConfig,
    kind: InputKind,
    *,
    seed: int,
    progress: Callable[[int, int, float], None],
) -> TrainedImages:
    """Trains ``config.network_count`` networks, each from other weights and without other pictures.

    With AdamW and a cosine schedule; kept are the averaged weights best on held-out pictures. Those are
    whole groups of near-copies, some of every network, and where there are several, others of each.

    Args:
        levels: ``[inputs, height, width, channels] uint8``, read in batches.
        progress: Called with steps done, the number of steps, and the loss.
    """
    count = len(levels)
    labels = label_names(targets)
    classes = targets.classes[labels[0]] if labels else np.full(count, UNKNOWN, np.int32)
    groups = with_equal_contents(kind.groups(levels, classes), levels)
    sizes = _held_out_sizes(count, config.network_count)
    parts = held_out_parts(groups, classes, sizes, np.random.default_rng(seed))
    networks, picture_counts, held_out = [], [], []
    own_rows: list[np.ndarray] = []
    own_shares: dict[str, list[np.ndarray]] = {name: [] for name in labels}
    for number in range(config.network_count):
        apart = (parts == 0) | (parts == number + 1)
        rows = np.flatnonzero(~apart)

        def done(step: int, steps: int, loss: float, number: int = number) -> None:
            progress(number * steps + step, config.network_count * steps, loss)

        network, checks = _trained(
            levels, targets, config, kind, _Rows(rows, np.flatnonzero(apart)), seed + number, done
        )
        networks.append(network)
        picture_counts.append(len(rows))
        held_out.append(tuple(checks))
        own = np.flatnonzero(parts == number + 1)
        own_rows.append(own)
        for name, shares in shares_of(network, levels, own, targets, kind).items():
            own_shares[name].append(shares)
    return TrainedImages(
        tuple(networks),
        parts,
        np.concatenate(own_rows),
        {name: np.concatenate(shares) for name, shares in own_shares.items()},
        ImageReport(
            tuple(picture_counts),
            int(groups.max(initial=-1)) + 1,
            tuple(held_out),
            dict(targets.class_counts),
        ),
    )


def _held_out_sizes(count: int, network_count: int) -> list[int]:
    """Of ``count`` pictures, those held out of all networks, and of each where there are several."""
    of_one = min(_HELD_OUT_LIMIT, int(count * _OWN_SHARE))
    least = min(_HELD_OUT_MINIMUM, int(count * _LARGEST_SHARE))
    of_all = max(least, min(_HELD_OUT_LIMIT, int(count * _HELD_OUT_SHARE)))
    return [of_all] if network_count == 1 else [of_all, *[of_one] * network_count]


class _Rows(NamedTuple):
    """Rows that a network learns from, and rows that it is measured on, ``int64``."""

    learnt: np.ndarray
    held_out: np.ndarray


def _trained(
    levels: np.ndarray,
    targets: ImageTargets,
    config: ImagesConfig | AudioConfig,
    kind: InputKind,
    rows: _Rows,
    seed: int,
    progress: Callable[[int, int, float], None],
) -> tuple[ImageNetwork, list[dict[str, float]]]:
    """One network, and its accuracy after each check."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    batch_size = min(config.batch_size, len(rows.learnt))
    of_epoch = -(-len(rows.learnt) // batch_size)
    step_count = max(1, min(config.step_limit, config.epoch_limit * of_epoch))
    trainer = _Trainer(targets, config, kind, step_count)
    check_every = max(1, step_count // _CHECK_COUNT)
    checks: list[dict[str, float]] = []
    scores: list[float] = []
    best: tuple[float, list[np.ndarray]] | None = None
    order = np.zeros(0, np.int64)
    for step in range(step_count):
        if len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(rows.learnt)])
        batch, order = order[:batch_size], order[batch_size:]
        is_first = step < SMALL_SHARE * step_count
        loss = trainer.step(batch, levels, kind.sizes[not is_first])
        progress(step + 1, step_count, loss)
        if (step + 1) % check_every == 0 or step + 1 == step_count:
            trainer.average()
            if len(rows.held_out):
                checks.append(trainer.accuracy(rows.held_out, levels))
                score = float(np.mean(list(checks[-1].values()))) if checks[-1] else 0.0
                if best is None or score >= best[0]:
                    best = score, trainer.averaged.get_weights()
                scores = scores if is_first else [*scores, score]
                if len(scores) > _PATIENCE and max(scores[-_PATIENCE:]) < max(scores[:-_PATIENCE]):
                    break
    if best is not None:
        trainer.averaged.set_weights(best[1])
    return trainer.averaged, checks


def shares_of(
    network: ImageNetwork,
    levels: np.ndarray,
    rows: np.ndarray,
    targets: ImageTargets,
    kind: InputKind,
) -> dict[str, np.ndarray]:
    """``[n, classes] float32`` probabilities of the pictures at ``rows``, by label."""
    found: dict[str, list[np.ndarray]] = {
        name: [np.zeros((0, count), np.float32)] for name, count in targets.class_counts.items()
    }
    for start in range(0, len(rows), _READ_COUNT):
        whole = kind.whole(levels[rows[start : start + _READ_COUNT]])
        for name, shares in class_shares(network, whole).items():
            found[name].append(shares.numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


class _Trainer:
    """The network, its averaged twin, and the step that trains it."""

    def __init__(
        self,
        targets: ImageTargets,
        config: ImagesConfig | AudioConfig,
        kind: InputKind,
        step_count: int,
    ) -> None:
        self._targets, self._kind, self._step_count = targets, kind, step_count
        self._rate = config.learning_rate
        self._network = ImageNetwork(config.dim, targets, kind.shape)
        self.averaged = ImageNetwork(config.dim, targets, kind.shape)
        for network in (self._network, self.averaged):
            vectors = network(tf.zeros((1, 32, 32, kind.shape.channels)))
            network.logits(vectors)
            network.contrast(vectors, tf.zeros((1, targets.words.shape[1]), tf.int32))
        self._optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=_WEIGHT_DECAY)
        self._optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        self._optimizer.build(self._network.trainable_variables)
        self._means = [tf.Variable(one, trainable=False) for one in self._network.weights]
        self._done = tf.Variable(0.0, trainable=False)
        # One graph for each size of pictures.
        self._step = tf.function(self._trained_batch, reduce_retracing=False)
        self._labels = label_names(targets)

    def step(self, rows: np.ndarray, levels: np.ndarray, size: int) -> float:
        """Trains on a batch; gives its loss."""
        classes = {name: tf.constant(self._targets.classes[name][rows]) for name in self._labels}
        words = tf.constant(self._targets.words[rows])
        loss: tf.Tensor = self._step(tf.constant(levels[rows]), classes, words, size)
        return float(loss)

    def average(self) -> None:
        """Gives the twin the averaged weights."""
        self.averaged.set_weights([one.numpy() for one in self._means])

    def accuracy(self, rows: np.ndarray, levels: np.ndarray) -> dict[str, float]:
        """Share of the inputs at ``rows`` whose class the averaged network tells, by label."""
        right = dict.fromkeys(self._labels, 0)
        known = dict.fromkeys(self._labels, 0)
        for start in range(0, len(rows), _READ_COUNT):
            of_batch = rows[start : start + _READ_COUNT]
            logits = self.averaged.logits(self.averaged(self._kind.whole(levels[of_batch])))
            for name in self._labels:
                truth = self._targets.classes[name][of_batch]
                told = np.argmax(logits[name].numpy(), axis=1)
                right[name] += int(np.count_nonzero((told == truth) & (truth >= 0)))
                known[name] += int(np.count_nonzero(truth >= 0))
        return {name: right[name] / known[name] for name in self._labels if known[name]}

    def _trained_batch(
        self,
        pictures: tf.Tensor,
        classes: dict[str, tf.Tensor],
        words: tf.Tensor,
        size: int,
    ) -> tf.Tensor:
        mixed = self._kind.augmented(pictures, size)
        network, weights = self._network, self._targets.weights
        with tf.GradientTape() as tape:
            vectors = network(mixed.pictures, training=True)
            loss = tf.constant(0.0)
            for name, logits in network.logits(vectors, training=True).items():
                truth = classes[name]
                target = tf.one_hot(truth, self._targets.class_counts[name])
                is_known = tf.cast(truth >= 0, tf.float32)
                # A mixture with a picture of an unknown class tells nothing.
                known_both = tf.where(mixed.share < 1, is_known * is_known[::-1], is_known)
                target = target * mixed.share + target[::-1] * (1 - mixed.share)
                loss += weights[name] * class_loss(logits, target, known_both)
            if network.has_words:
                # Of a mixed picture the title is not the whole truth.
                part = tf.cast(mixed.share, tf.float32) ** 2 * _CONTRAST_WEIGHT
                loss += part * network.contrast(vectors, words)
        gradients = tape.gradient(loss, network.trainable_variables)
        pairs = [
            (one, variable)
            for one, variable in zip(gradients, network.trainable_variables, strict=True)
            if one is not None
        ]
        clipped, _ = tf.clip_by_global_norm([one for one, _ in pairs], _CLIP_NORM)
        warm = tf.minimum(1.0, (self._done + 1) / _WARM_STEPS)
        fallen = 0.5 * (1 + tf.cos(np.pi * self._done / self._step_count))
        self._optimizer.learning_rate.assign(self._rate * warm * fallen)
        self._optimizer.apply_gradients(
            (gradient, variable) for gradient, (_, variable) in zip(clipped, pairs, strict=True)
        )
        kept = tf.minimum(_AVERAGED, (1 + self._done) / (10 + self._done))
        for mean, weight in zip(self._means, network.weights, strict=True):
            mean.assign(mean * kept + weight * (1 - kept))
        self._done.assign_add(1.0)
        return loss
