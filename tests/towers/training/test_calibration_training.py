"""Purchase probabilities, and their calibration metrics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB

from data.records import Event, EventType
from tests.towers import shelf
from towers.ranking.calibration import INPUT_NAMES, Calibration, calibration_inputs
from towers.retrieval.rank_request import RankRequest
from towers.sessions.replay import replay
from towers.sessions.session import Session
from towers.sessions.targets import Targets
from towers.training.baselines.classical import NAMES, classical_scores, fit_classical
from towers.training.calibration_metrics import (
    best_threshold,
    expected_calibration_error,
    reliability,
)
from towers.training.calibration_training import PurchaseMoments


def test_the_inputs_of_an_answer_are_its_share_of_the_scores_and_what_all_items_share() -> None:
    session = Session.empty("v")
    for number, type_ in enumerate((EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE)):
        session = session.after(Event(str(number), type_, "v", float(number), f"i{number}"))
    scores = np.array([2.0, 1.0, -1.0], np.float32)
    inputs = calibration_inputs(scores[:2], scores, session, is_search=True)
    total = math.log(math.exp(2.0) + math.exp(1.0) + math.exp(-1.0))
    common = [2.0 - total, 1.0, math.log(4), math.log(3), math.log(2)]
    assert inputs.shape == (2, len(INPUT_NAMES))
    assert inputs[0].tolist() == pytest.approx([2.0 - total, *common], rel=1e-6)
    assert inputs[1].tolist() == pytest.approx([1.0 - total, *common], rel=1e-6)


def test_probabilities_are_those_of_the_logistic_curve_and_stand_in_the_order_of_scores() -> None:
    calibration = Calibration((1.5, 0.0, 0.0, 0.0, 2.0, 0.0), -1.0, 0.5)
    inputs = np.zeros((3, len(INPUT_NAMES)))
    inputs[:, 0] = [-0.1, -2.0, -900.0]
    inputs[:, 4] = 0.5
    expected = [1 / (1 + math.exp(0.15)), 1 / (1 + math.exp(3.0)), 0.0]
    assert calibration.probabilities(inputs).tolist() == pytest.approx(expected, abs=1e-12)


def test_what_a_visit_buys_later_is_found_whatever_else_happens_meanwhile() -> None:
    view, buy = int(EventType.VIEW), int(EventType.PURCHASE)
    types = np.array([view, view, buy, buy, buy, buy, view], np.int8)
    targets = Targets(
        sessions=np.array([0, 1, 1, 0, 0, 0, 0]),
        types=types,
        rows=np.array([5, 6, 6, 7, 5, -1, 8]),
        times=np.arange(7.0),
    )
    found = [targets.bought_after(number).tolist() for number in range(7)]
    assert found == [[5, 7], [6], [6], [5, 7], [5], [], []]


def test_the_calibration_error_is_the_mean_gap_between_saying_and_happening() -> None:
    # Ten bins of two: in the first nine what was said happens, in the last it is off by 0.4.
    said = np.repeat(np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0.9]), 2)
    happened = np.zeros(20, bool)
    happened[18] = True
    assert expected_calibration_error(said, happened) == pytest.approx(0.4 / 10)
    rng = np.random.default_rng(5)
    true = rng.random(200_000)
    report = reliability(true, rng.random(200_000) < true, threshold=0.5)
    assert report["ece"] < 0.01
    # Of uniform probabilities: mean of p(1 − p), and of half of all right three times in four.
    assert report["brier"] == pytest.approx(1 / 6, abs=0.005)
    assert report["accuracy"] == pytest.approx(0.75, abs=0.01)
    assert report["brier_of_base_rate"] == pytest.approx(0.25, abs=0.005)


def test_a_case_that_stands_for_several_counts_as_so_many() -> None:
    rng = np.random.default_rng(11)
    # So coarse that equal probabilities share a bin, however often each is there.
    said = np.repeat(np.arange(10) / 10, 30)
    happened, weights = rng.random(300) < said**2, np.tile(np.arange(30) % 4 + 1.0, 10)
    counts = weights.astype(int)
    weighted = reliability(said, happened, threshold=0.45, weights=weights)
    repeated = reliability(np.repeat(said, counts), np.repeat(happened, counts), threshold=0.45)
    assert weighted.pop("count") == 300 and repeated.pop("count") == counts.sum()
    assert weighted == pytest.approx(repeated, rel=1e-9)


def test_the_threshold_of_the_best_f1_is_that_of_trying_all() -> None:
    rng = np.random.default_rng(3)
    said = np.round(rng.random(60), 2)
    happened = rng.random(60) < said

    def f1(threshold: float) -> float:
        foretold = said >= threshold
        return float(2 * (foretold & happened).sum() / (foretold.sum() + happened.sum()))

    best = max(f1(one) for one in said.tolist())
    assert f1(best_threshold(said, happened)) == pytest.approx(best)


def test_classical_models_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(3_000, 5)) * [1, 10, 0.1, 5, 1] + [0, 3, 0, -7, 2]).astype(np.float32)
    x[:, 4] = 2.0
    relevant = x[:, 0] + 0.2 * x[:, 1] + rng.normal(size=3_000) > 0.5
    scores = classical_scores(fit_classical(x, relevant, seed=1), x)
    scale = x.std(axis=0, dtype=np.float64)
    scale[4] = 1.0
    z = (x - x.mean(axis=0, dtype=np.float64)) / scale
    bayes = GaussianNB(var_smoothing=1e-4).fit(z, relevant).predict_joint_log_proba(z)
    expected: dict[str, Any] = {
        "linear_regression": LinearRegression().fit(z, relevant.astype(float)).predict(z),
        "logistic_regression": LogisticRegression(max_iter=500)
        .fit(z, relevant)
        .decision_function(z),
        "naive_bayes": bayes[:, 1] - bayes[:, 0],
    }
    assert tuple(scores) == NAMES
    for name, values in expected.items():
        np.testing.assert_allclose(scores[name], values, rtol=1e-4, atol=1e-4, err_msg=name)


def test_moments_are_asked_as_pages_are_and_labelled_by_the_rest_of_the_visit() -> None:
    ranker, log = shelf.ranker(), shelf.log()
    held_out_from = int(len(log.events) * 0.8)
    moments = PurchaseMoments(log, ranker, held_out_from=held_out_from, seed=1)
    session = Session.empty("")
    latest = [n for n in range(len(log.events)) if n in moments._numbers]
    assert latest
    began_before = {(e.visitor_id, e.session_id) for e in log.events[:held_out_from]}
    assert not began_before & {(log.events[n].visitor_id, log.events[n].session_id) for n in latest}
    assert all(log.events[n].type is not EventType.PURCHASE for n in latest)
    for number in latest[:5]:
        moments(number, session, log.events[number])
        event, asked = log.events[number], moments._answers[-1]
        assert asked.is_search == (event.type is EventType.SEARCH)
        now = session.after(event) if asked.is_search else session
        rows = ranker.rank(RankRequest(now, event.time, event.query)).rows
        same_visit = [
            one
            for one, n in zip(log.events, log.sessions, strict=True)
            if n == log.sessions[number] and one.time >= event.time
        ]
        bought = {one.item_id for one in same_visit if one.type is EventType.PURCHASE}
        ids = [ranker.sources.catalog.item_ids[row] for row in rows]
        assert asked.is_bought.tolist() == [one in bought for one in ids]
    moments(latest[0] - 1 if latest[0] - 1 not in latest else -1, session, log.events[0])
    assert len(moments._answers) == min(5, len(latest))


def test_the_report_stands_on_visitors_that_its_regression_has_not_seen() -> None:
    """Every other visitor, in the order of their first answers; all answers to one on one side."""
    ranker, log = shelf.ranker(), shelf.log()
    moments = PurchaseMoments(log, ranker, held_out_from=int(len(log.events) * 0.6), seed=1)
    watched: list[tuple[str, int]] = []
    for number, session, event in replay(log.events):
        before = len(moments._answers)
        moments(number, session, event)
        watched += [(event.visitor_id, len(one.is_bought)) for one in moments._answers[before:]]
    visitors = list(dict.fromkeys(visitor for visitor, _ in watched))
    held_out = sum(rows for visitor, rows in watched if visitors.index(visitor) % 2)
    assert len(visitors) > 10 and len(watched) > 100
    assert ranker.reranker is not None
    _, report = moments.learn(ranker.reranker)
    assert report["answer_count"] == len(watched)
    assert report["count"] == held_out
    # Else it could be every other answer just as well.
    assert held_out != sum(rows for _, rows in watched[1::2])
