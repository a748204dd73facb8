"""How much of the reranker is served, chosen on lists whose best order is known."""

from __future__ import annotations

import numpy as np
import pytest

from data.synthetic import END_TIME
from tests.towers import shelf
from towers.config import RerankConfig
from towers.datasets.head_queries import head_queries
from towers.datasets.ranking_lists import Lists
from towers.models.deep_cross import DeepCross
from towers.models.legacy_keras import keras, tf
from towers.ranking.features import FEATURE_NAMES, IS_SEARCH, SEARCH_SCORE
from towers.training.search_share import SHARES, SearchShare, choose_search_share

_WIDTH = len(FEATURE_NAMES)
_SCORE, _SEARCH = FEATURE_NAMES.index(SEARCH_SCORE), FEATURE_NAMES.index(IS_SEARCH)
_SIGNAL = FEATURE_NAMES.index("price")
_LENGTH = 8


def model(weight: float, feature: int = _SIGNAL) -> DeepCross:
    """A reranker whose residual is ``weight`` times one feature."""
    keras.utils.set_random_seed(3)
    deviation = np.zeros(_WIDTH, np.float32)
    deviation[feature] = 1.0
    made = DeepCross(RerankConfig(member_count=1), np.zeros(_WIDTH, np.float32), deviation)
    made(tf.zeros((1, _WIDTH)))
    (member,) = made.members
    for cross in member.crosses:
        cross.set_weights([np.zeros_like(one) for one in cross.get_weights()])
    kernel, bias = member.logit.get_weights()
    kernel[:] = 0.0
    kernel[feature] = weight
    member.logit.set_weights([kernel, np.zeros_like(bias)])
    return made


def lists(count: int, *, is_search: bool = True) -> Lists:
    """The gain is the signal; the rule knows nothing but noise."""
    rng = np.random.default_rng(4)
    features = np.zeros((count, _LENGTH, _WIDTH), np.float32)
    features[..., _SIGNAL] = rng.random((count, _LENGTH))
    features[..., _SCORE] = 0.2 * rng.random((count, _LENGTH))
    features[..., _SEARCH] = is_search
    labels = features[..., _SIGNAL].copy()
    return Lists(features, labels, np.ones(labels.shape, bool))


def chosen(reranker: DeepCross, validation: Lists, *, is_taught: bool = True) -> SearchShare:
    return choose_search_share(
        reranker, shelf.ranker(), validation, [], is_taught=is_taught, time=END_TIME
    )


def test_a_good_reranker_is_served_whole_without_a_warning() -> None:
    good = model(5.0)
    found = chosen(good, lists(60))
    assert found.share == float(good.search_share) == 1.0
    assert found.warnings == []
    assert found.values[0] > found.values[-1] and found.count == 60


def test_a_reranker_that_does_harm_is_not_served_in_searches_and_the_engineer_is_told() -> None:
    harmful = model(-5.0)
    found = chosen(harmful, lists(60))
    assert found.share == float(harmful.search_share) == 0.0
    (warning,) = found.warnings
    assert "searches are served with 0 of the reranker" in warning and "60" in warning
    assert found.values[-1] == max(found.values)


@pytest.mark.parametrize("weight", [5.0, -5.0])
def test_what_nobody_taught_and_nothing_was_tried_on_is_not_served(weight: float) -> None:
    reranker = model(weight)
    assert chosen(reranker, lists(60), is_taught=False).share == 0.0
    assert float(reranker.search_share) == 0.0


def test_title_precision_decides_where_nobody_taught() -> None:
    ranker = shelf.ranker()
    queries = head_queries(ranker.sources.catalog, limit=8, seed=1)
    nothing = lists(0)
    shares = {}
    # One agrees with the rule, the other turns it round even where a quarter of it is served.
    for weight in (20.0, -200.0):
        found = choose_search_share(
            model(weight, _SCORE), ranker, nothing, queries, is_taught=False, time=END_TIME
        )
        assert found.measure.startswith("title precision") and found.count >= 50
        shares[weight] = found.share
        assert all(len(values) == len(SHARES) for values in found.precisions.values())
    assert shares == {20.0: 1.0, -200.0: 0.0}


def test_the_report_holds_what_was_compared() -> None:
    report = chosen(model(5.0), lists(60)).report()
    assert tuple(report["shares"]) == SHARES and len(report["values"]) == len(SHARES)
    assert report["measure"] == "NDCG@10"
