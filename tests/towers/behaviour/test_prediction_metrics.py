"""Metrics of classes and lists, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from towers.behaviour.prediction_metrics import (
    best_temperature,
    class_auc,
    class_metrics,
    list_loss,
    list_metrics,
    list_ranks,
    threshold_of,
    visit_interval,
)


def test_two_classes_are_measured_at_the_threshold_for_the_second() -> None:
    second = np.array([0.9, 0.6, 0.4, 0.2])
    labels = np.array([1, 0, 1, 0])
    found = class_metrics(np.stack([1 - second, second], axis=1), labels, threshold=0.4)
    # Predicted: the first three, of which two are right; the last is rightly left out.
    assert found["accuracy"] == pytest.approx(3 / 4)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(1.0)
    assert found["f1"] == pytest.approx(4 / 5)
    # Of the four pairs of a bought and an unbought one, three are in order.
    assert found["auc"] == pytest.approx(3 / 4)
    expected = -(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.8)) / 4
    assert found["log_loss"] == pytest.approx(expected)


def test_more_classes_are_averaged_over_those_that_occur() -> None:
    shares = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.7, 0.1]])
    found = class_metrics(shares, np.array([0, 0, 1]), threshold=None)
    # Class 0: one of one predicted is right, one of two found. Class 1: one of two, one of one.
    assert found["precision"] == pytest.approx((1.0 + 0.5) / 2)
    assert found["recall"] == pytest.approx((0.5 + 1.0) / 2)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["auc"] == pytest.approx(1.0)
    assert threshold_of(shares, np.array([0, 0, 1])) is None


def test_the_area_under_the_curve_is_scikit_learns() -> None:
    rng = np.random.default_rng(7)
    # Rounded, so that some are equal.
    shares = np.round(rng.dirichlet([1.0, 1.0, 1.0], 300), 1)
    labels = rng.integers(0, 3, 300)
    one_by_one = [roc_auc_score(labels == one, shares[:, one]) for one in range(3)]
    assert class_auc(shares, labels) == pytest.approx(np.mean(one_by_one))
    two = shares[labels < 2][:, :2]
    expected = roc_auc_score(labels[labels < 2], two[:, 1])
    assert class_auc(two, labels[labels < 2]) == pytest.approx(expected)


def test_the_threshold_is_that_of_the_best_f1() -> None:
    second = np.array([0.1, 0.2, 0.3, 0.4])
    shares = np.stack([1 - second, second], axis=1)
    # From 0.2 on: F1 of 4/5; from 0.4 on, with precision 1, only 2/3.
    assert threshold_of(shares, np.array([0, 1, 0, 1])) == pytest.approx(0.2)


def test_lists_are_measured_by_the_place_of_the_item_that_came() -> None:
    nothing = -np.inf
    scores = np.array([[3.0, 1.0, 2.0, nothing], [1.0, 1.0, nothing, nothing], [0.0, 1, 2, 3]])
    answers = np.array([0, 1, 1])
    assert list_ranks(scores, answers).tolist() == [0, 1, 2]
    found = list_metrics(scores, answers, 4, temperature=1.0)
    assert found["accuracy"] == pytest.approx(1 / 4)
    assert found["recall"] == pytest.approx(3 / 4)
    assert found["precision"] == pytest.approx(3 / 40)
    assert found["f1"] == pytest.approx(2 * 3 / 4 * 3 / 40 / (3 / 4 + 3 / 40))
    assert found["ndcg@10"] == pytest.approx((1 + 1 / math.log2(3) + 1 / 2) / 4)
    assert found["auc"] == pytest.approx((1 + 0 + 1 / 3) / 3)
    first = math.log(math.e**3 + math.e**1 + math.e**2) - 3
    last = math.log(1 + math.e + math.e**2 + math.e**3) - 1
    assert found["log_loss"] == pytest.approx((first + math.log(2) + last) / 3)


def test_a_list_that_places_the_item_eleventh_is_a_miss() -> None:
    scores = np.arange(12, 0, -1.0)[None]
    found = list_metrics(scores, np.array([10]), 1, temperature=1.0)
    assert found["recall"] == found["ndcg@10"] == found["f1"] == 0.0


def test_the_temperature_mends_scores_of_the_wrong_size() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(4_000, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answers = np.array([rng.choice(5, p=row) for row in shares])
    assert best_temperature(7.0 * logits, answers) == pytest.approx(7.0, rel=0.1)
    assert list_loss(7.0 * logits, answers, 7.0) < list_loss(7.0 * logits, answers, 1.0)


def test_the_interval_is_wider_where_moments_of_a_visit_are_alike() -> None:
    rng = np.random.default_rng(2)
    of_visit = rng.normal(size=50)
    values = np.repeat(of_visit, 10)

    def mean(rows: np.ndarray) -> float:
        return float(values[rows].mean())

    low, high = visit_interval(mean, np.repeat(np.arange(50), 10), seed=0)
    # The mean of fifty normal values has a deviation of 1 / √50, so the interval is four of them wide.
    assert high - low == pytest.approx(2 * 1.96 * of_visit.std() / math.sqrt(50), rel=0.2)
    alone = visit_interval(mean, np.arange(500), seed=0)
    assert alone[1] - alone[0] < 0.5 * (high - low)
