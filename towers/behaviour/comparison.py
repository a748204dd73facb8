"""Every model on every task: the same moments, features and split, and one table of metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.tables import Tables
from towers.behaviour.candidate_lists import TOGETHER, CandidateLists, CandidateSources
from towers.behaviour.prediction_metrics import (
    best_temperature,
    class_auc,
    class_metrics,
    list_metrics,
    list_ranks,
    ndcg,
    threshold_of,
    visit_interval,
)
from towers.behaviour.tasks import PARTS, Limits, Task, next_item, next_type, visit_buys
from towers.behaviour.visit_features import FACT_NAMES, SUMMARY_NAMES, VisitFeatures
from towers.behaviour.visit_log import VisitLog
from towers.datasets.progress import Progress
from towers.models.predictors.behaviour_network import NETWORKS, TrainedNetwork
from towers.training.baselines.classical_models import CLASSICAL, fit_model

TASKS = ("visit_buys", "next_type", "next_item")
"""In the order of the report."""

MAIN_MEASURE = {"visit_buys": "auc", "next_type": "auc", "next_item": "ndcg@10"}
"""The measure of each task that has an interval, and that does not depend on a threshold."""

_LISTS_PER_MOMENT = {"training": 1.0, "validation": 1.0, "test": 0.5}

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Part:
    """Examples of one part, as columns of the networks, and the visit of each."""

    columns: Columns
    visits: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        return self.columns["labels"]


@dataclass(frozen=True, eq=False)
class _Measured:
    """A model's answers: to the validation part for thresholds, to the test part for metrics."""

    validation: np.ndarray
    test: np.ndarray
    training_seconds: float
    answer_microseconds: float


def compare_behaviour(
    tables: Tables, *, limits: Limits, seed: int, stages: Progress
) -> dict[str, Any]:
    """Trains and measures every model on each task that the log holds.

    Args:
        limits: Most moments of each part. Of the next item's lists the test part takes half.
        seed: Of samples, weights and intervals.

    Returns:
        Plain JSON: ``limits``, ``feature_counts`` and, by task, ``skipped`` with the reason, or
        ``counts``, ``classes`` and ``models``, each with its metrics, the interval of the main one,
        and its times.

    Raises:
        InputError: The tables hold no events.
    """
    stages.start("features of visits")
    log = VisitLog.of(tables, seed=seed)
    features = VisitFeatures(log)
    report: dict[str, Any] = {
        "limits": asdict(limits),
        "is_basket_log": log.is_basket_log,
        "feature_counts": {"visit": len(SUMMARY_NAMES), "event": len(FACT_NAMES)},
        "tasks": {},
    }
    for make in (visit_buys, next_type):
        task = make(log, limits, seed=seed)
        report["tasks"][task.name] = (
            {"skipped": task.skipped}
            if task.skipped
            else _classes_report(task, _class_parts(task, log, features), seed, stages)
        )
    task = next_item(log, limits, seed=seed)
    report["tasks"][task.name] = (
        {"skipped": task.skipped}
        if task.skipped
        else _items_report(task, log, features, seed, stages)
    )
    return report


def _class_parts(task: Task, log: VisitLog, features: VisitFeatures) -> dict[str, _Part]:
    parts = {}
    for part in PARTS:
        moments = task.moments[part]
        columns = {**_visit_columns(features, moments), "labels": task.labels[part]}
        parts[part] = _Part(columns, log.visits[moments])
    return parts


def _visit_columns(features: VisitFeatures, moments: np.ndarray) -> dict[str, np.ndarray]:
    facts, present = features.sequences(moments)
    return {"summary": features.summaries[moments], "facts": facts, "present": present}


def _classes_report(
    task: Task, parts: Mapping[str, _Part], seed: int, stages: Progress
) -> dict[str, Any]:
    training, test = parts["training"], parts["test"]
    class_count = len(task.classes)
    share = np.bincount(training.labels, minlength=class_count) / len(training.labels)

    def prior(part: _Part) -> np.ndarray:
        return np.tile(share, (len(part.labels), 1))

    models = {"class_shares": _Measured(prior(parts["validation"]), prior(test), 0.0, 0.0)}
    for name, measured in _fitted(task.name, parts, class_count, seed, stages):
        models[name] = measured
    rows = {}
    for name, one in models.items():
        threshold = threshold_of(one.validation, parts["validation"].labels)
        shares = one.test

        def auc(chosen: np.ndarray, shares: np.ndarray = shares) -> float:
            if len(np.unique(test.labels[chosen])) < 2:
                return float("nan")
            return class_auc(shares[chosen], test.labels[chosen])

        metrics = class_metrics(one.test, test.labels, threshold=threshold)
        rows[name] = _row(metrics, visit_interval(auc, test.visits, seed=seed), one)
    return {
        "counts": _counts(task),
        "classes": {
            name: int(np.count_nonzero(test.labels == number))
            for number, name in enumerate(task.classes)
        },
        "models": rows,
    }


def _items_report(
    task: Task, log: VisitLog, features: VisitFeatures, seed: int, stages: Progress
) -> dict[str, Any]:
    progress = stages.start("candidates of the next item", len(PARTS))
    sources = CandidateSources(log)
    parts, lists, moments = {}, {}, {}
    for number, part in enumerate(PARTS):
        count = int(len(task.moments[part]) * _LISTS_PER_MOMENT[part])
        chosen = np.random.default_rng(seed).permutation(len(task.moments[part]))[:count]
        moments[part] = task.moments[part][np.sort(chosen)]
        lists[part] = sources.lists(moments[part], task.labels[part][np.sort(chosen)])
        parts[part] = _list_part(log, features, moments[part], lists[part])
        progress(number + 1)
    found = {part: len(one.answers) for part, one in lists.items()}
    if not all(found.values()):
        return {"skipped": "no source finds the item that comes"}
    test, test_lists = parts["test"], lists["test"]
    together = {
        part: np.where(one.present, one.features[..., TOGETHER], -np.inf)
        for part, one in lists.items()
    }
    models = {
        "source_order": _Measured(_by_place(lists["validation"]), _by_place(test_lists), 0.0, 0.0),
        "co_occurrence": _Measured(together["validation"], together["test"], 0.0, 0.0),
    }
    for name, measured in _fitted(task.name, parts, 0, seed, stages):
        models[name] = measured
    visits = log.visits[moments["test"]]
    rows = {}
    for name, one in models.items():
        temperature = best_temperature(one.validation, lists["validation"].answers)
        gains = np.zeros(len(visits))
        gains[test_lists.found] = ndcg(list_ranks(one.test, test_lists.answers))

        def mean(chosen: np.ndarray, gains: np.ndarray = gains) -> float:
            return float(gains[chosen].mean())

        metrics = list_metrics(one.test, test.labels, len(visits), temperature=temperature)
        rows[name] = _row(metrics, visit_interval(mean, visits, seed=seed), one)
    return {
        "counts": {
            part: {
                "available": task.available_counts[part],
                "used": len(moments[part]),
                "lists": found[part],
            }
            for part in PARTS
        },
        "candidate_recall": found["test"] / len(visits),
        "models": rows,
    }


def _list_part(
    log: VisitLog, features: VisitFeatures, moments: np.ndarray, lists: CandidateLists
) -> _Part:
    with_list = moments[lists.found]
    columns = {
        **_visit_columns(features, with_list),
        "candidates": lists.features,
        "listed": lists.present,
        "labels": lists.answers,
    }
    return _Part(columns, log.visits[with_list])


def _by_place(lists: CandidateLists) -> np.ndarray:
    places = -np.arange(lists.items.shape[1], dtype=np.float64)
    return np.where(lists.present, places, -np.inf)


def _fitted(
    task: str, parts: Mapping[str, _Part], class_count: int, seed: int, stages: Progress
) -> Iterator[tuple[str, _Measured]]:
    """Every model in turn; ``class_count`` 0 stands for lists."""
    progress = stages.start(f"training models: {task}", len(CLASSICAL) + len(NETWORKS))
    makers = dict.fromkeys(CLASSICAL, _classical) | dict.fromkeys(NETWORKS, _network)
    test = parts["test"].columns
    for number, (name, make) in enumerate(makers.items()):
        progress(number, note=name.replace("_", " "))
        began = time.perf_counter()
        answer = make(name, parts, class_count, seed)
        seconds = time.perf_counter() - began
        # The first call of a network compiles it.
        validation = answer(parts["validation"].columns)
        began = time.perf_counter()
        answers = answer(test)
        elapsed = time.perf_counter() - began
        yield name, _Measured(validation, answers, seconds, elapsed / len(answers) * 1e6)


def _network(
    name: str, parts: Mapping[str, _Part], class_count: int, seed: int
) -> Callable[[Columns], np.ndarray]:
    training, validation = parts["training"].columns, parts["validation"].columns
    network = TrainedNetwork(name, class_count, training, validation, seed=seed)

    def answer(columns: Columns) -> np.ndarray:
        logits = network.logits(columns).astype(np.float64)
        return _softmax(logits) if class_count else logits

    return answer


def _classical(
    name: str, parts: Mapping[str, _Part], class_count: int, seed: int
) -> Callable[[Columns], np.ndarray]:
    if class_count:
        training, validation = parts["training"], parts["validation"]
        scores = fit_model(
            name,
            training.columns["summary"],
            training.labels,
            (validation.columns["summary"], validation.labels),
            seed=seed,
        )
        return lambda columns: scores(columns["summary"])
    scores = fit_model(
        name,
        *_cases(parts["training"].columns),
        _cases(parts["validation"].columns),
        seed=seed,
    )

    def answer(columns: Columns) -> np.ndarray:
        shares = scores(_cases(columns)[0])[:, 1]
        listed = columns["listed"]
        result = np.full(listed.shape, -np.inf)
        # Log odds, so that the softmax of the log loss reads all models alike.
        result[listed] = np.log(shares) - np.log1p(-shares)
        return result

    return answer


def _cases(columns: Columns) -> tuple[np.ndarray, np.ndarray]:
    """Each candidate as one case, ``[cases, features]``, and whether it was the item that came."""
    listed = columns["listed"]
    lists, places = np.nonzero(listed)
    features = np.concatenate([columns["candidates"][listed], columns["summary"][lists]], axis=1)
    return features, (places == columns["labels"][lists]).astype(np.int64)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _row(
    metrics: dict[str, float], interval: tuple[float, float], one: _Measured
) -> dict[str, Any]:
    return {
        **metrics,
        "interval": list(interval),
        "training_seconds": round(one.training_seconds, 3),
        "answer_microseconds": round(one.answer_microseconds, 2),
    }


def _counts(task: Task) -> dict[str, dict[str, int]]:
    return {
        part: {"available": task.available_counts[part], "used": len(task.moments[part])}
        for part in PARTS
    }
