"""A bundle's model of offers on the test part, against baselines.

Redemption is asked twice: on the days on which visitors redeemed something (which of the offers open
to them was it?), and when offers were sent out (which of them will be redeemed, and by whom?).

Uplift has no experiment to be judged by: offers were sent to chosen visitors. Visitors who were left
out stand for what would have happened, weighted by inverse propensity, which is learnt on the test
part itself. So an effect holds as far as the features tell why a visitor was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.errors import InputError
from data.tables import Tables, iter_events
from towers.bootstrap import mean_interval
from towers.bundle.bundle import Bundle
from towers.bundle.layout import Layout
from towers.datasets.progress import Progress
from towers.offers.offer_features import column
from towers.offers.offer_model import OfferModel
from towers.training.baselines.classical import classical_scores
from towers.training.offers.offer_metrics import (
    Trials,
    auc,
    effects_by_part,
    is_hit,
    qini,
)
from towers.training.offers.offer_replay import OfferLog, replay_offers
from towers.training.offers.offer_training import CLASSICAL_NAME
from towers.training.offers.redemption_moments import (
    LabelledMoments,
    mailing_moments,
    redemption_days,
)
from towers.training.offers.uplift_training import can_learn, propensities
from towers.training.offers.uplift_trials import UpliftCases, uplift_cases

MODEL = "offer_model"
LOGISTIC = "logistic_regression"
HIT_COUNT = 3

Score = Callable[[np.ndarray], np.ndarray]
"""Scores of a feature matrix; larger is better."""


def evaluate_offers(
    bundle: Bundle, tables: Tables, stages: Progress, *, seed: int
) -> dict[str, Any]:
    """Measures the model and its baselines on redemptions from the split's ``test_from`` on.

    Returns:
        For ``redemption_days`` and ``mailings``: ``moment_count``, ``offer_count`` a moment, and for
        each system ``auc`` (mean over moments, with a 95 % interval), ``hit_rate_at_3`` likewise and
        ``pooled_auc``; ``leads`` of the model over the others, paired. ``uplift``: see
        ``uplift_report``; None where nobody was left out.

    Raises:
        InputError: The tables have no offers, or the bundle has no model of them.
    """
    if tables.offers is None:
        raise InputError(f"{tables.path}: expected tables with offers, received none")
    model = bundle.offer_model
    if model is None:
        raise InputError(
            f"{bundle.path}: expected a bundle with a model of offers, received one without; "
            "`nextclick train` makes one of tables with offers and at least 30 redemptions"
        )
    stages.start("reading the log")
    events = list(iter_events(tables.events))
    embeddings = bundle.ranker.sources.index.embeddings
    end = events[-1].time + 1.0 if events else 0.0
    log = OfferLog.of(tables.offers, events, bundle.catalog, embeddings, until=end)
    since = tables.split.test_from
    systems = _systems(bundle, model)
    report: dict[str, Any] = {"test_from": since}
    for name, asked in (
        ("redemption_days", redemption_days(log, since=since)),
        ("mailings", mailing_moments(log, since=since)),
    ):
        report[name] = _asked(log, asked, systems, stages, name, seed=seed)
    steps = stages.start("replaying who had offers")
    cases = uplift_cases(log, steps, seed=seed, since=since)
    report["uplift"] = None
    if cases is not None and can_learn(cases) and model.uplift is not None:
        report["uplift"] = uplift_report(cases, model, seed=seed)
    return report


def _systems(bundle: Bundle, model: OfferModel) -> dict[str, Score]:
    systems: dict[str, Score] = {MODEL: model.redemption.scores}
    path = Layout(bundle.path).training / CLASSICAL_NAME
    if path.is_file():
        weights = np.load(path, allow_pickle=False)
        systems[LOGISTIC] = lambda features: classical_scores(weights, features)[LOGISTIC]
    for name, feature in (
        ("redeemed_most", "offer_redemptions"),
        ("popular_items", "popularity"),
        ("bought_by_visitor", "own_recent"),
        ("near_to_taste", "largest_cosine"),
    ):
        systems[name] = _of_feature(feature)
    return systems


def _of_feature(name: str) -> Score:
    place = column(name)
    return lambda features: features[:, place]


def _asked(
    log: OfferLog,
    asked: LabelledMoments,
    systems: dict[str, Score],
    stages: Progress,
    name: str,
    *,
    seed: int,
) -> dict[str, Any]:
    steps = stages.start(f"asking {name.replace('_', ' ')}", len(asked.moments))
    scores: dict[str, list[np.ndarray]] = {system: [] for system in systems}
    labels: list[np.ndarray] = []
    for number, features in replay_offers(log, asked.moments, steps):
        labels.append(asked.labels[number])
        for system, score in systems.items():
            scores[system].append(score(features))
    return {
        "moment_count": len(labels),
        "offer_count": float(np.mean([len(one) for one in labels])) if labels else 0.0,
        **ranking_report(labels, scores, seed=seed),
    }


def ranking_report(
    labels: Sequence[np.ndarray], scores: dict[str, list[np.ndarray]], *, seed: int
) -> dict[str, Any]:
    """Metrics of systems over moments, means over those with redeemed and other offers.

    Args:
        labels: Of each moment ``[offers] bool``.
        scores: Of each system the scores of each moment, ``[offers]``; the first is the model, whose
            leads over the others are told.
        seed: Of the bootstrap.
    """
    told = [number for number, one in enumerate(labels) if one.any() and not one.all()]
    systems: dict[str, Any] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for system, of_moments in scores.items():
        pairs = [(labels[number], of_moments[number]) for number in told]
        values[system] = {
            "auc": np.array([auc(*pair) for pair in pairs]),
            f"hit_rate_at_{HIT_COUNT}": np.array([is_hit(*pair, HIT_COUNT) for pair in pairs]),
        }
        systems[system] = {
            name: mean_interval(one, seed=seed) for name, one in values[system].items()
        }
        pooled = auc(np.concatenate(labels), np.concatenate(of_moments)) if labels else 0.5
        systems[system]["pooled_auc"] = pooled
    first, *others = values
    leads = {
        system: {
            name: mean_interval(values[first][name] - values[system][name], seed=seed)
            for name in values[first]
        }
        for system in others
    }
    return {"redeemed_moment_count": len(told), "systems": systems, "leads": leads}


def uplift_report(cases: UpliftCases, model: OfferModel, *, seed: int) -> dict[str, Any]:
    """Effects of offers on the probability of a purchase, by predicted uplift.

    Returns:
        ``effect`` of all cases, and ``naive_effect`` without weights; ``qini`` of the uplift model,
        of the redemption model and of the visitor's own purchases as orders (0: chance), with 95 %
        intervals of visitors resampled; ``by_fifth``: effects of fifths of the cases, best first.
    """
    assert model.uplift is not None
    outcomes = cases.outcomes.astype(np.float64)
    trials = Trials(cases.treated, outcomes, propensities(cases))
    orders = {
        "uplift_model": model.uplift.scores(cases.features),
        MODEL: model.redemption.scores(cases.features),
        "bought_by_visitor": cases.features[:, column("own_recent")].astype(np.float64),
    }
    naive = outcomes[cases.treated].mean() - outcomes[~cases.treated].mean()
    return {
        "case_count": len(outcomes),
        "treated_count": int(cases.treated.sum()),
        "effect": trials.effect(np.ones(len(outcomes), bool)),
        "naive_effect": float(naive),
        "qini": {
            name: _qini_interval(cases, trials, scores, seed=seed)
            for name, scores in orders.items()
        },
        "by_fifth": effects_by_part(trials, orders["uplift_model"], 5),
    }


def _qini_interval(
    cases: UpliftCases, trials: Trials, scores: np.ndarray, *, seed: int
) -> dict[str, float]:
    """Visitors are resampled, not cases: those of one visitor are no independent witnesses."""
    rng = np.random.default_rng(seed)
    order = np.argsort(cases.visitors, kind="stable")
    _, starts = np.unique(cases.visitors[order], return_index=True)
    parts = np.split(order, starts[1:])
    resampled = []
    for _ in range(200):
        drawn = rng.integers(0, len(parts), len(parts))
        chosen = np.concatenate([parts[place] for place in drawn.tolist()])
        part = Trials(trials.treated[chosen], trials.outcomes[chosen], trials.propensities[chosen])
        resampled.append(qini(part, scores[chosen]))
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"mean": qini(trials, scores), "low": float(low), "high": float(high)}
