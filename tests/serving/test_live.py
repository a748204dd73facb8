"""What happens is known at once, in its place, once, and in bounded memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.evaluation.intent_shift import measure_intent_shift
from serving.state.session_store import SessionStore
from towers.sessions.session import BOUGHT_LIMIT, DISLIKED_LIMIT, EVENT_LIMIT

START = END_TIME + 60.0
HOME = RecommendRequest(Placement.HOME, "another visitor", page_size=20)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    yield engine
    engine.close()


def view(item_id: str, time: float, visitor_id: str = "ann") -> Event:
    return Event(f"{visitor_id}{item_id}{time}", EventType.VIEW, visitor_id, time, item_id)


def test_a_promotion_is_on_the_home_page_within_a_minute(engine: Engine, clock: Clock) -> None:
    shown = {result.item_id for result in engine.recommend(HOME).results}
    counts = engine.bundle.ranker.sources.popularity.counts
    catalog = engine.bundle.catalog
    # The least wanted items of the shop: nobody would see them otherwise.
    rows = sorted(range(catalog.count), key=lambda row: counts[row])[:3]
    for row in rows:
        item_id = catalog.item_ids[row]
        assert item_id not in shown
        clock.now += 3_600.0
        engine.record([view(item_id, clock.now + n / 10, f"crowd{row}-{n}") for n in range(300)])
        clock.now += 45.0
        assert item_id in [result.item_id for result in engine.recommend(HOME).results]


def test_a_surge_ebbs_away_within_a_day(engine: Engine, clock: Clock) -> None:
    sources = engine.bundle.ranker.sources
    row = engine.bundle.catalog.row_of["p0239"]
    engine.record([view("p0239", clock.now, f"crowd{n}") for n in range(300)])
    assert sources.popular.rows(clock.now, 20)[0] == row
    assert sources.popular.is_surging(np.array([row]), clock.now).tolist() == [True]
    # Others are viewed all day, and the surge has halved 24 times.
    engine.record([view("p0000", clock.now + n * 600.0, f"late{n}") for n in range(144)])
    later = clock.now + 86_400.0
    assert sources.popular.is_surging(np.array([row]), later).tolist() == [False]
    assert sources.surge.at(np.array([row]), later)[0] == pytest.approx(30.0 * 2.0**-24, rel=0.05)


@pytest.mark.parametrize(("type_", "times"), [(EventType.PURCHASE, 12), (EventType.VIEW, 120)])
def test_one_visitor_alone_never_leads_the_home_page_of_another_but_a_crowd_does(
    engine: Engine, clock: Clock, type_: EventType, times: int
) -> None:
    """What a crowd of so many visitors lifts to the top, one visitor does not by as many events."""
    alone, crowd = "p0239", "p0238"
    # Half a day after the shop's last hour, of which nothing is left by then.
    clock.now += 43_200.0
    for number in range(times):
        at = clock.now + number / 10
        engine.record([Event(f"a{number}", type_, "eager", at, alone)])
    clock.now += 60.0
    assert engine.recommend(HOME).results[0].item_id != alone
    for number in range(times):
        at = clock.now + number / 10
        engine.record([Event(f"c{number}", type_, f"crowd{number}", at, crowd)])
    clock.now += 60.0
    assert engine.recommend(HOME).results[0].item_id == crowd


@pytest.mark.parametrize("way", ["restart", "publish"])
def test_nobody_counts_twice_a_day_over_a_restart_or_another_bundle(
    engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock, way: str
) -> None:
    row = engine.bundle.catalog.row_of["p0239"]
    engine.record([Event("first", EventType.PURCHASE, "bob", clock.now, "p0239")])
    once = engine.bundle.ranker.sources.trend.counts.copy()
    if way == "publish":
        engine.publish(str(shop_bundle))
        now = engine
    else:
        engine.close()
        now = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    try:
        later = now.bundle.ranker.sources.trend
        now.record([Event("again", EventType.PURCHASE, "bob", clock.now + 60.0, "p0239")])
        assert later.counts[row] == pytest.approx(once[row])
        # A visitor who has not counted yet does.
        now.record([Event("other", EventType.PURCHASE, "eve", clock.now + 60.0, "p0239")])
        assert later.counts[row] > once[row]
    finally:
        now.close()


def test_late_events_are_put_in_their_place(engine: Engine) -> None:
    events = [view(f"p00{n:02}", START - 100 + n) for n in range(20)]
    told = events.copy()
    random.Random(3).shuffle(told)
    for event in told:
        engine.record([event])
    assert list(engine.sessions.get("ann").events) == events


def test_an_event_told_twice_counts_once(engine: Engine) -> None:
    event = view("p0001", START)
    sources, row = engine.bundle.ranker.sources, engine.bundle.catalog.row_of["p0001"]
    assert engine.record([event, event]).duplicate_count == 1
    counts = [float(one.counts[row]) for one in (sources.popularity, sources.trend, sources.surge)]
    assert engine.record([event]).duplicate_count == 1
    assert len(engine.sessions.get("ann").events) == 1
    after = [float(one.counts[row]) for one in (sources.popularity, sources.trend, sources.surge)]
    assert after == counts


def test_two_tabs_of_one_visitor_add_up_to_one_session(engine: Engine) -> None:
    tabs = [[view(f"p0{tab}{n:02}", START + n + tab / 2) for n in range(20)] for tab in (0, 1)]

    def browse(events: list[Event]) -> None:
        for event in events:
            engine.record([event])
            answer = engine.recommend(RecommendRequest(Placement.HOME, "ann"))
            # Its own event at least is known; of the other tab's as many as there were.
            assert answer.session_event_count >= 1

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(browse, tabs))
    expected = sorted([*tabs[0], *tabs[1]], key=lambda event: event.time)
    assert list(engine.sessions.get("ann").events) == expected


def test_events_of_unknown_items_are_counted_after_a_restart_too(
    engine: Engine, shop_bundle: Path, tmp_path: Path, clock: Clock
) -> None:
    engine.update_items([Item("new", "A lamp")])
    engine.record([view("p0001", START), view("nowhere", START), view("new", START)])
    assert engine.status().unknown_item_event_count == 1
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=clock)
    try:
        assert again.status().unknown_item_event_count == 1
        assert again.bundle.ranker.sources.surge.counts[again.bundle.catalog.row_of["new"]] > 0
    finally:
        again.close()


def test_a_hundred_thousand_events_of_one_visitor_stay_within_bounds() -> None:
    store, types = SessionStore(), list(EventType)[1:10]
    for number in range(100_000):
        type_ = types[number % len(types)]
        is_search = type_ is EventType.SEARCH
        store.apply(
            Event(
                f"e{number}",
                type_,
                "bot",
                float(number),
                "" if is_search else f"i{number}",
                "words" if is_search else "",
                rating=1.0 if type_ is EventType.REVIEW else None,
                text="x" * 5_000 if type_ is EventType.REVIEW else "",
            )
        )
    session = store.get("bot")
    assert len(session.events) == EVENT_LIMIT
    assert session.events[-1].event_id == "e99999"
    assert len(session.bought) == BOUGHT_LIMIT
    assert len(session.disliked) == DISLIKED_LIMIT
    assert not any(event.text for event in session.events)


def test_made_up_visitors_do_not_fill_the_memory_and_real_ones_stay() -> None:
    store = SessionStore(visitor_limit=500, held_event_limit=2_000)
    for number in range(20_000):
        store.apply(view("a", float(number), f"bot{number}"))
        if number % 100 == 0:
            store.apply(view("b", float(number), "ann"))
    assert store.visitor_count <= 500
    assert store.get("bot0").events == ()
    assert store.get("ann").events
    held = sum(len(one.events) + len(one.bought) for one in store._sessions.values())
    assert held <= 2_000


def test_the_turn_is_measured_as_by_hand(engine: Engine, clock: Clock) -> None:
    report = measure_intent_shift(engine, 12, start=START, set_time=clock.set, seed=1)
    assert report["shopper_count"] == 12
    for kind in ("two_views", "one_search"):
        part = report[kind]
        assert 0 <= part["low"] <= part["mean"] <= part["high"] <= 1
        assert part["mean"] >= 0.7
        assert report[f"{kind}_top"]["mean"] >= part["mean"]
    # Of a hundred places, the ten likest of the newest kind leave the first ones.
    assert 2 < report["review_fall"]["low"] <= report["review_fall"]["mean"] < 100
    assert engine.log.event_count == 0
