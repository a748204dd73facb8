"""The candidate tower: items to unit vectors, by their words, pictures and sounds, and their IDs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.config import Config
from towers.models.legacy_keras import keras, tf
from towers.models.modality_attention import ModalityAttention
from towers.text.tokens import PADDING


class CandidateTower(keras.layers.Layer):
    """Item tokens, and an ID embedding where the item was seen in training, to a unit vector.

    Args:
        item_count: Items with an ID embedding.
        tokens: ``[items, slots] int32`` of the whole catalogue.
        modalities: ``[items, modality_dim] float32`` unit rows by modality, zeros for items without one;
            without any, words and IDs alone make the embeddings.
    """

    def __init__(
        self,
        config: Config,
        item_count: int,
        tokens: np.ndarray,
        modalities: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__(name="candidate_tower")
        dim = config.towers.dim
        self.item_count = item_count
        # Small, so that tokens never seen in training contribute almost nothing.
        self.token_table = self.add_weight(
            name="token_table",
            shape=(config.text.bucket_count, dim),
            initializer=keras.initializers.RandomNormal(stddev=0.01, seed=config.seed),
        )
        self.item_table = self.add_weight(
            name="item_table",
            shape=(item_count, dim),
            initializer=keras.initializers.RandomNormal(stddev=0.01, seed=config.seed + 1),
        )
        self.learns_items = True
        self.tokens = tf.constant(tokens)
        self.has_words = tf.constant((tokens != PADDING).any(axis=1, keepdims=True))
        self.bag = _bag_of_tokens(tokens, config.text.bucket_count)
        self.fusion: ModalityAttention | None = None
        self.modalities: dict[str, tf.Tensor] = {}
        if modalities:
            self.modalities = {
                name: tf.constant(vectors, tf.float32) for name, vectors in modalities.items()
            }
            dims = {name: vectors.shape[1] for name, vectors in modalities.items()}
            self.fusion = ModalityAttention(dim, dims, config.seed + 2)

    def drop_id_embeddings(self) -> None:
        """Switches ID embeddings off: they are set to zero and not trained any more."""
        self.item_table.assign(tf.zeros_like(self.item_table))
        self.learns_items = False

    def all(self, item_weight: tf.Tensor | float = 1.0, training: bool = False) -> tf.Tensor:
        """``[items, dim]`` embeddings of the whole catalogue; ``item_weight`` 0 hides ID embeddings."""
        text = tf.sparse.sparse_dense_matmul(self.bag, self.token_table)
        if self.fusion is not None:
            text = self.fusion(text, self.has_words[:, 0], self.modalities, training=training)
        return tf.math.l2_normalize(text + self.item_table * item_weight, axis=-1)

    def of_rows(
        self, rows: tf.Tensor, item_weight: tf.Tensor | float = 1.0, training: bool = False
    ) -> tf.Tensor:
        """``[n, dim]`` embeddings of the items at ``rows [n]``."""
        text = self._text(tf.gather(self.tokens, rows))
        if self.fusion is not None:
            has_words = tf.gather(self.has_words, rows)[:, 0]
            vectors = {name: tf.gather(one, rows) for name, one in self.modalities.items()}
            text = self.fusion(text, has_words, vectors, training=training)
        return tf.math.l2_normalize(text + tf.gather(self.item_table, rows) * item_weight, axis=-1)

    def of_tokens(
        self, tokens: tf.Tensor, own: tf.Tensor, vectors: Mapping[str, tf.Tensor] | None = None
    ) -> tf.Tensor:
        """``[n, dim]`` embeddings of any items: ``tokens [n, slots]``, ID embeddings ``own [n, dim]``.

        Args:
            vectors: ``[n, modality_dim]`` of each modality that the tower reads; none where the items
                have none.
        """
        text = self._text(tokens)
        if self.fusion is not None and vectors:
            text = self.fusion(text, tf.reduce_any(tokens != PADDING, axis=1), vectors)
        return tf.math.l2_normalize(text + own, axis=-1)

    def modality_weights(self, tokens: tf.Tensor, vectors: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """``[n, modalities]`` weights of words and of what ``fusion`` names; the tower must have one."""
        assert self.fusion is not None
        has_words = tf.reduce_any(tokens != PADDING, axis=1)
        return self.fusion.weights_of(self._text(tokens), has_words, vectors)

    def _text(self, tokens: tf.Tensor) -> tf.Tensor:
        # A segment sum adds rows while reading them; a gather would copy every row first.
        slots = tf.where(tokens != PADDING)
        counts = tf.reduce_sum(tf.cast(tokens != PADDING, tf.float32), axis=-1, keepdims=True)
        numbers, segments = tf.gather_nd(tokens, slots), tf.cast(slots[:, 0], tf.int32)
        count = tf.shape(tokens)[0]
        if self.learns_items:
            total = tf.sparse.segment_sum(self.token_table, numbers, segments, num_segments=count)
        else:
            # With a gather the gradient is sparse, so that LazyAdam updates only the rows read.
            read = tf.gather(self.token_table, numbers)
            total = tf.math.unsorted_segment_sum(read, segments, count)
        return total / tf.maximum(counts, 1.0)


def _bag_of_tokens(tokens: np.ndarray, bucket_count: int) -> tf.SparseTensor:
    present = tokens != PADDING
    rows, slots = np.nonzero(present)
    lengths = np.maximum(present.sum(axis=1), 1)
    indices = np.stack([rows, tokens[rows, slots]], axis=1).astype(np.int64)
    values = (1.0 / lengths[rows]).astype(np.float32)
    bag = tf.SparseTensor(indices, values, (len(tokens), bucket_count))
    return tf.sparse.reorder(bag)
