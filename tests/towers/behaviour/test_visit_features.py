"""Features of a visit's prefix are those worked out by hand, and know nothing of what follows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.records import EventType
from tests.towers.behaviour.tiny_log import event, random_events, tables
from towers.behaviour.visit_features import FACT_NAMES, SLOT_COUNT, SUMMARY_NAMES, VisitFeatures
from towers.behaviour.visit_log import VisitLog

DAY = 86_400.0
VISIT = (
    event(EventType.PURCHASE, 0.0, "tea", visit="v0", price=3.0),
    event(EventType.VIEW, 2 * DAY, "tea", price=3.0),
    event(EventType.SEARCH, 2 * DAY + 20),
    event(EventType.VIEW, 2 * DAY + 60, "cup", price=9.0),
    event(EventType.ADD_TO_CART, 2 * DAY + 90, "cup"),
    event(EventType.VIEW, 2 * DAY + 100, "pot", visit="v2", visitor="ben", price=20.0),
    event(EventType.VIEW, 2 * DAY + 190, "tea", price=3.0),
)


def summary_of(features: VisitFeatures, number: int) -> dict[str, float]:
    return dict(zip(SUMMARY_NAMES, features.summaries[number].tolist(), strict=True))


def test_the_features_of_a_prefix_are_those_worked_out_by_hand() -> None:
    features = VisitFeatures(VisitLog.of(tables(VISIT, test_from=9 * DAY), seed=0))
    cart = summary_of(features, 4)
    assert cart["is_add_to_cart"] == 1.0 and cart["is_view"] == 0.0
    assert cart["view_count"] == pytest.approx(math.log(3))
    assert cart["search_count"] == cart["add_to_cart_count"] == pytest.approx(math.log(2))
    assert cart["seconds_since_previous"] == pytest.approx(math.log(31))
    assert cart["seconds_since_start"] == pytest.approx(math.log(91))
    assert cart["cart_size"] == pytest.approx(math.log(2))
    assert cart["distinct_items"] == cart["distinct_categories"] == pytest.approx(math.log(3))
    assert cart["price_is_known"] == 0.0
    assert cart["item_repeats_in_visit"] == pytest.approx(math.log(2))
    # The cup was seen once, the tea bought once two days before, by this visitor.
    assert cart["item_events"] == pytest.approx(math.log(2))
    assert cart["visitor_earlier_events"] == pytest.approx(math.log(2))
    assert cart["visitor_earlier_purchases"] == pytest.approx(math.log(2))
    assert cart["days_since_last_visit"] == pytest.approx(math.log(3))
    assert cart["item_bought_earlier"] == 0.0
    # One purchase in four earlier events, worth twenty events more: (0 + 20 / 4) / (1 + 20).
    assert cart["item_purchase_rate"] == pytest.approx(5 / 21)
    again = summary_of(features, 6)
    assert again["item_bought_earlier"] == 1.0
    assert again["price_over_visit_mean"] == pytest.approx(
        math.log(4) - (2 * math.log(4) + math.log(10)) / 3
    )
    other = summary_of(features, 5)
    assert other["is_new_visitor"] == 1.0 and other["seconds_since_start"] == 0.0
    # Two o'clock would be at a sine of 1/2: 2 of 24 hours are 30 degrees.
    assert other["hour_sine"] == pytest.approx(math.sin(2 * math.pi * 100 / DAY), abs=1e-6)


def test_sequences_hold_the_newest_events_of_the_visit_newest_first() -> None:
    features = VisitFeatures(VisitLog.of(tables(VISIT, test_from=9 * DAY), seed=0))
    facts, present = features.sequences(np.array([6, 5]))
    assert present.sum(axis=1).tolist() == [5, 1]
    assert facts.shape == (2, SLOT_COUNT, len(FACT_NAMES))
    types = facts[0, :5, :9].argmax(axis=1)
    in_order = [EventType.VIEW, EventType.ADD_TO_CART, EventType.VIEW, EventType.SEARCH]
    assert [one - 1 for one in [*in_order, EventType.VIEW]] == types.tolist()
    assert not facts[~present].any()


def test_the_future_changes_no_feature() -> None:
    events = random_events(300, seed=4)
    other = [*events[:200], *(one for one in random_events(300, seed=5)[200:])]
    whole, changed = (
        VisitFeatures(VisitLog.of(tables(log, test_from=1e9), seed=0)) for log in (events, other)
    )
    np.testing.assert_array_equal(whole.summaries[:200], changed.summaries[:200])
    assert (whole.summaries[200:] != changed.summaries[200:]).any()
    moments = np.arange(200)
    np.testing.assert_array_equal(whole.sequences(moments)[0], changed.sequences(moments)[0])


def test_lines_of_a_basket_are_shuffled_since_their_order_says_nothing() -> None:
    baskets = [
        event(EventType.PURCHASE, DAY * day, item, visit=f"b{day}")
        for day in range(20)
        for item in ("cup", "mate", "pot", "tea")
    ]
    log = VisitLog.of(tables(baskets, test_from=1e9), seed=1)
    assert log.is_basket_log
    orders = log.items.reshape(20, 4)
    assert (np.sort(orders, axis=1) == np.arange(4)).all()
    assert len({tuple(order) for order in orders.tolist()}) > 5
    assert not VisitLog.of(tables(VISIT, test_from=1e9), seed=1).is_basket_log
