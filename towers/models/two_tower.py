"""The two-tower model: a query tower that reads sessions, a candidate tower that reads items.

Both give unit vectors in one embedding space; the score is their dot product over a temperature.
Trained with TensorFlow Recommenders: softmax over the whole catalogue where it fits, else over
sampled items with the logQ correction (Yi et al. 2019, "Sampling-bias-corrected neural modeling for
large corpus item recommendations"; mixed negatives after Yang et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from towers.config import Config
from towers.models.candidate_tower import CandidateTower
from towers.models.full_softmax import mean_log_total
from towers.models.legacy_keras import keras, tf, tfrs
from towers.models.sampled_softmax import mean_cross_entropy
from towers.models.session_encoders import masked_softmax, session_encoder
from towers.sessions.query_input import GENERIC_TYPE, PADDING_TYPE, TYPE_COUNT
from towers.text.tokens import PADDING
from towers.text.word_vectors import WordVectors

_UNKNOWN_TOKEN_SHARE = 0.03


class QueryTower(keras.layers.Layer):
    """A session's items, event types, ages, search text and long-term taste to a unit vector.

    A session encoder contextualises the events, newest first; attention then pools the *item
    embeddings* themselves, so that the session stays in the embedding space of the items.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(name="query_tower")
        shape = config.towers
        dim, seed = shape.dim, config.seed + 10
        normal = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
        self.shape_config = shape
        self.token_table = self.add_weight(
            name="query_token_table",
            shape=(config.text.bucket_count, dim),
            initializer=keras.initializers.RandomNormal(stddev=0.1, seed=seed),
        )
        self.type_table = self.add_weight(
            name="type_table", shape=(TYPE_COUNT, dim), initializer="zeros"
        )
        self.slot_table = self.add_weight(
            name="slot_table", shape=(shape.event_slot_count, dim), initializer=normal
        )
        self.age_vector = self.add_weight(name="age_vector", shape=(dim,), initializer="zeros")
        self.dwell_vector = self.add_weight(name="dwell_vector", shape=(dim,), initializer="zeros")
        self.empty_session_vector = self.add_weight(
            name="empty_session_vector", shape=(dim,), initializer=normal
        )
        self.encoder = session_encoder(shape, seed)
        self.attention = keras.layers.Dense(1)
        self.newest = keras.layers.Dense(dim, use_bias=False, kernel_initializer="zeros")
        self.text = keras.layers.Dense(dim, kernel_initializer="identity")
        self.taste = keras.layers.Dense(dim, use_bias=False)
        self.mix = keras.layers.Dense(3, bias_initializer="ones")
        self.dropout = keras.layers.Dropout(shape.dropout)

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """``[n, dim]`` unit rows.

        Args:
            inputs: ``event_embeddings [n, slots, dim]``, ``event_types [n, slots]``,
                ``event_ages [n, slots]``, ``event_dwells [n, slots]``, ``text_slot [n]``,
                ``tokens [n, words]``, ``taste [n, dim]``; at most ``event_slot_count`` slots.
        """
        items, types = inputs["event_embeddings"], inputs["event_types"]
        present = types != PADDING_TYPE
        slots = types.shape[1] or tf.shape(types)[1]
        words = tf.cast(inputs["tokens"] != PADDING, tf.float32)[..., None]
        total = tf.reduce_sum(tf.gather(self.token_table, inputs["tokens"]) * words, axis=1)
        text = total / tf.sqrt(tf.maximum(tf.reduce_sum(words, axis=1), 1.0))
        text = self.text(text) * tf.cast(inputs["text_slot"] >= 0, tf.float32)[:, None]
        is_text_slot = tf.one_hot(inputs["text_slot"], slots, dtype=tf.float32)
        content = items + is_text_slot[..., None] * text[:, None, :]
        states = (
            content
            + tf.gather(self.type_table, types)
            + self.slot_table[:slots]
            + inputs["event_ages"][..., None] * self.age_vector
            + inputs["event_dwells"][..., None] * self.dwell_vector
        )
        states = self.dropout(states, training=training)
        states = self.encoder(states, present, training=training)
        weights = masked_softmax(self.attention(states)[..., 0], present)
        pooled = tf.reduce_sum(weights[..., None] * content, axis=1)
        newest = states[:, 0] * tf.cast(present[:, 0], tf.float32)[:, None]
        taste = self.taste(inputs["taste"])
        parts = tf.stack([pooled, text, taste], axis=1)
        mix = self.mix(tf.concat([newest, text, taste], axis=-1))
        query = tf.reduce_sum(parts * mix[..., None], axis=1) + self.newest(newest)
        # A session without events would have no direction: a prior is learnt for it.
        is_empty = tf.cast(~tf.reduce_any(present, axis=1), tf.float32)
        query += is_empty[:, None] * self.empty_session_vector
        return tf.math.l2_normalize(query, axis=-1)


class TwoTower(tfrs.Model):
    """Both towers and their loss.

    Args:
        target_shares: ``[items]`` probability of each item to be the one target sampled for an
            example in a step, for the logQ correction.
        modalities: As in ``CandidateTower``.
    """

    def __init__(
        self,
        config: Config,
        tokens: np.ndarray,
        target_shares: np.ndarray | None = None,
        *,
        modalities: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        item_count = len(tokens)
        self.config = config
        self.candidate_tower = CandidateTower(config, item_count, tokens, modalities)
        self.query_tower = QueryTower(config)
        self.item_count = item_count
        self.is_full_softmax = item_count <= config.retrieval.full_softmax_item_limit
        shares = np.zeros(item_count, np.float32) if target_shares is None else target_shares
        self.set_target_shares(shares)
        self.negative_rows: tf.Tensor | None = None

    def initialise_words(self, words: WordVectors) -> None:
        """Initialises the word embeddings of both towers; all other tokens start near zero."""
        candidate, query = self.candidate_tower.token_table, self.query_tower.token_table
        table = candidate.numpy()
        table[words.numbers] = words.vectors
        candidate.assign(table)
        table = query.numpy() * _UNKNOWN_TOKEN_SHARE
        table[words.numbers] = words.vectors
        query.assign(table)

    def set_target_shares(self, shares: np.ndarray) -> None:
        """Sets the sampling probability of each item as a target, ``shares [items]``."""
        self.target_shares = tf.constant(shares, tf.float32)

    def restrict_negatives(self, rows: np.ndarray) -> None:
        """Samples the negatives of every step from these rows only.

        Args:
            rows: ``[n] int32`` targets of all queries, with repetitions.
        """
        self.is_full_softmax = False
        self.negative_rows = tf.constant(rows, tf.int32)

    def query_embeddings(
        self,
        inputs: Mapping[str, tf.Tensor],
        event_items: tf.Tensor,
        history_items: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """``[n, dim]`` unit rows.

        Args:
            inputs: Stacked ``QueryInput`` fields.
            event_items: ``[n, slots, dim]`` embeddings of the events' items; any value without item.
            history_items: ``[n, history slots, dim]`` embeddings of the items bought, likewise.
        """
        types = inputs["event_types"]
        if training:
            dropout_rate = self.config.retrieval.item_dropout
            event_items = tf.math.l2_normalize(tf.nn.dropout(event_items, dropout_rate), axis=-1)
            is_dropped = tf.random.uniform(tf.shape(types)) < self.config.retrieval.type_dropout
            types = tf.where(is_dropped & (types != PADDING_TYPE), GENERIC_TYPE, types)
        weights = inputs["history_weights"]
        total = tf.maximum(tf.reduce_sum(weights, axis=1, keepdims=True), 1e-6)
        tower_inputs = {
            "event_embeddings": event_items
            * tf.cast(inputs["event_rows"] >= 0, tf.float32)[..., None],
            "event_types": types,
            "event_ages": inputs["event_ages"],
            "event_dwells": inputs["event_dwells"],
            "text_slot": inputs["text_slot"],
            "tokens": inputs["tokens"],
            "taste": tf.reduce_sum(history_items * weights[..., None], axis=1) / total,
        }
        return self.query_tower(tower_inputs, training=training)

    def compute_loss(self, features: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Mean cross-entropy over a batch; an example's weight is shared by its targets."""
        features = _trimmed(features)
        if self.is_full_softmax:
            return self._full_loss(features, training)
        return self._sampled_loss(features, training)

    def _item_weight(self, has_words: tf.Tensor, training: bool) -> tf.Tensor | float:
        """0 where an item's ID embedding is dropped; never for items without words."""
        if not self.candidate_tower.learns_items:
            return 0.0
        if not training:
            return 1.0
        kept = tf.random.uniform(tf.shape(has_words)) >= self.config.retrieval.id_dropout
        return tf.cast(kept | ~has_words, tf.float32)

    def _full_loss(self, features: Mapping[str, tf.Tensor], training: bool) -> tf.Tensor:
        has_words = self.candidate_tower.has_words
        items = self.candidate_tower.all(self._item_weight(has_words, training), training)
        queries = self.query_embeddings(
            features,
            tf.gather(items, tf.maximum(features["event_rows"], 0)),
            tf.gather(items, tf.maximum(features["history_rows"], 0)),
            training,
        )
        scale = 1.0 / self.config.retrieval.temperature
        targets = features["targets"]
        present = tf.cast(targets >= 0, tf.float32)
        target_items = tf.gather(items, tf.maximum(targets, 0))
        logits = tf.einsum("nd,ntd->nt", queries, target_items) * scale
        mean_logit = tf.reduce_sum(logits * present, 1) / tf.reduce_sum(present, 1)
        return mean_log_total(queries * scale, items, scale) - tf.reduce_mean(mean_logit)

    def _sampled_loss(self, features: Mapping[str, tf.Tensor], training: bool) -> tf.Tensor:
        targets = features["targets"]
        # One target per example and step, sampled uniformly; targets precede the padding.
        counts = tf.cast(tf.reduce_sum(tf.cast(targets >= 0, tf.int32), 1), tf.float32)
        chosen = tf.cast(tf.random.uniform(tf.shape(counts)) * counts, tf.int32)
        positives = tf.gather(targets, chosen, batch_dims=1)
        sampled_count = self.config.retrieval.sampled_item_count
        if self.negative_rows is None:
            sampled = tf.random.uniform((sampled_count,), 0, self.item_count, tf.int32)
        else:
            chosen = tf.random.uniform((sampled_count,), 0, tf.size(self.negative_rows), tf.int32)
            sampled = tf.gather(self.negative_rows, chosen)
        batch_size = tf.size(positives)
        events = tf.maximum(features["event_rows"], 0)
        history = tf.maximum(features["history_rows"], 0)
        rows = tf.concat([positives, sampled], 0)
        # Every distinct item of the step is embedded once, however often it occurs.
        touched, position = tf.unique(
            tf.concat([rows, tf.reshape(events, (-1,)), tf.reshape(history, (-1,))], 0)
        )
        has_words = tf.gather(self.candidate_tower.has_words, touched)
        item_weight = self._item_weight(has_words, training)
        items = self.candidate_tower.of_rows(touched, item_weight, training)
        positions = tf.split(position, [tf.size(rows), tf.size(events), tf.size(history)])
        queries = self.query_embeddings(
            features,
            tf.gather(items, tf.reshape(positions[1], tf.shape(events))),
            tf.gather(items, tf.reshape(positions[2], tf.shape(history))),
            training,
        )
        # Expected count among the other examples' targets and the sampled items.
        expected = (
            tf.gather(self.target_shares, rows) * tf.cast(batch_size - 1, tf.float32)
            + sampled_count / self.item_count
        )
        return mean_cross_entropy(
            queries,
            tf.gather(items, positions[0]),
            rows,
            targets,
            temperature=self.config.retrieval.temperature,
            expected=expected if self.negative_rows is None else None,
        )


def _trimmed(features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """The features of a batch, cut to the longest example."""
    filled = {
        "event_rows": features["event_types"] != PADDING_TYPE,
        "tokens": features["tokens"] != PADDING,
        "history_rows": features["history_rows"] >= 0,
    }
    # Slots are filled from the front; one is kept even if all sessions are empty.
    longest = {
        name: tf.maximum(1, tf.reduce_max(tf.reduce_sum(tf.cast(slots, tf.int32), axis=1)))
        for name, slots in filled.items()
    }
    for name in ("event_types", "event_ages", "event_dwells"):
        longest[name] = longest["event_rows"]
    longest["history_weights"] = longest["history_rows"]
    return {
        name: column[:, : longest[name]] if name in longest else column
        for name, column in features.items()
    }
