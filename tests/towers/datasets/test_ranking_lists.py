"""Ranking lists: real requests, candidates as of their time, and no leak from the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from tests.towers import shelf
from tests.towers.decayed_counts import decayed
from towers.datasets.pseudo_judgments import MadeQuery, graded
from towers.datasets.ranking_lists import Lists, query_lists, replayed_lists
from towers.datasets.replayed_log import ReplayedLog
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.retrieval.sources.popular import Popular
from towers.sessions.session import Session

POPULARITY = FEATURE_NAMES.index("popularity")
SESSION_EVENT_COUNT = FEATURE_NAMES.index("session_event_count")
IS_SEARCH = FEATURE_NAMES.index("is_search")
EVENT_COUNT = 1_200


def uncounted() -> Ranker:
    """A ranker whose popularity has seen nothing yet."""
    ranker = shelf.ranker()
    ranker.sources.popular = Popular()
    return ranker


def log_of(events: tuple[Event, ...], learn_from: float = -np.inf) -> ReplayedLog:
    return ReplayedLog.of(events, shelf.catalog().row_of, learn_from_time=learn_from)


@pytest.fixture(scope="module")
def lists() -> Lists:
    log = log_of(shelf.events()[:EVENT_COUNT])
    return replayed_lists(log, uncounted(), request_limit=250, seed=7)[0]


def test_every_list_holds_something_relevant_and_is_padded_with_nothing(lists: Lists) -> None:
    assert 150 < lists.count <= 250
    assert lists.features.shape == (lists.count, 128, len(FEATURE_NAMES))
    assert (lists.labels.sum(axis=1) >= 1).all() and set(np.unique(lists.labels)) == {0.0, 1.0}
    assert not lists.labels[~lists.present].any()
    assert not lists.features[~lists.present].any()
    # Present candidates stand in front.
    assert (np.diff(lists.present.astype(int), axis=1) <= 0).all()
    assert np.isfinite(lists.features).all()


def test_some_moments_search_and_most_browse(lists: Lists) -> None:
    share = (lists.features[:, 0, IS_SEARCH] == 1).mean()
    assert 0.2 < share < 0.5


@pytest.mark.parametrize(("turned_share", "most_events"), [(0.0, 1), (1.0, 2)])
def test_an_intent_shift_begins_with_the_events_of_another_visitor(
    turned_share: float, most_events: int
) -> None:
    """Every visitor views two items: before the second there is one event, or another visitor's too."""
    ids = [item.item_id for item in shelf.items()]
    events = tuple(
        Event(f"e{n}", EventType.VIEW, f"v{n // 2}", END_TIME + n, ids[n % 2]) for n in range(80)
    )
    lists, _ = replayed_lists(
        log_of(events), uncounted(), request_limit=10**6, turned_share=turned_share, seed=7
    )
    browses = lists.features[:, 0, IS_SEARCH] == 0
    counts = np.expm1(lists.features[browses, 0, SESSION_EVENT_COUNT])
    assert counts.max() == pytest.approx(most_events, rel=1e-5)


@pytest.mark.parametrize("boundary", [0, 300, 1_200])
def test_lists_to_learn_from_are_those_of_the_requests_before_the_boundary(boundary: int) -> None:
    log = log_of(shelf.events()[:EVENT_COUNT])
    lists, report = replayed_lists(
        log, uncounted(), request_limit=10**6, held_out_from=boundary, seed=7
    )
    before, _ = replayed_lists(
        log_of(shelf.events()[:boundary]), uncounted(), request_limit=10**6, seed=7
    )
    # Without what came later a request may have no relevant candidate, but no more.
    assert before.count <= report.learnt_count <= before.count + 10
    assert (report.learnt_count == lists.count) is (boundary == EVENT_COUNT)
    _, whole = replayed_lists(log, uncounted(), request_limit=50, seed=7)
    assert whole.learnt_count == whole.found_count


def test_a_parted_log_makes_the_lists_of_the_whole() -> None:
    """Nothing of later events is in a list: a log that ends earlier gives the same ones."""
    first = log_of(shelf.events()[:200])
    longer = log_of(shelf.events()[:400])
    few, _ = replayed_lists(first, uncounted(), request_limit=10**6, seed=7)
    more, _ = replayed_lists(longer, uncounted(), request_limit=10**6, seed=7)
    # The last few moments of the short log may still wait for what follows.
    count = few.count - 5
    assert count > 50
    assert np.array_equal(few.features[:count], more.features[:count])
    assert np.array_equal(few.labels[:count], more.labels[:count])


def test_an_item_is_not_popular_through_the_very_event_that_is_to_be_predicted() -> None:
    """Each item is bought once by a visitor of its own: nobody has bought it before."""
    events = tuple(
        Event(f"e{number}", EventType.PURCHASE, f"v{number}", END_TIME + number, item.item_id)
        for number, item in enumerate(shelf.items())
    )
    ranker = uncounted()
    lists, report = replayed_lists(log_of(events), ranker, request_limit=10**6, seed=7)
    assert report.request_count == 240 and lists.count > 60
    relevant = lists.features[lists.labels == 1]
    assert (relevant[:, POPULARITY] == 0).all()
    others = lists.features[(lists.labels == 0) & lists.present]
    assert (others[:, POPULARITY] > 0).any()
    counts = ranker.sources.popularity.at(np.arange(240), END_TIME + 240)
    assert counts.tolist() == pytest.approx([1.0] * 240, rel=1e-3)


def test_events_before_the_part_to_learn_from_are_neither_asked_nor_counted() -> None:
    events = shelf.events()[:600]
    ranker = uncounted()
    log = log_of(events, events[500].time)
    _, report = replayed_lists(log, ranker, request_limit=10**6, seed=7)
    assert report.request_count <= int(log.targets.is_target[500:].sum())
    now, rows = events[-1].time, np.arange(240)
    by_hand = [decayed(events[500:], item.item_id, now, 30.0) for item in shelf.items()]
    assert ranker.sources.popularity.at(rows, now).tolist() == pytest.approx(by_hand)


def test_requests_are_sampled_and_the_same_for_a_seed() -> None:
    log = log_of(shelf.events()[:EVENT_COUNT])
    seen: list[int] = []
    one, report = replayed_lists(log, uncounted(), request_limit=60, seed=3, progress=seen.append)
    assert report.request_count <= 60 and seen == list(range(EVENT_COUNT))
    again, _ = replayed_lists(log, uncounted(), request_limit=60, seed=3)
    assert np.array_equal(one.features, again.features)
    other, _ = replayed_lists(log, uncounted(), request_limit=60, seed=4)
    assert one.features.shape != other.features.shape or not np.array_equal(
        one.features, other.features
    )


def test_what_lies_in_the_basket_is_neither_shown_nor_relevant() -> None:
    put = [
        Event(f"e{n}", EventType.ADD_TO_CART, "v", END_TIME + n, "p0004", session_id="s")
        for n in range(30)
    ]
    # The item is the target repeatedly, but is in the basket after the first time.
    lists, report = replayed_lists(log_of(tuple(put)), uncounted(), request_limit=99, seed=7)
    searches = int((lists.features[:, 0, IS_SEARCH] == 1).sum())
    assert report.request_count - searches <= 1 < searches


def test_queries_of_anonymous_visitors_make_lists_of_what_the_ranker_answers() -> None:
    ranker = shelf.ranker()
    queries = [("moccado espresso", [2, 3, 9_999]), ("tomato", [7]), ("智能手机", [14, 15])]
    lists, report = query_lists(ranker, queries, time=END_TIME, seed=7)
    recalls, kept = [], []
    for text, relevant in queries:
        session = Session.empty("").after(shelf.search(text, END_TIME, ""))
        shortlist = ranker.rank(RankRequest(session, END_TIME, text))
        found = np.isin(shortlist.rows, relevant)
        recalls.append(found.sum() / len(relevant))
        if found.any():
            kept.append({features.tobytes(): gain for features, gain in zip(
                shortlist.features, found.tolist(), strict=True)})  # fmt: skip
    assert report.request_count == 3 and report.found_count == lists.count == len(kept)
    assert report.recall == pytest.approx(np.mean(recalls))
    for position in range(lists.count):
        present = lists.present[position]
        # The requests are shuffled.
        first = lists.features[position, 0].tobytes()
        by_features = next(one for one in kept if first in one)
        for features, gain in zip(
            lists.features[position][present], lists.labels[position][present], strict=True
        ):
            assert by_features[features.tobytes()] == bool(gain)
        assert lists.labels[position].sum() == sum(by_features.values())


def test_what_nobody_finds_teaches_nothing_and_lowers_the_recall() -> None:
    ranker = shelf.ranker()
    lists, report = query_lists(ranker, [("espresso", [9_999])], time=END_TIME, seed=7)
    assert lists.count == 0 and lists.features.shape == (0, 128, len(FEATURE_NAMES))
    assert (report.request_count, report.found_count, report.recall) == (1, 0, 0.0)


def test_a_list_of_relevant_items_alone_is_left_out() -> None:
    queries = [("espresso", range(240)), ("espresso", [2])]
    lists, report = query_lists(shelf.ranker(), queries, time=END_TIME, seed=7)
    assert (report.request_count, report.found_count) == (2, 1)
    assert lists.labels.sum() == 1


def test_no_queries_make_no_lists() -> None:
    lists, report = query_lists(shelf.ranker(), [], time=END_TIME, seed=7)
    assert lists.count == 0 and report == replace(report, request_count=0, recall=0.0)


def test_a_made_query_makes_a_list_of_graded_gains_that_counts_for_no_recall() -> None:
    ranker = shelf.ranker()
    made = [
        MadeQuery("dark espresso", "dark espresso"),
        MadeQuery("runing shoes", "running shoes", 4),
    ]
    lists, report = query_lists(ranker, [], made, time=END_TIME, seed=7)
    assert (report.request_count, report.found_count, report.recall) == (2, 2, 0.0)
    expected = []
    for query in made:
        session = Session.empty("").after(shelf.search(query.text, END_TIME, ""))
        shortlist = ranker.rank(RankRequest(session, END_TIME, query.text))
        gains = graded(ranker, query, shortlist.rows)
        expected.append(
            {row.tobytes(): gain for row, gain in zip(shortlist.features, gains, strict=True)}
        )
    assert len({gain for one in expected for gain in one.values()}) > 2
    for position in range(2):
        present = lists.present[position]
        found = {
            row.tobytes(): gain
            for row, gain in zip(
                lists.features[position][present], lists.labels[position][present], strict=True
            )
        }
        (of_query,) = [one for one in expected if found.keys() <= one.keys()]
        assert all(gain == of_query[key] for key, gain in found.items())
        # What has a gain is kept before what has none.
        assert sum(gain > 0 for gain in found.values()) == min(
            128, sum(gain > 0 for gain in of_query.values())
        )


def test_a_made_query_whose_gains_are_all_equal_is_left_out() -> None:
    made = [MadeQuery("zzyzx", "zzyzx")]
    lists, report = query_lists(shelf.ranker(), [], made, time=END_TIME, seed=7)
    assert lists.count == 0 and (report.request_count, report.found_count) == (1, 0)
