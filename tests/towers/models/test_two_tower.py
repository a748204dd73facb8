"""The towers on sessions of ids alone: loss, batches, encoders and their export."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from data.errors import ConfigError
from towers.config import Config, config_from
from towers.datasets.examples import Examples, joined
from towers.models.export import query_tower_file
from towers.models.fitting import batches
from towers.models.legacy_keras import keras
from towers.models.session_encoders import SESSION_ENCODERS
from towers.models.two_tower import TwoTower
from towers.ranking.litert_models import LiteModel, QueryEncoder
from towers.sessions.query_input import PADDING_TYPE, QueryInput
from towers.training.tower_training import refresh_towers, train_towers

_ITEM_COUNT = 40
_VIEW = 2


def _config(encoder: str = "transformer") -> Config:
    shape = {"session_encoder": encoder, "dim": 16, "event_slot_count": 6, "feedforward_dim": 24}
    return config_from({"towers": shape, "text": {"bucket_count": 64}})


def _sessions(config: Config, lengths: list[int]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    count, slots = len(lengths), config.towers.event_slot_count
    rows = np.full((count, slots), -1, np.int32)
    types = np.full((count, slots), PADDING_TYPE, np.int32)
    for session, length in enumerate(lengths):
        rows[session, :length] = rng.integers(0, _ITEM_COUNT, length)
        types[session, :length] = _VIEW
    history = (count, config.towers.history_slot_count)
    return {
        "event_rows": rows,
        "event_types": types,
        "event_ages": (types != PADDING_TYPE) * np.float32(0.3),
        "event_dwells": (types != PADDING_TYPE) * np.float32(0.4),
        "text_slot": np.full(count, -1, np.int32),
        "tokens": np.zeros((count, config.text.query_slot_count), np.int32),
        "history_rows": np.full(history, -1, np.int32),
        "history_weights": np.zeros(history, np.float32),
    }


def _model(config: Config) -> TwoTower:
    model = TwoTower(config, np.zeros((_ITEM_COUNT, config.text.item_slot_count), np.int32))
    table = model.candidate_tower.item_table
    table.assign(np.random.default_rng(5).normal(size=table.shape))
    return model


def _queries(model: TwoTower, inputs: dict[str, np.ndarray]) -> tf.Tensor:
    items = model.candidate_tower.all()
    return model.query_embeddings(
        inputs,
        tf.gather(items, np.maximum(inputs["event_rows"], 0)),
        tf.gather(items, np.maximum(inputs["history_rows"], 0)),
    )


def test_the_loss_and_its_gradients_are_those_of_softmax_cross_entropy_over_all_items() -> None:
    config = _config()
    model, inputs = _model(config), _sessions(config, [1, 6, 3, 2, 4])
    relevant = np.array([7, 0, 39, 7, 12], np.int32)
    targets = np.full((5, 3), -1, np.int32)
    targets[:, 0] = relevant
    features = {name: tf.constant(column) for name, column in inputs.items()}
    table = model.candidate_tower.item_table
    with tf.GradientTape() as tape:
        loss = model.compute_loss({**features, "targets": tf.constant(targets)})
    gradients = tf.convert_to_tensor(tape.gradient(loss, table))
    with tf.GradientTape() as tape:
        queries, items = _queries(model, inputs), model.candidate_tower.all()
        scores = tf.matmul(queries, items, transpose_b=True) / config.retrieval.temperature
        plain = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(relevant, scores))
    plain_gradients = tf.convert_to_tensor(tape.gradient(plain, table))
    assert float(loss) == pytest.approx(float(plain), rel=1e-5)
    np.testing.assert_allclose(gradients, plain_gradients, atol=1e-5)


def test_several_targets_of_one_example_share_its_weight() -> None:
    config = _config()
    model, inputs = _model(config), _sessions(config, [2, 5])
    features = {name: tf.constant(column) for name, column in inputs.items()}
    loss = model.compute_loss({**features, "targets": tf.constant([[3, 9, 30], [12, -1, -1]])})
    labels = np.zeros((2, _ITEM_COUNT))
    labels[0, [3, 9, 30]] = 1 / 3
    labels[1, 12] = 1.0
    queries, items = _queries(model, inputs).numpy(), model.candidate_tower.all().numpy()
    scores = queries.astype(np.float64) @ items.T / config.retrieval.temperature
    log_shares = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    assert float(loss) == pytest.approx(-(labels * log_shares).sum() / 2, rel=1e-5)


def test_the_gradient_over_sampled_items_is_that_over_all_items_on_average() -> None:
    """Also where one item is most of the targets, and is expected many times in a step."""
    relevant = np.array([7] * 36 + list(range(8, 32)), np.int32)
    shares = np.bincount(relevant, minlength=_ITEM_COUNT) / len(relevant)
    gradients = {}
    for name, limit in (("full", _ITEM_COUNT), ("sampled", _ITEM_COUNT - 1)):
        settings = {"full_softmax_item_limit": limit, "sampled_item_count": 2_000}
        config = config_from({"retrieval": settings}, _config("dnn"))
        keras.utils.set_random_seed(3)
        model = TwoTower(
            config, np.zeros((_ITEM_COUNT, config.text.item_slot_count), np.int32), shares
        )
        table = model.candidate_tower.item_table
        table.assign(np.random.default_rng(5).normal(size=table.shape))
        inputs = _sessions(config, [1 + number % 6 for number in range(len(relevant))])
        features = {n: tf.constant(c) for n, c in inputs.items()}
        features["targets"] = tf.constant(relevant[:, None])
        steps = []
        for _ in range(20):
            with tf.GradientTape() as tape:
                loss = model.compute_loss(features)
            steps.append(tf.convert_to_tensor(tape.gradient(loss, table)).numpy())
        gradients[name] = np.mean(steps, axis=0)
    error = np.linalg.norm(gradients["sampled"] - gradients["full"])
    assert error < 0.05 * np.linalg.norm(gradients["full"])


@pytest.mark.parametrize("has_log", [True, False])
def test_the_last_pass_expects_the_targets_that_it_draws(has_log: bool) -> None:
    config = config_from({"retrieval": {"epoch_limit": 1}}, _config("dnn"))
    tokens = np.ones((_ITEM_COUNT, config.text.item_slot_count), np.int32)
    inputs = _sessions(config, [1, 2] * 20)
    first, later = (Examples(inputs, np.full((40, 1), row, np.int32)) for row in (3, 5))
    model, _ = train_towers(first, first.part(slice(0)), tokens, config, has_log=has_log)
    both = joined([first, later])
    refresh_towers(model, both, config)
    shares = np.zeros(_ITEM_COUNT)
    shares[[3, 5]] = 0.5
    assert model.target_shares.numpy().tolist() == shares.tolist()
    if not has_log:
        assert model.negative_rows is not None
        assert np.bincount(model.negative_rows.numpy()).tolist() == [0, 0, 0, 40, 0, 40]


def test_a_batch_of_sessions_without_any_event_can_be_learnt_from() -> None:
    config = _config()
    features = {n: tf.constant(c) for n, c in _sessions(config, [0, 0, 0]).items()}
    features["targets"] = tf.constant([[3], [5], [8]])
    model = _model(config)
    assert np.isfinite(float(model.compute_loss(features, training=True)))
    lengths = np.linalg.norm(_queries(model, _sessions(config, [0, 1])), axis=1)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-5)


def test_items_without_words_keep_their_own_vectors_when_ids_are_hidden() -> None:
    config = config_from({"retrieval": {"id_dropout": 1.0, "type_dropout": 0.0}, "seed": 1})
    model = TwoTower(config, np.zeros((_ITEM_COUNT, config.text.item_slot_count), np.int32))
    weight = model._item_weight(model.candidate_tower.has_words, training=True)
    assert float(tf.reduce_min(weight)) == 1.0


@pytest.mark.parametrize("encoder", sorted(SESSION_ENCODERS))
def test_slots_that_a_session_does_not_fill_change_nothing(encoder: str) -> None:
    config = _config(encoder)
    model, inputs = _model(config), _sessions(config, [2, 1, 3])
    short = {n: c[:, :3] if n.startswith("event_") else c for n, c in inputs.items()}
    np.testing.assert_allclose(_queries(model, inputs), _queries(model, short), atol=1e-5)


@pytest.mark.parametrize("encoder", sorted(SESSION_ENCODERS))
def test_an_exported_encoder_answers_as_the_trained_one(encoder: str) -> None:
    config = _config(encoder)
    model, inputs = _model(config), _sessions(config, [2, 6])
    lite = QueryEncoder(LiteModel(query_tower_file(model.query_tower, config)))
    items = model.candidate_tower.all().numpy()
    for at, query in enumerate(_queries(model, inputs).numpy()):
        one = QueryInput(**{name: column[at] for name, column in inputs.items()})
        assert float(lite.encode(one, items) @ query) > 0.999


def test_an_unknown_encoder_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="session_encoder: expected one of .*, received 'lstm'"):
        TwoTower(_config("lstm"), np.zeros((4, 32), np.int32))


def test_batches_of_like_length_hold_every_example_once_and_little_padding() -> None:
    lengths = np.random.default_rng(1).integers(1, 20, 1_000).astype(np.int32)
    columns = {"number": np.arange(1_000), "length": lengths}
    parts = list(batches(columns, 50, shuffle_seed=4, lengths=lengths))
    numbers = np.concatenate([part["number"] for part in parts])
    assert sorted(numbers) == list(range(1_000))
    padded = sum(int(tf.reduce_max(part["length"])) * len(part["length"]) for part in parts)
    assert padded < 1.1 * lengths.sum()


@pytest.mark.parametrize(("step_limit", "epoch_count"), [(1, 1), (17, 3), (1_000, 5)])
def test_training_ends_with_the_epoch_that_reaches_the_step_limit(
    step_limit: int, epoch_count: int
) -> None:
    settings = {"batch_size": 50, "epoch_limit": 5, "step_limit": step_limit}
    config = config_from({"retrieval": settings}, _config("dnn"))
    inputs = _sessions(config, [1, 2] * 200)
    targets = np.random.default_rng(4).integers(0, _ITEM_COUNT, (400, 1)).astype(np.int32)
    examples = Examples(inputs, targets)
    tokens = np.zeros((_ITEM_COUNT, config.text.item_slot_count), np.int32)
    # 400 examples are 8 steps of 50.
    _, curves = train_towers(examples, examples.part(slice(0)), tokens, config)
    assert len(curves.training) == epoch_count
