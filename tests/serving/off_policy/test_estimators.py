"""Estimates on simulated logs whose truth is enumerated, and by hand on small ones."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from serving.off_policy.estimators import LoggedChoices, effective_sample_size, estimates
from serving.policy.exploration import explore, softmax

SHARE = 0.2
ITEMS = ["usual", "a", "b", "c"]
"""The usual one stands in the slot unless one of the others is drawn."""
SCORES = np.array([3.0, 1.0, 0.5, 0.0], np.float32)
RATES = {"keen": [0.30, 0.60, 0.20, 0.10], "idle": [0.05, 0.02, 0.10, 0.30]}
"""Chance of a click by kind of shopper and item."""
KINDS = {"keen": 0.3, "idle": 0.7}
CHOICE = {"keen": "a", "idle": "usual"}
"""What the policy to be judged puts in the slot."""


def truth(choice: dict[str, str]) -> float:
    """The expected reward, over every kind of shopper."""
    return sum(KINDS[kind] * RATES[kind][ITEMS.index(choice[kind])] for kind in KINDS)


def simulated(count: int, seed: int, choice: dict[str, str]) -> LoggedChoices:
    """Answers as the service logs them: it draws, and shoppers click by their rates."""
    rng = random.Random(seed)
    rows: list[tuple[str, str, str, float, float]] = []
    for number in range(count):
        kind = rng.choices([*KINDS], [*KINDS.values()])[0]
        outcome = explore(0, [1, 2, 3], SCORES, SHARE, rng)
        assert outcome is not None
        item = outcome.drawn or 0
        is_clicked = rng.random() < RATES[kind][item]
        visitor = f"v{number // 3}"
        rows.append((visitor, ITEMS[item], choice[kind], outcome.propensity, float(is_clicked)))
    visitors, shown, chosen, propensities, rewards = zip(*rows, strict=True)
    return LoggedChoices(visitors, shown, chosen, np.array(propensities), np.array(rewards))


def test_the_estimates_hold_the_enumerated_truth_where_the_plain_mean_does_not() -> None:
    found = estimates(simulated(30_000, 3, CHOICE), seed=1)
    expected = truth(CHOICE)
    assert expected == pytest.approx(0.3 * 0.6 + 0.7 * 0.05)
    for name in ("ips", "snips", "dr"):
        one = found[name]
        assert one["low"] <= expected <= one["high"], name
        assert one["low"] < one["mean"] < one["high"] and one["high"] - one["low"] < 0.06
    assert found["support"]["low"] <= 1.0 <= found["support"]["high"]
    # Keen shoppers are rarely among those where both agree.
    assert found["matched"]["high"] < expected - 0.05
    logged = sum(
        KINDS[kind] * ((1 - SHARE) * rates[0] + SHARE * float(softmax(SCORES[1:]) @ rates[1:]))
        for kind, rates in RATES.items()
    )
    assert found["logged"]["low"] <= logged <= found["logged"]["high"]


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    expected, count = truth(CHOICE), 60
    held = dict.fromkeys(("ips", "snips", "dr"), 0)
    for seed in range(count):
        found = estimates(simulated(1_500, 100 + seed, CHOICE), seed=seed)
        for name in held:
            held[name] += found[name]["low"] <= expected <= found[name]["high"]
    # 95 % of 60 are 57; a binomial is below 51 once in 400 times. Few draws, so some are too narrow.
    assert min(held.values()) >= 50, held


def test_the_mean_of_ips_and_dr_over_all_that_may_happen_is_the_truth() -> None:
    """Exactly, by enumeration of every shopper, draw and click, each weighted by its chance."""
    shares = [1 - SHARE, *(SHARE * softmax(SCORES[1:])).tolist()]
    rows = [
        (
            f"{kind}{item}{click}",
            ITEMS[item],
            CHOICE[kind],
            shares[item],
            float(click),
            KINDS[kind] * shares[item] * (rates[item] if click else 1 - rates[item]),
        )
        for kind, rates in RATES.items()
        for item in range(4)
        for click in (0, 1)
    ]
    visitors, shown, chosen, propensities, rewards, chances = zip(*rows, strict=True)
    choices = LoggedChoices(visitors, shown, chosen, np.array(propensities), np.array(rewards))
    assert sum(chances) == pytest.approx(1.0)
    assert choices.weights * rewards @ np.array(chances) == pytest.approx(truth(CHOICE))
    assert choices.weights @ np.array(chances) == pytest.approx(1.0)


def test_a_small_log_by_hand() -> None:
    choices = LoggedChoices(
        ["u", "u", "v", ""],
        ["x", "y", "x", "x"],
        ["x", "x", "x", ""],
        np.array([0.8, 0.1, 0.05, 0.8]),
        np.array([1.0, 1.0, 0.0, 1.0]),
    )
    assert choices.weights.tolist() == [1.25, 0.0, 20.0, 0.0]
    found = {name: one["mean"] for name, one in estimates(choices, seed=1).items()}
    assert found["logged"] == 0.75 and found["matched"] == 0.5
    assert found["ips"] == pytest.approx(1.25 / 4)
    assert found["snips"] == pytest.approx(1.25 / 21.25)
    assert found["support"] == pytest.approx(21.25 / 4)
    assert effective_sample_size(choices.weights) == pytest.approx(21.25**2 / (1.25**2 + 400))


def test_a_policy_that_the_log_never_shows_has_no_support() -> None:
    log = simulated(500, 5, {"keen": "elsewhere", "idle": "elsewhere"})
    found = estimates(log, seed=1)
    assert found["ips"]["mean"] == found["snips"]["mean"] == found["support"]["mean"] == 0.0
    assert effective_sample_size(log.weights) == 0.0
    # The model alone is left: of an unknown item the rate of all, nearly.
    assert found["dr"]["mean"] == pytest.approx(found["logged"]["mean"], abs=0.02)


def test_intervals_are_of_visitors_not_of_answers() -> None:
    """A thousand answers to ten visitors tell no more than ten answers."""
    rewards = np.repeat([0.0, 1.0] * 5, 100)
    visitors = [f"v{number // 100}" for number in range(1_000)]
    same = ["x"] * 1_000
    choices = LoggedChoices(visitors, same, same, np.full(1_000, 0.8), rewards)
    one = estimates(choices, seed=2)["logged"]
    # The standard error of ten draws of a half is .158.
    assert one["high"] - one["low"] == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 10), abs=0.1)
