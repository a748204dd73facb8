"""Turns the trained models into LiteRT files, in float32.

At these sizes int8 weights are slower, not faster (query tower 106 against 55 µs, reranker 91
against 36 µs for 128 candidates), and they swap near-equal items of the top 10 in one request of ten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from towers.config import Config
from towers.models.candidate_tower import CandidateTower
from towers.models.deep_cross import DeepCross
from towers.models.images.fisher_vectors import FisherHeads
from towers.models.images.image_network import ImageNetwork, told_vectors
from towers.models.legacy_keras import tf
from towers.models.predictors.action_network import ActionNetwork
from towers.models.two_tower import QueryTower


def query_tower_file(tower: QueryTower, config: Config) -> bytes:
    """The query tower for one session: inputs named as ``QueryTower.call`` names them."""
    shape, slots = config.towers, config.towers.event_slot_count
    signature = {
        "event_embeddings": tf.TensorSpec((1, slots, shape.dim), tf.float32),
        "event_types": tf.TensorSpec((1, slots), tf.int32),
        "event_ages": tf.TensorSpec((1, slots), tf.float32),
        "event_dwells": tf.TensorSpec((1, slots), tf.float32),
        "text_slot": tf.TensorSpec((1,), tf.int32),
        "tokens": tf.TensorSpec((1, config.text.query_slot_count), tf.int32),
        "taste": tf.TensorSpec((1, shape.dim), tf.float32),
    }
    return _converted(lambda **inputs: {"query": tower(inputs)}, signature, tower)


def candidate_tower_file(tower: CandidateTower, config: Config) -> bytes:
    """The candidate tower for one item without an ID embedding: ``tokens [1, slots]``."""

    def encode(tokens: tf.Tensor) -> dict[str, tf.Tensor]:
        # Written with a gather: one item is small, and the segment operation has no LiteRT kernel.
        present = tf.cast(tokens != 0, tf.float32)[..., None]
        total = tf.reduce_sum(tf.gather(tower.token_table, tokens) * present, axis=1)
        mean = total / tf.maximum(tf.reduce_sum(present, axis=1), 1.0)
        return {"item": tf.math.l2_normalize(mean, axis=-1)}

    signature = {"tokens": tf.TensorSpec((1, config.text.item_slot_count), tf.int32)}
    return _converted(encode, signature, tower)


def image_networks_file(
    networks: Sequence[ImageNetwork], sides: tuple[int, int], fisher: FisherHeads | None = None
) -> bytes:
    """Networks, and classifiers of Fisher vectors, as one.

    ``pictures [n, height, width, channels]``, levels of 0 to 1, to unit rows.
    """
    shape = (None, *sides, networks[0].shape.channels)
    signature = {"pictures": tf.TensorSpec(shape, tf.float32)}
    owner = tf.Module()
    owner.networks = list(networks)
    return _converted(
        lambda pictures: {"vectors": told_vectors(networks, pictures, fisher)}, signature, owner
    )


def reranker_file(model: DeepCross, feature_count: int, batch_size: int) -> bytes:
    """The reranker for ``features [batch_size, feature_count]``."""
    signature = {"features": tf.TensorSpec((batch_size, feature_count), tf.float32)}
    return _converted(lambda features: {"scores": model(features)}, signature, model)


def action_file(network: ActionNetwork, feature_count: int, batch_size: int) -> bytes:
    """The network of actions for ``features [batch_size, feature_count]``."""
    signature = {"features": tf.TensorSpec((batch_size, feature_count), tf.float32)}
    return _converted(lambda features: {"logits": network(features)}, signature, network)


def _converted(
    function: Callable[..., dict[str, tf.Tensor]],
    signature: dict[str, tf.TensorSpec],
    owner: tf.Module,
) -> bytes:
    concrete = tf.function(function).get_concrete_function(**signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)
    content: bytes = converter.convert()
    return content
