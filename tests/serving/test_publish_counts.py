"""While bundles are exchanged every event counts once and every change of an item is kept."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.records import Event, EventType, Item
from data.sources.own_log import LOG_NAME
from data.synthetic import END_TIME
from serving.engine import Engine
from serving.evaluation.as_served import Clock
from serving.state.event_log import EventLog
from towers.retrieval.popularity import Popularity

START = END_TIME + 60.0
PUBLISH_COUNT = 8
COUNTS = ("popularity", "trend", "surge")
DID = (EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE, EventType.FAVORITE)


def event_of(number: int, item_id: str) -> Event:
    """An event of a visitor who does nothing else; every tenth comes two hours late."""
    time = START + number / 100 - (7_200.0 if number % 10 == 0 else 0.0)
    return Event(f"e{number}", DID[number % 4], f"v{number}", time, item_id)


def counts_of(engine: Engine) -> dict[str, object]:
    """Everything that is counted of each item, and of whom sessions are held."""
    catalog, sources = engine.bundle.catalog, engine.bundle.ranker.sources
    found: dict[str, object] = {"visitors": engine.sessions.visitor_count}
    # An item that was taken out has no row after a restart.
    rows = [row for row in range(catalog.count) if catalog.listed[row]]
    found["titles"] = {catalog.item_ids[row]: catalog.titles[row] for row in rows}
    for name in COUNTS:
        counts: Popularity = getattr(sources, name)
        values = [*counts.counts.tolist(), *[0.0] * catalog.count]
        by_id = {catalog.item_ids[row]: values[row] for row in rows}
        found[name] = (by_id, counts.base_time, counts.newest_time)
    return found


@pytest.fixture
def engine(shop_bundle: Path, tmp_path: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(START))
    yield engine
    engine.close()


def test_after_many_exchanges_the_counts_are_those_of_the_log(
    engine: Engine, shop_bundle: Path, tmp_path: Path
) -> None:
    known = engine.bundle.catalog.item_ids[:50]
    numbers, is_over = itertools.count(), threading.Event()

    def shop() -> int:
        count = 0
        while not is_over.is_set():
            batch = [event_of(n, known[n % 50]) for n in itertools.islice(numbers, 3)]
            count += engine.record(batch).recorded_count
        return count

    def stock() -> int:
        """New items, each bought as soon as it is there, renamed and now and then taken out."""
        count = 0
        while not is_over.is_set():
            engine.update_items([Item(f"new{count}", f"Lamp {count}")])
            engine.record([event_of(next(numbers), f"new{count}")])
            engine.update_items([Item(f"new{count % 7}", f"Lantern {count}")])
            if count % 5 == 4:
                engine.delete_items([f"new{count - 1}"])
            count += 1
        return count

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
    assert engine.log.event_count == recorded > 100
    live = counts_of(engine)
    engine.close()
    again = Engine.open(shop_bundle, tmp_path / "state", clock=Clock(START))
    try:
        assert live == counts_of(again)
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
