"""While bundles are exchanged every event counts once and every change of an item is kept."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType, Item
from data.sources.own_log import LOG_NAME
from data.synthetic import END_TIME
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.state.event_log import EventLog
from tests.towers.decayed_counts import decayed
from towers.retrieval.popularity import Popularity

START = END_TIME + 60.0
PUBLISH_COUNT = 8
HALF_LIFE_DAYS = {"popularity": 30.0, "trend": 3.0, "surge": 1 / 24}
DID = (EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE, EventType.FAVORITE)


def event_of(number: int, item_id: str) -> Event:
    """An event of a visitor who does nothing else; some come two hours late, some five weeks."""
    time = START + number / 100 - {0: 7_200.0, 5: 35 * 86_400.0}.get(number % 10, 0.0)
    return Event(f"e{number}", DID[number % 4], f"v{number}", time, item_id)


def counts_of(engine: Engine) -> dict[str, object]:
    """Everything that is counted of each item, and of whom sessions are held."""
    catalog, sources = engine.bundle.catalog, engine.bundle.ranker.sources
    found: dict[str, object] = {"visitors": engine.sessions.visitor_count}
    # An item that was taken out has no row after a restart.
    rows = [row for row in range(catalog.count) if catalog.listed[row]]
    found["titles"] = {catalog.item_ids[row]: catalog.titles[row] for row in rows}
    for name in HALF_LIFE_DAYS:
        counts: Popularity = getattr(sources, name)
        values = [*counts.counts.tolist(), *[0.0] * catalog.count]
        by_id = {catalog.item_ids[row]: values[row] for row in rows}
        found[name] = (by_id, counts.base_time, counts.newest_time)
    return found


def demand(engine: Engine, now: float) -> dict[tuple[str, str], float]:
    """The counts of all listed items at a time, by the name of the count and the item's id."""
    catalog, sources = engine.bundle.catalog, engine.bundle.ranker.sources
    rows = np.flatnonzero(catalog.listed[: catalog.count])
    return {
        (name, catalog.item_ids[row]): float(value)
        for name in HALF_LIFE_DAYS
        for row, value in zip(rows, getattr(sources, name).at(rows, now), strict=True)
    }


def demand_by_hand(
    engine: Engine, shop_bundle: Path, events: list[Event], now: float
) -> dict[tuple[str, str], float]:
    """What ``demand`` should be: that of the bundle alone, and the events on top."""
    alone = Engine.open(shop_bundle, clock=Clock(START))
    try:
        before = demand(alone, START)
    finally:
        alone.close()
    of_item: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.time):
        of_item.setdefault(event.item_id, []).append(event)
    return {
        (name, item_id): before.get((name, item_id), 0.0)
        * 0.5 ** ((now - START) / (HALF_LIFE_DAYS[name] * 86_400.0))
        + decayed(of_item.get(item_id, ()), item_id, now, HALF_LIFE_DAYS[name])
        for name, item_id in demand(engine, now)
    }


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(START))
    yield engine
    engine.close()


def test_after_many_exchanges_the_counts_are_those_of_the_log(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    known = engine.bundle.catalog.item_ids[:50]
    numbers, is_over = itertools.count(1), threading.Event()
    # The first one ends the pause since the bundle's newest event.
    told = [Event("first", EventType.VIEW, "first", START, known[0])]
    engine.record(told)

    def record(events: list[Event]) -> int:
        told.extend(events)
        return engine.record(events).recorded_count

    def shop() -> int:
        count = 0
        while not is_over.is_set():
            count += record([event_of(n, known[n % 50]) for n in itertools.islice(numbers, 3)])
        return count

    def stock() -> int:
        """New items, each bought as soon as it is there, renamed and now and then taken out."""
        count = recorded = 0
        while not is_over.is_set():
            engine.update_items([Item(f"new{count}", f"Lamp {count}")])
            recorded += record([event_of(next(numbers), f"new{count}")])
            engine.update_items([Item(f"new{count % 7}", f"Lantern {count}")])
            if count % 5 == 4:
                engine.delete_items([f"new{count - 1}"])
            count += 1
        return recorded

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with ThreadPoolExecutor(4) as pool:
            shopping = [pool.submit(shop) for _ in range(3)]
            stocking = pool.submit(stock)
            try:
                for _ in range(PUBLISH_COUNT):
                    engine.publish(str(shop_bundle))
            finally:
                is_over.set()
            recorded = sum(one.result() for one in shopping) + stocking.result()
    finally:
        sys.setswitchinterval(interval)
    assert engine.log.event_count == len(told) == recorded + 1 > 100
    assert min(event.time for event in told) < engine.bundle.facts.counted_until
    now = START + 3_600.0
    expected = pytest.approx(demand_by_hand(engine, shop_bundle, told, now), rel=1e-6, abs=1e-9)
    assert demand(engine, now) == expected
    live = counts_of(engine)
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(START))
    try:
        assert live == counts_of(again)
        assert demand(again, now) == expected
    finally:
        again.close()


def test_the_log_says_up_to_where_events_were_applied_and_holds_the_later_ones(
    tmp_path: Path,
) -> None:
    path, applied = tmp_path / LOG_NAME, []
    log = EventLog(path, after_commit=lambda event: applied.append(event.event_id))
    events = [event_of(number, "i") for number in range(6)]
    log.append_events(events[:2])
    assert log.applied_sequence == 2
    log.enqueue_event(events[2])
    log.flush()
    with ThreadPoolExecutor(1) as pool:
        with log.applying_paused() as until:
            assert until == 2
            later = pool.submit(log.append_events, events[3:5])
            while log.event_count < 5:
                pass
            # They are on disk, yet whoever has the log paused is not told of them.
            assert applied == ["e0", "e1"]
            replayed = [entry.sequence for entry in log.replay(1, until_sequence=until)]
            assert replayed == [2]
        assert later.result(timeout=10) == [True, True]
    assert applied == ["e0", "e1", "e3", "e4"]
    assert log.applied_sequence == 5
    assert log.append_events([events[0], events[5], events[5]]) == [False, True, False]
    assert log.applied_sequence == 6
    log.close()
    log = EventLog(path)
    assert log.applied_sequence == 6
    log.close()


def test_an_event_whose_callback_fails_does_not_keep_the_rest_of_its_batch_from_counting(
    tmp_path: Path,
) -> None:
    seen = []

    def apply(event: Event) -> None:
        seen.append(event.event_id)
        if event.event_id == "e1":
            raise LookupError("e1")

    log = EventLog(tmp_path / LOG_NAME, after_commit=apply)
    with pytest.raises(LookupError, match="^e1$"):
        log.append_events([event_of(number, "i") for number in range(3)])
    assert seen == ["e0", "e1", "e2"]
    assert log.applied_sequence == 3
    log.close()
