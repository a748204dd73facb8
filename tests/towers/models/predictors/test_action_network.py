"""The network of actions: its probabilities by hand, and places that do not pass for relevance."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from towers.models.export import action_file
from towers.models.fitting import fit
from towers.models.legacy_keras import keras
from towers.models.predictors.action_network import ActionNetwork
from towers.ranking.litert_models import LiteModel


def test_an_action_is_as_likely_as_it_is_given_the_one_it_needs_times_that_one() -> None:
    keras.utils.set_random_seed(3)
    network = ActionNetwork((-1, 0, 1), np.zeros(4), np.ones(4), place_count=3)
    features = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    given = 1.0 / (1.0 + np.exp(-network.conditionals(features).numpy()))
    overall = 1.0 / (1.0 + np.exp(-network(features).numpy()))
    np.testing.assert_allclose(overall, np.cumprod(given, axis=1), rtol=1e-4)


def test_a_place_that_is_looked_at_more_does_not_make_its_items_better() -> None:
    """Clicks of a made-up log: looked at by place, clicked by relevance.

    The first feature decides the place and nothing else; the second is relevance. A network that does
    not know the places takes the first for relevance.
    """
    rng = np.random.default_rng(7)
    count = 30_000
    features = rng.normal(size=(count, 2)).astype(np.float32)
    places = np.clip(np.round(5.5 - 2.0 * features[:, 0] + 2.0 * rng.normal(size=count)), 1, 10)
    looked_at = rng.random(count) < 1.0 / places
    clicked = looked_at & (rng.random(count) < 1.0 / (1.0 + np.exp(-2.0 * features[:, 1])))
    labels = clicked[:, None].astype(np.float32)
    weights_of_place = {}
    for name, codes in (("known", places), ("unknown", np.zeros(count))):
        keras.utils.set_random_seed(1)
        network = ActionNetwork((-1,), features.mean(axis=0), features.std(axis=0), place_count=11)
        columns = {"features": features, "places": codes.astype(np.int32), "labels": labels}
        none = {key: value[:0] for key, value in columns.items()}
        fit(
            network,
            columns,
            none,
            batch_size=512,
            epoch_limit=8,
            patience=8,
            learning_rate=0.01,
            seed=1,
        )
        effects = network.make_places_neutral(columns["places"])
        steps = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]], np.float32)
        left, right, worse, better = network(steps).numpy()[:, 0]
        weights_of_place[name] = (right - left) / (better - worse)
        if name == "known":
            assert effects[1] > effects[3] > effects[6] > effects[10]
            weights = np.bincount(columns["places"], minlength=11)
            assert effects @ weights == pytest.approx(0.0, abs=1e-2 * count / 100)
    assert weights_of_place["unknown"] > 0.3
    assert abs(weights_of_place["known"]) < 0.4 * weights_of_place["unknown"]


@pytest.mark.parametrize("parents", [(-1,), (-1, 0), (-1, 0, 0, 0, 3)], ids=len)
def test_the_exported_network_says_what_the_network_says_for_any_number_of_rows(
    parents: tuple[int, ...],
) -> None:
    keras.utils.set_random_seed(4)
    network = ActionNetwork(parents, np.zeros(6), np.ones(6), place_count=1)
    with warnings.catch_warnings():
        # TensorFlow's converter raises warnings of its own.
        warnings.simplefilter("ignore")
        content = action_file(network, 6, 128)
    model = LiteModel(content)
    for count in (32, 256, 4_096):
        features = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
        expected = network(features).numpy()
        np.testing.assert_allclose(model.run(features=features), expected, atol=1e-4)
