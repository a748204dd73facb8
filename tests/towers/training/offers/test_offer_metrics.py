"""AUC, hit rate and Qini against counting pairs, drawing by lot and sums by hand."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from towers.training.offers.offer_metrics import (
    Trials,
    auc,
    effects_by_part,
    is_hit,
    qini,
    qini_curve,
)


def test_auc_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        labels = rng.random(30) < 0.3
        scores = rng.integers(0, 6, 30).astype(np.float64)
        pairs = list(product(scores[labels], scores[~labels]))
        expected = sum((one > two) + 0.5 * (one == two) for one, two in pairs) / max(1, len(pairs))
        assert auc(labels, scores) == pytest.approx(expected if pairs else 0.5)


def test_auc_of_one_kind_alone_is_chance() -> None:
    assert auc(np.array([True, True]), np.array([1.0, 2.0])) == 0.5


def test_a_hit_is_the_chance_of_one_among_the_best_ties_by_lot() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        count = int(rng.integers(1, 9))
        labels = rng.random(count) < 0.4
        scores = rng.integers(0, 3, count).astype(np.float64)
        # Every choice of three that leaves nothing better out is as likely as any other.
        best = [
            chosen
            for chosen in combinations(range(count), min(3, count))
            if all(
                scores[one] <= min(scores[place] for place in chosen)
                for one in range(count)
                if one not in chosen
            )
        ]
        expected = np.mean([labels[list(chosen)].any() for chosen in best])
        assert is_hit(labels, scores, 3) == pytest.approx(expected)


def lottery(effect_of: np.ndarray, seed: int) -> Trials:
    """Who had an offer was drawn by lot; it adds ``effect_of`` to a chance of .2."""
    rng = np.random.default_rng(seed)
    treated = rng.random(len(effect_of)) < 0.5
    outcomes = rng.random(len(effect_of)) < 0.2 + np.where(treated, effect_of, 0.0)
    return Trials(treated, outcomes.astype(np.float64), np.full(len(effect_of), 0.5))


def test_the_effect_is_the_difference_of_weighted_means() -> None:
    trials = Trials(
        np.array([True, True, False, False]),
        np.array([1.0, 0.0, 1.0, 0.0]),
        np.array([0.25, 0.5, 0.5, 0.2]),
    )
    everybody = np.ones(4, bool)
    # Weights 4 and 2 of those who had it, 2 and 1.25 of the others.
    assert trials.effect(everybody) == pytest.approx(4 / 6 - 2 / 3.25)
    assert trials.effect(np.array([True, True, False, False])) == 0.0


def test_weights_undo_a_choice_of_whom_to_treat() -> None:
    rng = np.random.default_rng(8)
    keen = rng.random(60_000) < 0.5
    chance = np.where(keen, 0.8, 0.2)
    treated = rng.random(60_000) < chance
    outcomes = rng.random(60_000) < 0.1 + 0.4 * keen + 0.1 * treated
    trials = Trials(treated, outcomes.astype(np.float64), chance)
    naive = outcomes[treated].mean() - outcomes[~treated].mean()
    assert naive > 0.3
    assert trials.effect(np.ones(60_000, bool)) == pytest.approx(0.1, abs=0.015)


def test_qini_is_positive_for_the_true_order_and_zero_for_chance() -> None:
    effect_of = np.where(np.arange(40_000) % 2 == 0, 0.4, 0.0)
    trials = lottery(effect_of, 5)
    curve = qini_curve(trials, effect_of, 4)
    # The first half gains .4 each, the second nothing.
    assert curve == pytest.approx([0.0, 0.1, 0.2, 0.2, 0.2], abs=0.01)
    assert qini(trials, effect_of, 4) == pytest.approx(0.05, abs=0.01)
    assert qini(trials, -effect_of, 4) == pytest.approx(-0.05, abs=0.01)
    assert qini(trials, np.random.default_rng(6).random(40_000)) == pytest.approx(0.0, abs=0.01)
    # Where all scores are equal, the order in which the cases come tells nothing.
    by_side = np.argsort(~trials.treated, kind="stable")
    sorted_trials = Trials(
        trials.treated[by_side], trials.outcomes[by_side], trials.propensities[by_side]
    )
    assert qini(sorted_trials, np.zeros(40_000)) == pytest.approx(0.0, abs=0.01)
    assert effects_by_part(trials, effect_of, 2) == pytest.approx([0.4, 0.0], abs=0.02)
