"""The network of several actions: training, calibration on other visitors, and its rivals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from towers.actions.action_model import ActionModel
from towers.actions.shopper_actions import ShopperAction, parents
from towers.bundle.bundle import RERANK_BATCH_SIZE
from towers.config import RerankConfig
from towers.datasets.progress import Progress
from towers.models.export import action_file
from towers.models.fitting import Progress as Steps
from towers.models.fitting import fit
from towers.models.legacy_keras import keras
from towers.models.predictors.action_network import ActionNetwork
from towers.ranking.calibration import INPUT_NAMES
from towers.ranking.litert_models import LiteModel, Reranker
from towers.training.actions.answers_in_log import AnsweredMoments
from towers.training.actions.exposures import PLACE_COUNT, Exposures, rows_of
from towers.training.actions.reliability_picture import Outcomes, draw_reliability
from towers.training.baselines.classical_models import CLASSICAL, fit_model
from towers.training.calibration_metrics import best_threshold, reliability
from towers.training.calibration_training import logistic_weights

LEAST_COUNT = 20
"""An action needs this often to have happened, in what is learnt and on each held-out half."""

_VALIDATION_SHARE = 0.15
_EPOCH_LIMIT = 20


@dataclass(frozen=True, eq=False)
class LearntActions:
    """The model, its report, and what it predicted of visitors that its calibration has not seen."""

    model: ActionModel
    report: Mapping[str, Any]
    outcomes: Sequence[Outcomes]

    def write(self, folder: Path) -> None:
        """Writes the model and the picture of its reliability into a bundle's folder."""
        self.model.save(folder)
        draw_reliability(folder / "reliability.png", self.outcomes)


def learn_actions(
    moments: AnsweredMoments,
    reranker: Reranker,
    settings: RerankConfig,
    stages: Progress,
    *,
    seed: int,
) -> LearntActions | None:
    """Trains the network on the answers of a replay; None where too little was done with their items.

    The report is of held-out answers: each action's regression is fitted on half of their visitors and
    measured on the other half; the released one is fitted on all. With more than one seed in the
    settings, classical models learn from the same rows, and their AUC is told too.
    """
    if not moments.learnt or not moments.held_out:
        return None
    learnt, held_out = rows_of(moments.learnt), rows_of(moments.held_out, reranker)
    kept = _taught(learnt, held_out)
    if not kept:
        return None
    actions = [moments.actions[place] for place in kept]
    network, effects = _trained(
        learnt, kept, actions, settings, stages.start("training the actions", 1), seed
    )
    content = action_file(network, learnt.features.shape[1], RERANK_BATCH_SIZE)
    names = tuple(action.name for action in actions)
    everything, halves = np.ones(held_out.count, bool), held_out.halves
    one = _calibrated(content, names, kept, held_out, halves == 0)
    predicted = one.probabilities(held_out.features[halves == 1], held_out.inputs[halves == 1])
    report: dict[str, Any] = {
        "learnt_from": "answers shown" if moments.is_shown else "replayed answers",
        "answer_count": len(moments.learnt),
        "held_out_answer_count": len(moments.held_out),
    }
    if moments.is_shown:
        report["place_effects"] = [round(float(effect), 4) for effect in effects]
    outcomes: list[Outcomes] = []
    measured: dict[str, dict[str, Any]] = {}
    other = held_out.only(halves == 1)
    for position, (place, name) in enumerate(zip(kept, names, strict=True)):
        happened = other.labels[:, place]
        outcomes.append(Outcomes(name, predicted[:, position], happened))
        threshold = float(one.thresholds[position])
        measured[name] = dict(reliability(predicted[:, position], happened, threshold=threshold))
    if settings.seed_count > 1:
        stages.start("training classical models of the actions")
        for place, name in zip(kept, names, strict=True):
            measured[name]["classical_auc"] = _classical_auc(learnt, other, place, seed)
    report["actions"] = measured
    released = _calibrated(content, names, kept, held_out, everything)
    return LearntActions(released, report, outcomes)


def _taught(learnt: Exposures, held_out: Exposures) -> list[int]:
    """Positions of the actions that happened often enough."""
    counts = [learnt.labels.sum(axis=0)]
    counts += [held_out.labels[held_out.halves == half].sum(axis=0) for half in (0, 1)]
    return np.flatnonzero(np.min(counts, axis=0) >= LEAST_COUNT).tolist()


def _trained(
    learnt: Exposures,
    kept: Sequence[int],
    actions: Sequence[ShopperAction],
    settings: RerankConfig,
    progress: Steps,
    seed: int,
) -> tuple[ActionNetwork, np.ndarray]:
    keras.utils.set_random_seed(seed)
    network = ActionNetwork(
        parents(actions),
        learnt.features.mean(axis=0),
        learnt.features.std(axis=0),
        place_count=PLACE_COUNT,
    )
    # Rows are in the order of the log: the newest validate.
    boundary = int(learnt.count * (1.0 - _VALIDATION_SHARE))
    fit(
        network,
        learnt.only(np.arange(boundary)).columns(kept),
        learnt.only(np.arange(boundary, learnt.count)).columns(kept),
        batch_size=512,
        epoch_limit=_EPOCH_LIMIT,
        patience=settings.patience,
        learning_rate=settings.learning_rate,
        seed=seed,
        progress=progress,
    )
    return network, network.make_places_neutral(learnt.places)


def _calibrated(
    content: bytes,
    names: tuple[str, ...],
    kept: Sequence[int],
    rows: Exposures,
    chosen: np.ndarray,
) -> ActionModel:
    """The network with a logistic regression for each action, fitted on some of the rows."""
    shape = len(names), 1 + len(INPUT_NAMES)
    nothing = np.zeros(shape[0])
    plain = ActionModel(LiteModel(content), content, names, np.zeros(shape), nothing, nothing)
    part = rows.only(chosen)
    own = plain.logits(part.features)
    fitted = [
        logistic_weights(np.column_stack([own[:, position], part.inputs]), part.labels[:, place])
        for position, place in enumerate(kept)
    ]
    weights = np.array([of_action for of_action, _ in fitted])
    intercepts = np.array([intercept for _, intercept in fitted])
    model = replace(plain, weights=weights, intercepts=intercepts)
    predicted = model.probabilities(part.features, part.inputs)
    pairs = zip(predicted.T, part.labels[:, kept].T, strict=True)
    return replace(model, thresholds=np.array([best_threshold(*pair) for pair in pairs]))


def _classical_auc(learnt: Exposures, other: Exposures, place: int, seed: int) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    labels, happened = learnt.labels[:, place].astype(np.int64), other.labels[:, place]
    found = {}
    for name in CLASSICAL:
        scores = fit_model(name, learnt.features, labels, (learnt.features, labels), seed=seed)
        found[name] = float(roc_auc_score(happened, scores(other.features)[:, 1]))
    return found
