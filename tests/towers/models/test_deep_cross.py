"""The reranker as a residual on the fixed rule, by its scores of made features."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pytest

from towers.config import RerankConfig
from towers.models.deep_cross import DeepCross, ListwiseReranker, list_loss
from towers.models.export import reranker_file
from towers.models.legacy_keras import keras, tf
from towers.ranking.features import FEATURE_NAMES, IS_SEARCH, SEARCH_SCORE
from towers.ranking.litert_models import LiteModel, Reranker

_WIDTH = len(FEATURE_NAMES)
_SCORE, _SEARCH = FEATURE_NAMES.index(SEARCH_SCORE), FEATURE_NAMES.index(IS_SEARCH)
_COUNT = 40


def features(*, is_search: bool) -> np.ndarray:
    rows = np.random.default_rng(5).normal(size=(_COUNT, _WIDTH)).astype(np.float32)
    rows[:, _SEARCH] = is_search
    return rows


def model(*, is_trained: bool) -> DeepCross:
    keras.utils.set_random_seed(3)
    made = DeepCross(RerankConfig(), np.zeros(_WIDTH, np.float32), np.ones(_WIDTH, np.float32))
    made(tf.zeros((1, _WIDTH)))
    if is_trained:
        teach(made)
    return made


def teach(made: DeepCross) -> None:
    """Random weights, which stand for what the members may have learnt."""
    rng = np.random.default_rng(2)
    for member in made.members:
        kernel, bias = member.logit.get_weights()
        member.logit.set_weights([rng.normal(size=kernel.shape), bias + 0.5])


def test_an_untrained_model_ranks_searches_as_the_rule_does() -> None:
    rows = features(is_search=True)
    scores = model(is_trained=False)(rows).numpy()
    assert scores.shape == (_COUNT,)
    assert np.array_equal(np.argsort(-scores), np.argsort(-rows[:, _SCORE]))


def test_the_rule_has_no_part_in_browse_pages() -> None:
    rows = features(is_search=False)
    assert not model(is_trained=False)(rows).numpy().any()
    assert not model(is_trained=True).rule(rows).numpy().any()


def test_what_is_learnt_is_added_to_the_rule() -> None:
    rows, trained = features(is_search=True), model(is_trained=True)
    residual = trained(rows).numpy() - trained.rule(rows).numpy()
    assert not np.array_equal(
        np.argsort(-trained(rows).numpy()), np.argsort(-trained.rule(rows).numpy())
    )
    trained.search_share.assign(0.25)
    quarter = trained(rows).numpy() - trained.rule(rows).numpy()
    assert quarter == pytest.approx(residual / 4, abs=1e-4)


def test_a_share_of_zero_is_the_rule_alone_in_searches_and_nothing_else_in_browse_pages() -> None:
    searches, pages, trained = (
        features(is_search=True),
        features(is_search=False),
        model(is_trained=True),
    )
    before = trained(pages).numpy()
    trained.search_share.assign(0.0)
    assert trained(searches).numpy() == pytest.approx(trained.rule(searches).numpy())
    assert np.array_equal(np.argsort(-trained(searches).numpy()), np.argsort(-searches[:, _SCORE]))
    assert np.array_equal(trained(pages).numpy(), before) and before.std() > 0


def test_the_rule_never_counts_against_a_search_score() -> None:
    rows, trained = features(is_search=True), model(is_trained=False)
    trained.rule_weight.assign(-1.0)
    assert not trained.rule(rows).numpy().any()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.0])
def test_the_exported_model_agrees(share: float) -> None:
    trained = model(is_trained=True)
    trained.search_share.assign(share)
    with warnings.catch_warnings():
        # TensorFlow's converter raises warnings of its own.
        warnings.simplefilter("ignore")
        exported = Reranker(LiteModel(reranker_file(trained, _WIDTH, _COUNT)))
    for is_search in (True, False):
        rows = features(is_search=is_search)
        assert exported.scores(rows) == pytest.approx(trained(rows).numpy(), abs=1e-3)


def test_a_constant_feature_has_no_influence() -> None:
    keras.utils.set_random_seed(3)
    deviation = np.ones(_WIDTH, np.float32)
    constant = next(at for at in range(_WIDTH) if at not in (_SCORE, _SEARCH))
    deviation[constant] = 0.0
    made = DeepCross(RerankConfig(), np.zeros(_WIDTH, np.float32), deviation)
    made(tf.zeros((1, _WIDTH)))
    teach(made)
    rows = features(is_search=False)
    moved = rows.copy()
    moved[:, constant] += 7.0
    assert np.array_equal(made(moved).numpy(), made(rows).numpy())


def test_the_residual_is_the_mean_of_members_of_which_the_first_has_crosses() -> None:
    rows, trained = features(is_search=False), model(is_trained=True)
    assert [len(member.crosses) for member in trained.members] == [2, 0, 0]
    each = [one.numpy() for one in trained.residuals(rows)]
    assert trained(rows).numpy() == pytest.approx(np.mean(each, axis=0), abs=1e-5)
    assert min(np.abs(one - other).max() for one, other in combinations(each, 2)) > 0.1


def test_members_learn_each_from_its_own_loss_and_are_validated_together() -> None:
    trained = model(is_trained=True)
    rows = np.stack([features(is_search=True), features(is_search=False)])
    labels = np.zeros((2, _COUNT), np.float32)
    labels[:, :3] = 1.0
    lists = {"features": rows, "labels": labels, "present": np.ones(labels.shape, bool)}
    # Dropout would make the loss a matter of chance.
    for member in trained.members:
        member.dropout.rate = 0.0
    reranker = ListwiseReranker(trained)
    tensors = {name: tf.constant(column) for name, column in lists.items()}
    of_members = [
        [trained.rule(of_list) + trained.residuals(of_list)[number] for of_list in rows]
        for number in range(3)
    ]
    losses = [by_hand(np.stack(scores), labels) for scores in of_members]
    assert float(reranker.compute_loss(tensors, training=True)) == pytest.approx(
        np.mean(losses), rel=1e-4
    )
    together = by_hand(np.stack([trained(of_list) for of_list in rows]), labels)
    assert float(reranker.compute_loss(tensors)) == pytest.approx(together, rel=1e-4)
    assert together < np.mean(losses)


def by_hand(scores: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy of the softmax over each list, the gains shared out."""
    shares = np.exp(scores.astype(np.float64))
    shares /= shares.sum(axis=1, keepdims=True)
    gains = labels / labels.sum(axis=1, keepdims=True)
    return float(-(gains * np.log(shares)).sum(axis=1).mean())


def test_the_loss_of_a_list_is_cross_entropy_over_the_items_that_are_there() -> None:
    scores = tf.constant([[1.0, 2.0, 50.0], [0.0, 0.0, 0.0]])
    labels = tf.constant([[0.0, 1.0, 0.0], [3.0, 0.0, 1.0]])
    present = tf.constant([[True, True, False], [True, True, True]])
    first = np.log(np.exp(1.0) + np.exp(2.0)) - 2.0
    # Three quarters and one quarter of the gain, each with a third of the probability.
    second = np.log(3.0)
    assert float(list_loss(scores, labels, present)) == pytest.approx(
        (first + second) / 2, rel=1e-5
    )
