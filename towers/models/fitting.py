"""Fits a model with early stopping on validation data that is later in time; used by both stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from towers.models.lazy_adam import LazyAdam
from towers.models.legacy_keras import keras, tf, tfrs

_WINDOW_COUNT = 32

_OVERFIT_SHARE = 0.01
"""A relative rise of the validation loss below this may be noise."""

Progress = Callable[[int, int, float], None]
"""Called with steps done, the maximum number of steps, and the running loss."""


@dataclass(frozen=True)
class Curves:
    """Loss by epoch: training as the mean over the epoch's steps, validation at the end of the epoch.

    ``validation`` is empty without validation data.
    """

    training: tuple[float, ...]
    validation: tuple[float, ...]

    @property
    def best_epoch(self) -> int:
        """Epoch (from 0) whose weights were restored at the end."""
        return int(np.argmin(self.validation)) if self.validation else len(self.training) - 1

    @property
    def gap(self) -> float | None:
        """Validation loss minus training loss of the best epoch; None without a validation loss.

        May be negative: the training loss is a mean over the epoch, with dropout.
        """
        if not self.validation:
            return None
        return self.validation[self.best_epoch] - self.training[self.best_epoch]

    @property
    def overfits(self) -> bool:
        """Whether the training loss kept falling while the validation loss rose.

        The rule: in the last epoch the training loss is below that of the best epoch, and the
        validation loss above the best by more than ``_OVERFIT_SHARE`` of it.
        """
        if not self.validation:
            return False
        best = self.best_epoch
        still_fell = self.training[-1] < self.training[best]
        rise = self.validation[-1] - self.validation[best]
        return still_fell and rise > _OVERFIT_SHARE * abs(self.validation[best])

    def summary(self) -> str:
        """How the losses changed from the best epoch to the last, as one sentence."""
        best, last = self.best_epoch, len(self.training) - 1
        return (
            f"from epoch {best + 1} to {last + 1} the training loss went from "
            f"{self.training[best]:.3f} to {self.training[last]:.3f}, the validation loss from "
            f"{self.validation[best]:.3f} to {self.validation[last]:.3f}; "
            f"epoch {best + 1} was kept"
        )


def fit(
    model: tfrs.Model,
    columns: Mapping[str, np.ndarray],
    validation: Mapping[str, np.ndarray],
    *,
    batch_size: int,
    epoch_limit: int,
    patience: int,
    learning_rate: float,
    seed: int,
    lengths: np.ndarray | None = None,
    is_lazy: bool = False,
    progress: Progress | None = None,
) -> Curves:
    """Trains with Adam and a cosine schedule; then restores the weights of the best epoch.

    Args:
        columns: Training arrays by name, the first axis being examples.
        validation: The same, later in time; if it is empty, all epochs are run.
        lengths: ``[examples]`` length of each example; batches hold examples of similar length.
            None: lengths are ignored.
        is_lazy: Uses ``LazyAdam``, which updates only the table rows that a batch reads.
    """
    count = _count(columns)
    batch_size = min(batch_size, max(8, count // 8))
    step_count = -(-count // batch_size) * epoch_limit
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, step_count, alpha=0.1)
    adam = LazyAdam if is_lazy else keras.optimizers.legacy.Adam
    model.compile(optimizer=adam(schedule))
    keeper = _BestWeights(validation, batch_size, patience)
    callbacks: list[keras.callbacks.Callback] = [keeper]
    if progress is not None:
        callbacks.append(_ProgressReport(progress, step_count))
    dataset = batches(columns, batch_size, shuffle_seed=seed, lengths=lengths)
    model.fit(dataset, epochs=epoch_limit, verbose=0, callbacks=callbacks)
    keeper.restore()
    return Curves(tuple(keeper.training), tuple(keeper.validation))


def batches(
    columns: Mapping[str, np.ndarray],
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    lengths: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Batches of named arrays, in order, or reshuffled every epoch where a seed is given.

    Args:
        lengths: ``[examples]``; each window of ``_WINDOW_COUNT`` batches is sorted by it, so that a
            batch holds examples of similar length, and the batches of a window are shuffled.
    """
    constants = {name: tf.constant(array) for name, array in columns.items()}
    numbers = tf.data.Dataset.range(_count(columns))
    if shuffle_seed is not None:
        numbers = numbers.shuffle(max(1, _count(columns)), seed=shuffle_seed)
    if lengths is not None:
        order_by = tf.constant(lengths)
        numbers = numbers.batch(_WINDOW_COUNT * batch_size).flat_map(
            lambda window: tf.data.Dataset.from_tensor_slices(
                tf.gather(window, tf.argsort(tf.gather(order_by, window), stable=True))
            ).batch(batch_size)
        )
        numbers = numbers.shuffle(_WINDOW_COUNT, seed=shuffle_seed)
    else:
        numbers = numbers.batch(batch_size)
    return numbers.map(
        lambda chosen: {name: tf.gather(column, chosen) for name, column in constants.items()}
    )


def _count(columns: Mapping[str, np.ndarray]) -> int:
    return len(next(iter(columns.values())))


class _BestWeights(keras.callbacks.Callback):
    """Validation after each epoch, early stopping, and the weights of the best epoch."""

    def __init__(self, columns: Mapping[str, np.ndarray], batch_size: int, patience: int) -> None:
        super().__init__()
        self.columns, self.batch_size, self.patience = columns, batch_size, patience
        self._step_losses: list[float] = []
        self.training: list[float] = []
        self.validation: list[float] = []
        self._best: list[np.ndarray] | None = None
        self._loss: Callable[[Mapping[str, tf.Tensor]], tf.Tensor] | None = None

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._step_losses.append(float((logs or {})["loss"]))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        # A TFRS model's logs at the end of an epoch hold the loss of its last step only.
        self.training.append(float(np.mean(self._step_losses)))
        self._step_losses.clear()
        if not _count(self.columns):
            return
        if self._loss is None:
            self._loss = tf.function(lambda part: self.model.compute_loss(part, training=False))
        losses = [float(self._loss(part)) for part in batches(self.columns, self.batch_size)]
        self.validation.append(float(np.mean(losses)))
        best = int(np.argmin(self.validation))
        if best == epoch:
            self._best = self.model.get_weights()
        elif epoch - best >= self.patience:
            self.model.stop_training = True

    def restore(self) -> None:
        if self._best is not None:
            self.model.set_weights(self._best)


class _ProgressReport(keras.callbacks.Callback):
    def __init__(self, progress: Progress, step_count: int) -> None:
        super().__init__()
        self._progress, self._step_count, self._done = progress, step_count, 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self._done += 1
        self._progress(self._done, self._step_count, float((logs or {}).get("loss", 0.0)))
