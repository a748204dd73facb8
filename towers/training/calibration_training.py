"""Training of the purchase probability: replayed answers, labelled by what was bought after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.records import Event, EventType
from towers.datasets.ranking_lists import basket_rows
from towers.datasets.replayed_log import ReplayedLog
from towers.ranking.calibration import Calibration, calibration_inputs
from towers.ranking.litert_models import Reranker
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.calibration_metrics import best_threshold, reliability

_MOMENT_LIMIT = 800
_LEAST_PURCHASES = 20


@dataclass(frozen=True)
class _Answer:
    """One answer: its features ``[n, features]``, its session, and labels ``is_bought [n] bool``.

    ``half`` is 0 or 1, the same for all answers to one visitor.
    """

    features: np.ndarray
    session: Session
    is_search: bool
    is_bought: np.ndarray
    half: int


class PurchaseMoments:
    """Observes a replay and ranks requests of the part that the reranker is not trained on.

    Requests are at searches and item views, as a shop requests pages; in a basket log, before each
    item. An item of an answer is labelled as bought if the session bought it later.

    Args:
        held_out_from: First event that the reranker is not trained on. Sessions that began before
            are left out: the reranker may have been trained on their purchases.
    """

    def __init__(self, log: ReplayedLog, ranker: Ranker, *, held_out_from: int, seed: int) -> None:
        types = np.array([event.type for event in log.events], np.int8)
        is_request = log.targets.is_target | (types == EventType.SEARCH)
        if not log.targets.is_basket_log:
            is_request &= types != EventType.PURCHASE
        # Sessions are numbered by their first events.
        is_request &= log.sessions > log.sessions[:held_out_from].max(initial=-1)
        numbers = np.flatnonzero(is_request)
        if len(numbers) > _MOMENT_LIMIT:
            rng = np.random.default_rng(seed)
            numbers = rng.choice(numbers, _MOMENT_LIMIT, replace=False)
        self._numbers = set(numbers.tolist())
        self._log = log
        self._ranker = ranker
        self._answers: list[_Answer] = []
        self._half_of_visitor: dict[str, int] = {}

    def __call__(self, number: int, session: Session, event: Event) -> None:
        """One event of the replay, before it is added to the counts."""
        if number not in self._numbers:
            return
        text = event.query if event.type is EventType.SEARCH else ""
        now = session.after(event) if text else session.at(event.time)
        excluded = np.zeros(0, np.int64) if text else basket_rows(self._ranker, now)
        shortlist = self._ranker.rank(RankRequest(now, event.time, text, excluded=excluded))
        bought = self._log.targets.bought_after(number)
        is_bought = np.isin(shortlist.rows, bought)
        half = self._half_of_visitor.setdefault(event.visitor_id, len(self._half_of_visitor) % 2)
        self._answers.append(_Answer(shortlist.features, now, bool(text), is_bought, half))

    def learn(self, reranker: Reranker) -> tuple[Calibration | None, dict[str, Any]]:
        """The calibration of a reranker's scores, and its metrics.

        The metrics are held out: a regression is fitted on half of the visitors and measured on the
        other half, since answers of one session share purchases and sessions of one visitor share
        habits. The released one is fitted on all. None where too few items were bought, or where
        the scores do not predict purchases.
        """
        inputs, bought, part = [], [], []
        for answer in self._answers:
            scores = reranker.scores(answer.features)
            rows = calibration_inputs(scores, scores, answer.session, is_search=answer.is_search)
            inputs.append(rows)
            bought.append(answer.is_bought)
            part.append(np.full(len(rows), answer.half))
        if sum(int(one.sum()) for one in bought) < _LEAST_PURCHASES:
            return None, {}
        x, y, parts = np.concatenate(inputs), np.concatenate(bought), np.concatenate(part)
        released = _fitted(x, y)
        report: dict[str, Any] = {"answer_count": len(self._answers)}
        one, other = parts == 0, parts == 1
        if y[one].any() and y[other].any():
            fitted_half = _fitted(x[one], y[one])
            predicted = fitted_half.probabilities(x[other])
            report |= reliability(predicted, y[other], threshold=fitted_half.threshold)
        return (released if released.weights[0] > 0 else None), report


def _fitted(inputs: np.ndarray, bought: np.ndarray) -> Calibration:
    weights, intercept = logistic_weights(inputs, bought)
    plain = Calibration(tuple(weights.tolist()), intercept, 0.5)
    threshold = best_threshold(plain.probabilities(inputs), bought)
    return Calibration(plain.weights, intercept, threshold)


def logistic_weights(inputs: np.ndarray, happened: np.ndarray) -> tuple[np.ndarray, float]:
    """A logistic regression: weights ``[inputs]`` of raw inputs ``[n, inputs]``, and the intercept.

    Args:
        happened: ``[n] bool``, with at least one true and one false.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(max_iter=1_000).fit((inputs - mean) / scale, happened)
    weights = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - weights @ mean)
