"""The methods compared by rolling origin, and the forecast of the best for the time to come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.errors import InputError
from towers.datasets.progress import Progress
from towers.demand.error_measures import error_measures, naive_error
from towers.demand.series import CATEGORY, ITEM, DemandSeries
from towers.demand.smoothing import METHODS
from towers.demand.windows import windows
from towers.models.predictors.demand_network import TrainedForecaster

GRU, COMBINED, NAIVE = "gru", "gru_with_holt_winters", "seasonal_naive"
HOLT_WINTERS, SIMPLE = "holt_winters", "simple_smoothing"
CLASSES = {"frequent": 5.0, "regular": 1.0, "sparse": 0.0}
"""Volume classes: the least mean count of a period, before the first origin of the test."""

KNOWN_SHARE = 0.6
"""Items are chosen by this first share of the log, so by none of the periods they are measured on."""

_PLURALS = {ITEM: "items", CATEGORY: "categories"}
_TEST_ORIGINS = 4
_VALIDATION_ORIGINS = 3
_WINDOW_LIMIT = {1: 35, 7: 16}
_TRAINING_WINDOWS = 15_000
_VALIDATION_WINDOWS = 3_000
_EPOCH_LIMIT = 12


@dataclass(frozen=True)
class Plan:
    """Which periods do what; the origins of each part end where the next begins.

    Args:
        horizon: Periods forecast from each origin.
        window: Periods that the network reads.
        training_end: The network learns from periods before it.
        validation: Origins by which methods are chosen.
        test: Origins by which they are reported.
    """

    horizon: int
    window: int
    training_end: int
    validation: tuple[int, ...]
    test: tuple[int, ...]

    @classmethod
    def of(cls, series: DemandSeries, horizon: int) -> Plan:
        """Test and validation at the end of the series, origins half a horizon apart.

        Raises:
            InputError: The series are too short.
        """
        step = max(1, horizon // 2)
        test_begin = series.period_count - horizon - step * (_TEST_ORIGINS - 1)
        training_end = test_begin - horizon - step * (_VALIDATION_ORIGINS - 1)
        window = min(_WINDOW_LIMIT[series.period_days], training_end // 2)
        least = max(series.season, horizon)
        if training_end // 2 < least:
            unit = "days" if series.period_days == 1 else "weeks"
            needed = series.period_count - training_end + 2 * least
            raise InputError(
                f"demand: expected purchases over {needed} whole {unit} or more for a horizon of "
                f"{horizon}, received {series.period_count}"
            )
        return cls(
            horizon,
            window,
            training_end,
            tuple(training_end + step * number for number in range(_VALIDATION_ORIGINS)),
            tuple(test_begin + step * number for number in range(_TEST_ORIGINS)),
        )


@dataclass(frozen=True, eq=False)
class Forecast:
    """The comparison, and the time to come.

    Args:
        series: What was forecast.
        plan: By which periods.
        classes: ``[series]`` names of ``CLASSES``.
        methods: ``[series]`` the method chosen for each.
        coming: ``[series, horizon] float64`` from the end of the series on.
        by_method: By method, the test forecasts ``[origins, series, horizon]``.
        report: Plain JSON.
    """

    series: DemandSeries
    plan: Plan
    classes: np.ndarray
    methods: np.ndarray
    coming: np.ndarray
    by_method: dict[str, np.ndarray]
    report: dict[str, Any]


def forecast_demand(series: DemandSeries, horizon: int, *, seed: int, stages: Progress) -> Forecast:
    """Compares the methods and forecasts each series with the one chosen for its kind and class.

    The network is trained on the periods before validation, and anew on those before the test part;
    what is newer it only reads. The other methods read all of the history before each origin. Of each
    kind and volume class the method of the least WAPE in validation is chosen, so that the test part
    says what the choice is worth.

    Args:
        horizon: Periods, 1 or more.
        seed: Of the network and its windows.

    Raises:
        InputError: The series are too short.
    """
    plan = Plan.of(series, horizon)
    networks = _networks(series, plan, seed, stages)
    progress = stages.start("rolling origins", len(METHODS) + 2)
    validation: dict[str, np.ndarray] = {}
    test: dict[str, np.ndarray] = {}
    times: dict[str, float] = {}
    end = series.period_count
    coming: dict[str, np.ndarray] = {}
    for number, name in enumerate((*METHODS, GRU, COMBINED)):
        began = time.perf_counter()
        coming[name] = _at(series, name, networks.before_test, end, plan)
        times[name] = time.perf_counter() - began
        for into, origins, network in (
            (validation, plan.validation, networks.before_validation),
            (test, plan.test, networks.before_test),
        ):
            into[name] = np.stack([_at(series, name, network, one, plan) for one in origins])
        progress(number + 1)
    history = series.counts[:, : plan.test[0]]
    scale = naive_error(history, series.season)
    means = history.mean(axis=1)
    classes = np.full(len(means), "", dtype=object)
    for name, least in reversed(CLASSES.items()):
        classes[means >= least] = name
    methods = np.full(len(means), SIMPLE, dtype=object)
    groups: list[dict[str, Any]] = []
    for kind in (ITEM, CATEGORY):
        for volume in CLASSES:
            chosen = (series.kinds == kind) & (classes == volume)
            if chosen.any():
                by_method = _errors(series, plan, chosen, scale[chosen], (validation, test))
                best = _chosen({name: one["validation_wape"] for name, one in by_method.items()})
                methods[chosen] = best
                groups.append(
                    {
                        "kind": kind,
                        "class": volume,
                        "series_count": int(chosen.sum()),
                        "chosen": best,
                        "methods": by_method,
                    }
                )
    selected = np.stack([coming[name][row] for row, name in enumerate(methods)])
    report = {
        "period_days": series.period_days,
        "period_count": series.period_count,
        "season": series.season,
        "horizon": horizon,
        "window": plan.window,
        "series_counts": {kind: int((series.kinds == kind).sum()) for kind in (ITEM, CATEGORY)},
        "test_origins": len(plan.test),
        "training_seconds": round(networks.training_seconds, 1),
        "forecast_seconds": {name: round(value, 3) for name, value in times.items()},
        "network_groups": [
            f"{group['class']} {_PLURALS[group['kind']]}"
            for group in groups
            if group["chosen"] in (GRU, COMBINED)
        ],
        "groups": groups,
    }
    return Forecast(series, plan, classes, methods, selected, test, report)


@dataclass(frozen=True)
class _Networks:
    """The network for validation, and the one for the test part and the time to come."""

    before_validation: TrainedForecaster
    before_test: TrainedForecaster
    training_seconds: float


def _networks(series: DemandSeries, plan: Plan, seed: int, stages: Progress) -> _Networks:
    """The second is trained on all before the test part, for as many epochs as served the first."""
    rng = np.random.default_rng(seed)

    def columns(origins: np.ndarray, limit: int) -> dict[str, np.ndarray]:
        pairs = _pairs(series, origins, limit, rng)
        return windows(series, *pairs, window=plan.window, horizon=plan.horizon)

    began = time.perf_counter()
    stages.start("training the network")
    first = np.arange(plan.window, plan.training_end - plan.horizon + 1)
    validation = columns(np.array(plan.validation), _VALIDATION_WINDOWS)
    training = columns(first, _TRAINING_WINDOWS)
    chosen = TrainedForecaster(training, validation, epoch_limit=_EPOCH_LIMIT, seed=seed)
    stages.start("training it up to the test part")
    second = np.arange(plan.window, plan.test[0] - plan.horizon + 1)
    nothing = {name: values[:0] for name, values in validation.items()}
    final = TrainedForecaster(
        columns(second, _TRAINING_WINDOWS),
        nothing,
        epoch_limit=chosen.curves.best_epoch + 1,
        seed=seed,
    )
    return _Networks(chosen, final, time.perf_counter() - began)


def _errors(
    series: DemandSeries,
    plan: Plan,
    chosen: np.ndarray,
    scale: np.ndarray,
    forecasts: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
) -> dict[str, dict[str, float | None]]:
    """Errors of each method in the test part, and its WAPE in validation.

    Args:
        chosen: ``[series] bool``.
        scale: ``[chosen]``, for MASE.
        forecasts: By method ``[origins, series, horizon]``, of validation and of the test part.
    """
    validation, test = (
        {
            name: error_measures(
                np.stack([series.counts[chosen, one : one + plan.horizon] for one in origins]),
                values[:, chosen],
                scale,
            )
            for name, values in by_method.items()
        }
        for origins, by_method in zip((plan.validation, plan.test), forecasts, strict=True)
    )
    return {name: {**test[name], "validation_wape": validation[name]["wape"]} for name in test}


def _pairs(
    series: DemandSeries, origins: np.ndarray, limit: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of a series and an origin, or a sample."""
    count = len(series.keys) * len(origins)
    numbers = np.arange(count)
    if count > limit:
        numbers = rng.choice(count, limit, replace=False)
    return numbers // len(origins), origins[numbers % len(origins)]


def _at(
    series: DemandSeries, name: str, network: TrainedForecaster, origin: int, plan: Plan
) -> np.ndarray:
    """The forecast of one method from one origin, ``[series, horizon]``."""
    if name == COMBINED:
        parts = [_at(series, one, network, origin, plan) for one in (GRU, HOLT_WINTERS)]
        return np.mean(parts, axis=0)
    if name != GRU:
        return METHODS[name](series.counts[:, :origin], plan.horizon, series.season)
    rows = np.arange(len(series.keys))
    origins = np.full(len(rows), origin)
    return network.rates(windows(series, rows, origins, window=plan.window, horizon=plan.horizon))


def _chosen(errors: Mapping[str, float | None]) -> str:
    """The method of the least error in validation; simple smoothing where nothing was sold in it."""
    known = {name: error for name, error in errors.items() if error is not None}
    return min(known, key=known.__getitem__) if known else SIMPLE
