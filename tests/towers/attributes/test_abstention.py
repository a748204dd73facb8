"""Predictions are given only where the precision asked for is reached."""

from __future__ import annotations

import math

import numpy as np

from towers.attributes.abstention import Confidence


def test_the_threshold_leaves_out_what_would_be_too_often_wrong() -> None:
    rng = np.random.default_rng(0)
    shares = rng.uniform(0.3, 1.0, 6_000)
    # Right as often as the model says.
    is_right = rng.random(6_000) < shares
    confidence = Confidence.of(shares[:3_000], is_right[:3_000], precision=0.9)
    probabilities = confidence.probabilities(shares[3_000:])
    given = probabilities >= confidence.threshold
    assert is_right[3_000:][given].mean() >= 0.9
    # Of the shares of x and more, (x + 1) / 2 are right: 0.9 from 0.8 on, which is 29 in 100.
    assert 0.15 < given.mean() < 0.29
    assert abs(probabilities.mean() - is_right[3_000:].mean()) < 0.03


def test_a_few_right_answers_are_not_enough() -> None:
    shares, is_right = np.linspace(0.9, 0.99, 44), np.ones(44, bool)
    # 0.95 to the power of 44 is 0.105: so many may be right by luck one time in ten.
    assert Confidence.of(shares, is_right, precision=0.95).threshold == math.inf
    shares, is_right = np.linspace(0.9, 0.99, 45), np.ones(45, bool)
    confidence = Confidence.of(shares, is_right, precision=0.95)
    assert (confidence.probabilities(shares) >= confidence.threshold).all()


def test_a_model_that_is_always_wrong_gives_nothing() -> None:
    confidence = Confidence.of(np.linspace(0.1, 0.9, 200), np.zeros(200, bool), precision=0.5)
    assert confidence.threshold == math.inf
    assert (confidence.probabilities(np.array([0.1, 0.9])) < 0.1).all()
