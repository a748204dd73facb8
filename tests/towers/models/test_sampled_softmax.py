"""The loss over sampled items, held against TensorFlow Recommenders, plain sums and all items."""

from __future__ import annotations

import math

import numpy as np
import pytest

from towers.models.legacy_keras import keras, tf, tfrs
from towers.models.sampled_softmax import mean_cross_entropy
from towers.training.tower_training import target_shares

TEMPERATURE = 0.5


@pytest.fixture
def context() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return (
        rng.normal(size=(3, 4)).astype(np.float32),
        rng.normal(size=(7, 4)).astype(np.float32),
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
    # Row 12 is the target of two queries and sampled once more.
    rows = [11, 12, 12, 14, 15, 12, 17]
    # Probabilities, as that library expects them; it would take a count above 1 for 1.
    expected = np.array([0.9, 0.5, 0.5, 0.7, 0.1, 0.5, 0.001], np.float32)
    task = tfrs.tasks.Retrieval(
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        temperature=TEMPERATURE,
        # Without the correction a repeat of the target is a false negative.
        remove_accidental_hits=not has_correction,
    )
    # The mean over three queries of what it sums up.
    want = task(
        queries,
        candidates,
        candidate_sampling_probability=tf.constant(expected) if has_correction else None,
        candidate_ids=tf.constant(rows),
        compute_metrics=False,
    )
    got = loss(queries, candidates, rows, [[11], [12], [12]], expected if has_correction else None)
    assert got == pytest.approx(float(want), rel=1e-5)


def test_a_candidate_that_is_expected_often_weighs_as_much_less_however_often_that_is(
    context: tuple[np.ndarray, np.ndarray],
) -> None:
    queries, candidates = context
    rows = [11, 12, 12, 14, 15, 12, 17]
    expected = [0.9, 30.0, 30.0, 1.7, 250.0, 30.0, 1e-9]
    total = 0.0
    for number, query in enumerate(queries):
        weights = [
            math.exp(float(query.astype(np.float64) @ candidate) / TEMPERATURE) / count
            for candidate, count in zip(candidates.astype(np.float64), expected, strict=True)
        ]
        total -= math.log(weights[number] / sum(weights))
    got = loss(queries, candidates, rows, [[11], [12], [12]], np.array(expected, np.float32))
    assert got == pytest.approx(total / 3, rel=1e-5)


@pytest.mark.parametrize("relevant", [0, 1, 9])
def test_the_candidates_of_many_steps_stand_for_the_whole_catalogue(relevant: int) -> None:
    """Their corrected powers sum to those of all items: on average, whatever the sampling."""
    rng = np.random.default_rng(6)
    item_count, other_count, sampled_count = 10, 40, 20
    items = rng.normal(size=(item_count, 3)).astype(np.float32)
    query = rng.normal(size=(1, 3)).astype(np.float32)
    # The first item is most of the targets, the last few are never targets.
    shares = np.array([0.6, 0.2, 0.1, 0.05, 0.03, 0.02, 0.0, 0.0, 0.0, 0.0])
    expected = other_count * shares + sampled_count / item_count
    powers = np.exp((items.astype(np.float64) @ query[0]) / TEMPERATURE)
    own = powers[relevant] / expected[relevant]
    sums = []
    for _ in range(500):
        others = rng.choice(item_count, other_count, p=shares)
        sampled = rng.integers(0, item_count, sampled_count)
        rows = np.concatenate([[relevant], others, sampled])
        value = loss(
            query, items[rows], rows.tolist(), [[relevant]], expected[rows].astype(np.float32)
        )
        # The loss is the logarithm of the sum over the share of the target itself.
        sums.append(math.exp(value) * own - own)
    error = float(np.std(sums)) / math.sqrt(len(sums))
    assert float(np.mean(sums)) == pytest.approx(float(powers.sum()), abs=4 * error)
    assert error < 0.03 * powers.sum()


def test_the_share_of_an_item_is_how_often_a_step_draws_it_as_a_target() -> None:
    targets = np.array([[0, 1, -1], [1, -1, -1], [2, 0, 1], [4, -1, -1]], np.int32)
    thirds = [1 / 2 + 1 / 3, 1 / 2 + 1 + 1 / 3, 1 / 3, 0, 1, 0]
    assert target_shares(targets, 6).tolist() == pytest.approx([one / 4 for one in thirds])
    assert target_shares(targets[:0], 6).tolist() == [0.0] * 6


def test_further_targets_of_a_query_are_no_negatives(
    context: tuple[np.ndarray, np.ndarray],
) -> None:
    queries, candidates = context
    rows = [11, 12, 13, 14, 15, 16, 17]
    targets = [[11, 15, 13], [17, 12, -1], [13, -1, -1]]
    negatives = [[0, 1, 3, 5, 6], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6]]
    total = 0.0
    for number, positions in enumerate(negatives):
        scores = [
            sum(
                float(q) * float(c)
                for q, c in zip(queries[number], candidates[position], strict=True)
            )
            / TEMPERATURE
            for position in range(7)
        ]
        total += (
            math.log(sum(math.exp(scores[position]) for position in positions)) - scores[number]
        )
    assert loss(queries, candidates, rows, targets) == pytest.approx(total / 3, rel=1e-5)


def test_a_query_without_any_negative_has_nothing_to_learn(
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
    for gradient in tape.gradient(value, [query, candidates]):
        assert np.abs(gradient.numpy()).max() == pytest.approx(0.0, abs=1e-6)
