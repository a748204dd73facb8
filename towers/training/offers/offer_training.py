"""From tables to the model of offers in a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.tables import Tables
from towers.bundle.bundle import write_offers
from towers.bundle.layout import Layout
from towers.datasets.dataset import Dataset
from towers.datasets.progress import Progress
from towers.offers.offer_model import OfferModel
from towers.training.baselines.classical import fit_classical
from towers.training.offers.offer_replay import OfferLog
from towers.training.offers.redemption_moments import training_moments
from towers.training.offers.redemption_training import (
    LEAST_REDEMPTIONS,
    affinity_threshold,
    fit_redemption,
    redemption_cases,
)
from towers.training.offers.uplift_training import can_learn, fit_uplift
from towers.training.offers.uplift_trials import uplift_cases

CLASSICAL_NAME = "offers_classical.npy"


@dataclass(frozen=True, eq=False)
class TrainedOffers:
    """The model of offers.

    Args:
        model: None where too little was redeemed to learn from.
        report: What it was made of.
        classical: Classical models of redemption on the same cases, as ``fit_classical`` gives them.
    """

    model: OfferModel | None
    report: dict[str, Any]
    classical: np.ndarray | None = None


def train_offers(log: OfferLog, stages: Progress, *, seed: int) -> TrainedOffers:
    """Learns redemption and uplift from what came before ``log.until``."""
    labelled = training_moments(log, seed=seed)
    report: dict[str, Any] = {
        "offer_count": len(log.book.all()),
        "moment_count": len(labelled.moments),
        "redeemed_count": labelled.positive_count,
    }
    if labelled.positive_count < LEAST_REDEMPTIONS:
        return TrainedOffers(None, report)
    steps = stages.start("replaying offers", len(labelled.moments))
    cases = redemption_cases(log, labelled, steps, seed=seed)
    report["case_count"] = len(cases.labels)
    stages.start("learning what is redeemed")
    redemption = fit_redemption(cases, seed=seed)
    steps = stages.start("replaying who had offers")
    trials = uplift_cases(log, steps, seed=seed)
    uplift = None
    if trials is not None and can_learn(trials):
        stages.start("learning what offers change")
        uplift = fit_uplift(trials, seed=seed)
        report["uplift_case_count"] = len(trials.treated)
        report["uplift_treated_count"] = int(trials.treated.sum())
    model = OfferModel(redemption, uplift, affinity_threshold(cases))
    classical = fit_classical(cases.features, cases.labels, seed=seed)
    return TrainedOffers(model, report, classical)


def release_offers(
    layout: Layout,
    tables: Tables,
    dataset: Dataset,
    embeddings: np.ndarray,
    *,
    until: float,
    stages: Progress,
    seed: int,
) -> dict[str, Any] | None:
    """Learns the offers of the tables and writes them into a bundle; the report, None without any.

    Args:
        embeddings: ``[items, dim] float32`` as released.
        until: Redemptions and events from then on are withheld, seconds since 1970.
    """
    if tables.offers is None:
        return None
    end = min(until, dataset.events[-1].time + 1.0 if dataset.events else 0.0)
    log = OfferLog.of(tables.offers, dataset.events, dataset.catalog, embeddings, until=end)
    trained = train_offers(log, stages, seed=seed)
    for redemption in log.redemptions:
        log.book.redeem(redemption)
    write_offers(layout, log.book, trained.model)
    if trained.classical is not None:
        np.save(layout.training / CLASSICAL_NAME, trained.classical)
    return trained.report
