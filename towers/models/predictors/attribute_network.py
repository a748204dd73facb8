"""Networks that predict an attribute of an item: a DNN over a bag of tokens, and a transformer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.config import TowerConfig
from towers.models.fitting import Curves, batches, fit
from towers.models.legacy_keras import keras, tf, tfrs
from towers.models.session_encoders import Transformer

NETWORKS = ("dnn", "transformer")
"""By name, as reports have them."""

_DIM = 64
_HIDDEN = 128
_DROPOUT = 0.2
_ASKED = 1_024
_VALIDATION_SHARE = 0.1
_BATCH_SIZE = 64
_STEPS = 1_500
"""About as many at most, in 8 epochs at least: few items are gone through more often."""


class AttributeNetwork(tfrs.Model):
    """Logits of classes.

    Columns: ``tokens [n, slots] int32``, 0 for none; ``vectors [n, dims] float32``; ``labels [n]``.
    Both networks start from the candidate tower's token vectors, cut to their main components, and
    read the item's vectors beside the tokens.

    Args:
        name: One of ``NETWORKS``.
        class_count: Classes.
        token_vectors: ``[vocabulary, dim] float32``, the first one zero.
        slot_count: Tokens of an item.
        seed: Of the weights.
    """

    def __init__(
        self, name: str, class_count: int, token_vectors: np.ndarray, slot_count: int, seed: int
    ) -> None:
        super().__init__()
        keras.utils.set_random_seed(seed)
        start = _main_components(token_vectors)
        self.token_table = self.add_weight(
            name="token_table",
            shape=start.shape,
            initializer=keras.initializers.Constant(start),
        )
        self.transformer = None
        if name == "transformer":
            shape = TowerConfig(dim=_DIM, event_slot_count=slot_count, dropout=_DROPOUT)
            self.slots = keras.layers.Embedding(slot_count, _DIM)
            self.transformer = Transformer(shape, seed)
        self.hidden = keras.layers.Dense(_HIDDEN, activation="relu")
        self.dropout = keras.layers.Dropout(_DROPOUT)
        self.logits = keras.layers.Dense(class_count)

    def call(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """``[n, classes]``."""
        tokens = columns["tokens"]
        present = tokens > 0
        weights = tf.cast(present, tf.float32)[..., None]
        states = tf.gather(self.token_table, tokens) * weights
        count = tf.reduce_sum(weights, axis=1)
        read = [tf.reduce_sum(states, axis=1) / tf.sqrt(tf.maximum(count, 1.0))]
        if self.transformer is not None:
            states += self.slots(tf.range(tf.shape(states)[1]))
            states = self.transformer(states, present, training=training)
            mean = tf.reduce_sum(states * weights, axis=1) / tf.maximum(count, 1.0)
            # The strongest sign of each kind beside the mean, since one word may decide.
            strongest = tf.reduce_max(tf.where(present[..., None], states, -1e3), axis=1)
            strongest = tf.where(count > 0.0, strongest, 0.0)
            read += [mean, strongest]
        together = tf.concat([*read, columns["vectors"]], axis=-1)
        hidden = self.hidden(self.dropout(together, training=training))
        return self.logits(self.dropout(hidden, training=training))

    def compute_loss(self, columns: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Mean cross-entropy."""
        logits = self(columns, training=training)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(columns["labels"], logits)
        return tf.reduce_mean(losses)


class TrainedAttributeNetwork:
    """A trained network as a function of columns.

    A tenth of the examples, drawn at random, is kept back for early stopping.

    Args:
        name, class_count, token_vectors: As for ``AttributeNetwork``.
        columns: Training examples.
        seed: Of weights, batches and that tenth.
    """

    def __init__(
        self,
        name: str,
        class_count: int,
        token_vectors: np.ndarray,
        columns: Mapping[str, np.ndarray],
        *,
        seed: int,
    ) -> None:
        count = len(columns["labels"])
        order = np.random.default_rng(seed).permutation(count)
        held_out = order[: max(1, int(count * _VALIDATION_SHARE))]
        rest = order[len(held_out) :]
        slot_count = columns["tokens"].shape[1]
        self._model = AttributeNetwork(name, class_count, token_vectors, slot_count, seed)
        self.curves: Curves = fit(
            self._model,
            {column: values[rest] for column, values in columns.items()},
            {column: values[held_out] for column, values in columns.items()},
            batch_size=_BATCH_SIZE,
            epoch_limit=int(np.clip(_STEPS * _BATCH_SIZE // max(1, len(rest)), 8, 40)),
            patience=4,
            learning_rate=3e-3,
            seed=seed,
            is_lazy=True,
        )
        signature = {
            column: tf.TensorSpec((None, *values.shape[1:]), values.dtype)
            for column, values in columns.items()
            if column != "labels"
        }
        # One signature for batches of all sizes, so that nothing is compiled while answering.
        self._call = tf.function(
            lambda part: self._model(part, training=False)
        ).get_concrete_function(signature)

    def logits(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """``[n, classes] float32`` of ``tokens`` and ``vectors``."""
        return np.concatenate([self._call(part).numpy() for part in batches(columns, _ASKED)])


def _main_components(token_vectors: np.ndarray) -> np.ndarray:
    """``[vocabulary, _DIM] float32``: the vectors along their main directions, zeros behind them."""
    _, _, directions = np.linalg.svd(token_vectors.T @ token_vectors)
    along = token_vectors @ directions[:_DIM].T
    scale = max(float(along.std()), 1e-6)
    found = np.zeros((len(token_vectors), _DIM), np.float32)
    found[:, : along.shape[1]] = along / scale * 0.1
    return found
