"""What the purchase probability learns from: real answers, and what was bought after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.records import Event, EventType
from towers.datasets.examples import ReplayedLog
from towers.ranking.calibration import Calibration, calibration_inputs
from towers.ranking.litert_models import Reranker
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session
from towers.training.calibration_metrics import best_threshold, reliability

_MOMENT_LIMIT = 800
_LEAST_PURCHASES = 20


@dataclass(frozen=True)
class _Asked:
    """One answer: its features ``[n, features]``, its session, and what was bought ``[n] bool``.

    ``side`` is 0 or 1, the same for all answers to one visitor.
    """

    features: np.ndarray
    session: Session
    is_search: bool
    is_bought: np.ndarray
    side: int


class PurchaseMoments:
    """Watches a replay, asks at moments of the part that the reranker does not learn from.

    The moments are those of searches and of looks at items, as a shop asks for pages; in a log of
    baskets those before each item. An answer's items count as bought if the visit went on to it.

    Args:
        held_out_from: First event that the reranker does not learn from. Visits that began before
            are left out: the reranker has learnt what some of them bought.
    """

    def __init__(self, log: ReplayedLog, ranker: Ranker, *, held_out_from: int, seed: int) -> None:
        types = np.array([event.type for event in log.events], np.int8)
        asks = log.targets.is_target | (types == EventType.SEARCH)
        if not log.targets.is_basket_log:
            asks &= types != EventType.PURCHASE
        # Sessions are numbered by their first events.
        asks &= log.sessions > log.sessions[:held_out_from].max(initial=-1)
        numbers = np.flatnonzero(asks)
        if len(numbers) > _MOMENT_LIMIT:
            draw = np.random.default_rng(seed)
            numbers = draw.choice(numbers, _MOMENT_LIMIT, replace=False)
        self._numbers = set(numbers.tolist())
        self._log = log
        self._ranker = ranker
        self._asked: list[_Asked] = []
        self._sides: dict[str, int] = {}

    def __call__(self, number: int, session: Session, event: Event) -> None:
        """One event of the replay, before it is counted."""
        if number not in self._numbers:
            return
        text = event.query if event.type is EventType.SEARCH else ""
        now = session.after(event) if text else session.at(event.time)
        catalog = self._ranker.sources.catalog
        basket = catalog.rows(sorted(now.basket))
        excluded = np.zeros(0, np.int64) if text else basket[basket >= 0]
        shortlist = self._ranker.rank(RankRequest(now, event.time, text, excluded=excluded))
        bought = self._log.targets.bought_after(number)
        is_bought = np.isin(shortlist.rows, bought)
        side = self._sides.setdefault(event.visitor_id, len(self._sides) % 2)
        self._asked.append(_Asked(shortlist.features, now, bool(text), is_bought, side))

    def learn(self, reranker: Reranker) -> tuple[Calibration | None, dict[str, Any]]:
        """The calibration of a reranker's scores, and how reliable it is.

        The report is of a regression over the answers to every other visitor, on those to the
        visitors in between: answers of one visit share what was bought, and visits of one visitor
        habits. What is released has learnt from all of them. None where hardly anything was bought,
        or where the scores say nothing of it.
        """
        inputs, bought, part = [], [], []
        for asked in self._asked:
            scores = reranker.scores(asked.features)
            rows = calibration_inputs(scores, scores, asked.session, is_search=asked.is_search)
            inputs.append(rows)
            bought.append(asked.is_bought)
            part.append(np.full(len(rows), asked.side))
        if sum(int(one.sum()) for one in bought) < _LEAST_PURCHASES:
            return None, {}
        x, y, parts = np.concatenate(inputs), np.concatenate(bought), np.concatenate(part)
        released = _fitted(x, y)
        report: dict[str, Any] = {"answer_count": len(self._asked)}
        one, other = parts == 0, parts == 1
        if y[one].any() and y[other].any():
            half = _fitted(x[one], y[one])
            said = half.probabilities(x[other])
            report |= reliability(said, y[other], threshold=half.threshold)
        return (released if released.weights[0] > 0 else None), report


def _fitted(inputs: np.ndarray, bought: np.ndarray) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    mean, scale = inputs.mean(axis=0), inputs.std(axis=0)
    scale[scale < 1e-9] = 1.0
    model = LogisticRegression(max_iter=1_000).fit((inputs - mean) / scale, bought)
    weights = model.coef_[0] / scale
    intercept = float(model.intercept_[0] - weights @ mean)
    plain = Calibration(tuple(weights.tolist()), intercept, 0.5)
    threshold = best_threshold(plain.probabilities(inputs), bought)
    return Calibration(plain.weights, intercept, threshold)
