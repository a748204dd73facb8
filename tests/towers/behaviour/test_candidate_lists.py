"""Candidates of the next item and their features, worked out by hand and by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.records import Event, EventType
from tests.towers.behaviour.tiny_log import ITEMS, event, random_events, tables
from towers.behaviour.candidate_lists import FEATURE_NAMES, CandidateLists, CandidateSources
from towers.behaviour.tasks import Limits, next_item
from towers.behaviour.visit_log import VisitLog

VIEW, BUY = EventType.VIEW, EventType.PURCHASE
DAY = 86_400.0


def lists_of(events: list[Event], moments: list[int], answers: list[int]) -> CandidateLists:
    log = VisitLog.of(tables(events, test_from=1e9), seed=0)
    return CandidateSources(log).lists(np.array(moments), np.array(answers))


def test_features_of_candidates_are_those_worked_out_by_hand() -> None:
    tea, mate, cup, _ = range(4)
    events = [
        event(VIEW, 0.0, "tea", visit="v0", visitor="ben", price=3.0),
        event(BUY, 10.0, "cup", visit="v0", visitor="ben", price=9.0),
        event(VIEW, 20.0, "tea", visit="v1", visitor="cat"),
        event(VIEW, 30.0, "mate", visit="v1", visitor="cat", price=4.0),
        event(VIEW, DAY + 10, "tea", visit="v2", visitor="ben", price=3.0),
        event(BUY, DAY + 20, "cup", visit="v2", visitor="ben", price=9.0),
    ]
    found = lists_of(events, [4], [cup])
    assert found.found.tolist() == [True]
    candidates = found.items[0].tolist()
    # Known at the moment, and not the newest item itself: no list holds the tea, or the pot.
    assert set(candidates) - {-1} == {mate, cup}
    assert candidates[int(found.answers[0])] == cup
    of_cup = dict(zip(FEATURE_NAMES, found.features[0, candidates.index(cup)], strict=True))
    assert of_cup["item_events"] == of_cup["item_purchases"] == pytest.approx(math.log(2))
    assert of_cup["together_with_newest"] == pytest.approx(math.log(2))
    # The tea was seen with one cup and with one mate.
    assert of_cup["together_share_of_newest"] == pytest.approx(0.5)
    assert of_cup["visitor_events"] == pytest.approx(math.log(2))
    assert of_cup["visitor_days_since"] == pytest.approx(math.log(2))
    assert of_cup["visitor_knows"] == of_cup["same_brand_as_newest"] == 1.0
    assert of_cup["same_category_as_newest"] == of_cup["in_visit"] == 0.0
    assert of_cup["price_difference"] == pytest.approx(math.log(10) - math.log(4))
    of_mate = dict(zip(FEATURE_NAMES, found.features[0, candidates.index(mate)], strict=True))
    assert of_mate["same_category_as_newest"] == 1.0 and of_mate["visitor_knows"] == 0.0
    assert not found.features[~found.present].any()
    assert tea not in candidates


def test_an_item_that_no_source_finds_is_counted_and_not_slipped_in() -> None:
    pot = 3
    events = [
        event(VIEW, 10.0 * at, item, visit="v") for at, item in enumerate(("tea", "cup", "pot"))
    ]
    found = lists_of(events, [0, 1], [2, pot])
    assert found.found.tolist() == [False, False]
    assert len(found.items) == len(found.features) == len(found.answers) == 0


def test_pairs_are_counted_as_a_walk_over_earlier_visits_counts_them() -> None:
    events = random_events(240, seed=8)
    log = VisitLog.of(tables(events, test_from=1e9), seed=0)
    task = next_item(log, Limits(60, 5, 5), seed=0)
    moments, answers = task.moments["training"], task.labels["training"]
    lists = CandidateSources(log).lists(moments, answers)
    together = FEATURE_NAMES.index("together_with_newest")
    for at, moment in enumerate(moments[lists.found].tolist()):
        newest = [
            int(i) for i in log.items[: moment + 1][log.visits[: moment + 1] == log.visits[moment]]
        ]
        newest_item = [-1, *(item for item in newest if item >= 0)][-1]
        for place, item in enumerate(lists.items[at].tolist()):
            if item < 0:
                continue
            count = 0
            for visit in np.unique(log.visits[: moment + 1]):
                seen = log.items[: moment + 1][log.visits[: moment + 1] == visit]
                seen = seen[seen >= 0]
                for left in range(len(seen)):
                    for right in range(left + 1, min(len(seen), left + 9)):
                        count += {int(seen[left]), int(seen[right])} == {newest_item, item}
            assert lists.features[at, place, together] == pytest.approx(math.log1p(count))


def test_the_future_changes_no_candidate() -> None:
    events = random_events(300, seed=4)
    other = [*events[:200], *(one for one in random_events(300, seed=5)[200:])]
    moments, answers = np.arange(199), np.arange(199) % len(ITEMS)
    whole, changed = (
        CandidateSources(VisitLog.of(tables(log, test_from=1e9), seed=0)).lists(moments, answers)
        for log in (events, other)
    )
    assert len(whole.items) > 50
    np.testing.assert_array_equal(whole.items, changed.items)
    np.testing.assert_array_equal(whole.features, changed.features)
