"""A planted weekly pattern is recovered better than by the naive forecast; windows see no future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import InputError
from tests.quick_training import Silence
from tests.towers.planted_week import WEEK, planted_shop
from towers.demand.forecast import GRU, NAIVE, Forecast, Plan, forecast_demand
from towers.demand.series import DemandSeries
from towers.demand.windows import windows


@pytest.fixture(scope="module")
def series() -> DemandSeries:
    shop = planted_shop(item_count=24, day_count=150, seed=2)
    return DemandSeries.of(shop, period_days=1, item_limit=24, until_share=0.6)


@pytest.fixture(scope="module")
def found(series: DemandSeries) -> Forecast:
    return forecast_demand(series, 7, seed=3, stages=Silence())


def test_the_network_recovers_a_planted_week_better_than_the_naive_forecast(
    found: Forecast,
) -> None:
    assert {group["kind"] for group in found.report["groups"]} == {"item", "category"}
    for group in found.report["groups"]:
        of = group["methods"]
        # Noise alone leaves the naive forecast √2 times the error of the true rates, 1 / 0.71; of a
        # category so much is sold that there is little noise.
        bar = 0.9 if group["kind"] == "item" else 1.0
        assert of[GRU]["wape"] < bar * of[NAIVE]["wape"], group
        assert of[GRU]["mase"] < bar * of[NAIVE]["mase"], group
        assert abs(of[GRU]["bias"]) < 0.1
    items = found.series.kinds == "item"
    # The day before the series began was a Monday, so that the coming days are known.
    first = int(found.series.time_of(found.series.period_count) // 86_400) - 19_723
    expected = np.roll(WEEK, -(first % 7)) / WEEK.sum()
    share = found.coming[items].sum(axis=0) / found.coming[items].sum()
    assert share == pytest.approx(expected, abs=0.05)


def test_the_method_chosen_is_that_of_the_least_error_in_validation(found: Forecast) -> None:
    for group in found.report["groups"]:
        errors = {name: one["validation_wape"] for name, one in group["methods"].items()}
        assert errors[group["chosen"]] == min(errors.values())
        assert group["chosen"] != NAIVE
        chosen = (found.series.kinds == group["kind"]) & (found.classes == group["class"])
        assert set(found.methods[chosen]) == {group["chosen"]}
    assert sum(group["series_count"] for group in found.report["groups"]) == len(found.coming)


def test_windows_read_nothing_from_the_origin_on(series: DemandSeries) -> None:
    rng = np.random.default_rng(0)
    other = {name: getattr(series, name).copy() for name in ("counts", "prices", "promotions")}
    for values in other.values():
        values[:, 100:] = rng.uniform(1, 9, values[:, 100:].shape)
    rows, origins = np.arange(5), np.full(5, 100)
    before = windows(series, rows, origins, window=35, horizon=7)
    after = windows(replace(series, **other), rows, origins, window=35, horizon=7)
    for name in before:
        if name == "counts":
            assert not np.array_equal(before[name], after[name])
        else:
            np.testing.assert_array_equal(before[name], after[name])


def test_parts_follow_each_other_and_their_horizons_do_not_overlap(series: DemandSeries) -> None:
    plan = Plan.of(series, 6)
    assert plan.test == (133, 136, 139, 142) and series.period_count == 148
    assert plan.validation == (121, 124, 127)
    assert max(plan.validation) + 6 <= min(plan.test)
    assert plan.training_end == 121 and plan.window == 35


def test_three_years_of_weeks_are_planned_with_their_season(series: DemandSeries) -> None:
    weekly = replace(series, period_days=7, counts=np.zeros((3, 156)))
    assert weekly.season == 52
    plan = Plan.of(weekly, 4)
    # Test: 4 and three times 2 weeks; validation: 4 and twice 2; the network reads 16 weeks.
    assert plan.test[0] == 156 - 10 and plan.training_end == 146 - 8 and plan.window == 16


def test_too_short_a_log_is_refused_with_what_it_needs(series: DemandSeries) -> None:
    short = replace(series, counts=series.counts[:, :60])
    with pytest.raises(InputError, match="over 91 whole days or more for a horizon of 14, .* 60"):
        Plan.of(short, 14)
