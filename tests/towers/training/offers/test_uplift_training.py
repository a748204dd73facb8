"""The learner of uplift finds a planted effect, also where the keen were chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from towers.offers.offer_features import FEATURE_NAMES
from towers.training.offers.uplift_training import (
    can_learn,
    fit_uplift,
    propensities,
    pseudo_effects,
)
from towers.training.offers.uplift_trials import UpliftCases


def planted(count: int, seed: int) -> tuple[UpliftCases, np.ndarray]:
    """Keen visitors buy anyway and have the offer more often; it moves those with a second trait."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, len(FEATURE_NAMES))).astype(np.float32)
    keen, moved = features[:, 0] > 0, features[:, 1] > 0
    treated = rng.random(count) < np.where(keen, 0.75, 0.25)
    effects = np.where(moved, 0.3, 0.0)
    outcomes = rng.random(count) < 0.1 + 0.4 * keen + treated * effects
    return UpliftCases(features, treated, outcomes, np.arange(count)), effects


def test_a_planted_effect_is_recovered_and_the_choice_of_the_keen_is_not_mistaken_for_it() -> None:
    cases, effects = planted(12_000, 1)
    naive = cases.outcomes[cases.treated].mean() - cases.outcomes[~cases.treated].mean()
    assert naive > 0.3
    assert pseudo_effects(cases, seed=1).mean() == pytest.approx(effects.mean(), abs=0.03)
    others, truth = planted(4_000, 2)
    told = fit_uplift(cases, seed=1).scores(others.features)
    assert told[truth > 0].mean() == pytest.approx(0.3, abs=0.05)
    assert told[truth == 0].mean() == pytest.approx(0.0, abs=0.05)
    assert np.corrcoef(told, truth)[0, 1] > 0.8


def test_propensities_follow_who_was_chosen() -> None:
    cases, _ = planted(6_000, 3)
    chance = 1.0 / (1.0 + np.exp(-1.5 * cases.features[:, 0]))
    chosen = np.random.default_rng(3).random(6_000) < chance
    found = propensities(replace(cases, treated=chosen))
    assert np.abs(found - np.clip(chance, 0.05, 0.95)).mean() < 0.03
    assert 0.05 <= found.min() <= found.max() <= 0.95


def test_one_side_alone_teaches_nothing() -> None:
    cases, _ = planted(1_000, 4)
    assert can_learn(cases)
    assert not can_learn(None)
    everybody = np.ones(1_000, bool)
    assert not can_learn(UpliftCases(cases.features, everybody, cases.outcomes, cases.visitors))
    nobody_bought = np.zeros(1_000, bool)
    assert not can_learn(UpliftCases(cases.features, cases.treated, nobody_bought, cases.visitors))
