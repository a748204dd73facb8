"""The loss over sampled items, held against TensorFlow Recommenders and against plain sums."""

from __future__ import annotations

import math

import numpy as np
import pytest

from towers.models.legacy_keras import keras, tf, tfrs
from towers.models.sampled_softmax import mean_cross_entropy

TEMPERATURE = 0.5


@pytest.fixture
def context() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(4)
    return (
        draw.normal(size=(3, 4)).astype(np.float32),
        draw.normal(size=(7, 4)).astype(np.float32),
    )


def loss(
    queries: np.ndarray,
    candidates: np.ndarray,
    rows: list[int],
    targets: list[list[int]],
    expected: np.ndarray | None = None,
) -> float:
    return float(
        mean_cross_entropy(
            tf.constant(queries),
            tf.constant(candidates),
            tf.constant(rows, tf.int32),
            tf.constant(targets, tf.int32),
            temperature=TEMPERATURE,
            expected=None if expected is None else tf.constant(expected),
        )
    )


@pytest.mark.parametrize("has_correction", [False, True])
def test_with_one_target_a_query_it_is_the_loss_of_tensorflow_recommenders(
    context: tuple[np.ndarray, np.ndarray], has_correction: bool
) -> None:
    queries, candidates = context
    # Row 12 is wanted by two queries and sampled once more: no rival of either.
    rows = [11, 12, 12, 14, 15, 12, 17]
    expected = np.array([0.9, 0.5, 0.5, 1.7, 0.1, 0.5, 1e-9], np.float32)
    task = tfrs.tasks.Retrieval(
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        temperature=TEMPERATURE,
        remove_accidental_hits=True,
    )
    want = task(
        queries,
        candidates,
        candidate_sampling_probability=tf.constant(expected) if has_correction else None,
        candidate_ids=tf.constant(rows),
        compute_metrics=False,
    )
    got = loss(queries, candidates, rows, [[11], [12], [12]], expected if has_correction else None)
    assert got == pytest.approx(float(want), rel=1e-5)


def test_what_a_query_wants_as_well_is_no_rival(context: tuple[np.ndarray, np.ndarray]) -> None:
    queries, candidates = context
    rows = [11, 12, 13, 14, 15, 16, 17]
    targets = [[11, 15, 13], [17, 12, -1], [13, -1, -1]]
    rivals = [[0, 1, 3, 5, 6], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6]]
    total = 0.0
    for number, places in enumerate(rivals):
        scores = [
            sum(
                float(q) * float(c) for q, c in zip(queries[number], candidates[place], strict=True)
            )
            / TEMPERATURE
            for place in range(7)
        ]
        total += math.log(sum(math.exp(scores[place]) for place in places)) - scores[number]
    assert loss(queries, candidates, rows, targets) == pytest.approx(total / 3, rel=1e-5)


def test_a_query_without_any_rival_has_nothing_to_learn(
    context: tuple[np.ndarray, np.ndarray],
) -> None:
    query, candidates = tf.Variable(context[0][:1]), tf.Variable(context[1][:2])
    with tf.GradientTape() as tape:
        value = mean_cross_entropy(
            query,
            candidates,
            tf.constant([1, 2]),
            tf.constant([[1, 2]]),
            temperature=TEMPERATURE,
            expected=None,
        )
    assert float(value) == pytest.approx(0.0, abs=1e-6)
    for slope in tape.gradient(value, [query, candidates]):
        assert np.abs(slope.numpy()).max() == pytest.approx(0.0, abs=1e-6)
