"""Training of the image network on the shop's own pictures or sounds, from random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from towers.config import AudioConfig, ImagesConfig
from towers.models.images.image_augmentation import Mixed, augmented
from towers.models.images.image_network import (
    PICTURE_SHAPE,
    ImageNetwork,
    ImageTargets,
    NetworkShape,
    class_loss,
    label_names,
)
from towers.models.legacy_keras import keras, tf

SMALL_SHARE = 0.6
"""Of the steps at two thirds of the size, where a step costs less than half."""
_HELD_OUT_SHARE, _HELD_OUT_LIMIT, _LEAST_HELD_OUT = 0.05, 2_000, 8
_CHECK_COUNT = 24
_PATIENCE = 4
"""Checks at the full size without a better one, after which training ends."""
_WEIGHT_DECAY = 0.05
_WARM_STEPS = 100
_AVERAGED = 0.998
_CONTRAST_WEIGHT = 0.5
_CLIP_NORM = 5.0


@dataclass(frozen=True)
class InputKind:
    """What differs between training on pictures and on sounds.

    Args:
        shape: Of the network.
        sizes: What ``augmented`` is called with, in the first part of the steps and in the rest.
        augmented: A batch of ``levels [n, …] uint8``, changed at random.
        whole: The same unchanged, levels of 0 to 1 as the exported network reads them.
    """

    shape: NetworkShape
    sizes: tuple[int, int]
    augmented: Callable[[tf.Tensor, int], Mixed]
    whole: Callable[[np.ndarray], tf.Tensor]


def picture_kind(settings: ImagesConfig) -> InputKind:
    """Pictures, first at two thirds of their size."""
    size = settings.size
    return InputKind(
        PICTURE_SHAPE,
        (max(16, size * 2 // 3 // 8 * 8), size),
        augmented,
        lambda levels: tf.image.resize(levels, (size, size), antialias=True) / 255,
    )


@dataclass(frozen=True)
class ImageReport:
    """What became of the training.

    Args:
        picture_count: Pictures or sounds trained on.
        held_out: Accuracy on held-out ones by label, after each check.
        class_counts: Classes by label.
    """

    picture_count: int
    held_out: tuple[dict[str, float], ...]
    class_counts: dict[str, int]


def train_images(
    levels: np.ndarray,
    targets: ImageTargets,
    config: ImagesConfig | AudioConfig,
    kind: InputKind,
    *,
    seed: int,
    progress: Callable[[int, int, float], None],
) -> tuple[ImageNetwork, ImageReport]:
    """Trains with AdamW and a cosine schedule; keeps the averaged weights best on held-out pictures.

    Args:
        levels: ``[inputs, height, width, channels] uint8``, read in batches.
        progress: Called with steps done, the number of steps, and the loss.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    held_out, training = held_out_split(len(levels), rng)
    batch_size = min(config.batch_size, len(training))
    of_epoch = -(-len(training) // batch_size)
    step_count = max(1, min(config.step_limit, config.epoch_limit * of_epoch))
    trainer = _Trainer(targets, config, kind, step_count)
    check_every = max(1, step_count // _CHECK_COUNT)
    checks: list[dict[str, float]] = []
    scores: list[float] = []
    best: tuple[float, list[np.ndarray]] | None = None
    order = np.zeros(0, np.int64)
    for step in range(step_count):
        if len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(training)])
        rows, order = order[:batch_size], order[batch_size:]
        is_first = step < SMALL_SHARE * step_count
        loss = trainer.step(rows, levels, kind.sizes[not is_first])
        progress(step + 1, step_count, loss)
        if (step + 1) % check_every == 0 or step + 1 == step_count:
            trainer.average()
            if len(held_out):
                checks.append(trainer.accuracy(held_out, levels))
                score = float(np.mean(list(checks[-1].values()))) if checks[-1] else 0.0
                if best is None or score >= best[0]:
                    best = score, trainer.averaged.get_weights()
                scores = scores if is_first else [*scores, score]
                if len(scores) > _PATIENCE and max(scores[-_PATIENCE:]) < max(scores[:-_PATIENCE]):
                    break
    if best is not None:
        trainer.averaged.set_weights(best[1])
    report = ImageReport(len(training), tuple(checks), dict(targets.class_counts))
    return trainer.averaged, report


def held_out_split(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Held-out and training pictures; too few pictures are all trained on."""
    shuffled = rng.permutation(count)
    held_out_count = min(_HELD_OUT_LIMIT, int(count * _HELD_OUT_SHARE))
    if held_out_count < _LEAST_HELD_OUT:
        held_out_count = 0
    return np.sort(shuffled[:held_out_count]), np.sort(shuffled[held_out_count:])


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
        self._step = tf.function(self._trained, reduce_retracing=False)
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
        for start in range(0, len(rows), 128):
            of_batch = rows[start : start + 128]
            logits = self.averaged.logits(self.averaged(self._kind.whole(levels[of_batch])))
            for name in self._labels:
                truth = self._targets.classes[name][of_batch]
                told = np.argmax(logits[name].numpy(), axis=1)
                right[name] += int(np.count_nonzero((told == truth) & (truth >= 0)))
                known[name] += int(np.count_nonzero(truth >= 0))
        return {name: right[name] / known[name] for name in self._labels if known[name]}

    def _trained(
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
