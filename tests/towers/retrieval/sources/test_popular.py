"""Counts of distinct visitors: one per day, however often they click."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType
from tests.towers.decayed_counts import DAY, decayed
from towers.catalog.items import Catalog
from towers.config import TextConfig
from towers.retrieval.bounded_map import BoundedMap
from towers.retrieval.sources.popular import Popular

T0 = 19_700 * DAY + 30_000.0
"""Morning of a day in UTC."""
ITEMS = 6
HALF_LIVES = {"popularity": 30.0, "trend": 3.0, "surge": 1.0 / 24.0}


def did(type_: EventType, row: int = 0, visitor: str = "v", time: float = T0) -> tuple[int, Event]:
    return row, Event("e", type_, visitor, time, item_id=str(row))


def counted(*events: tuple[int, Event]) -> Popular:
    source = Popular()
    for row, event in events:
        source.take_in_event(row, event)
    return source


def counts_of(source: Popular, time: float) -> dict[str, list[float]]:
    rows = np.arange(ITEMS)
    return {name: getattr(source, name).at(rows, time).tolist() for name in HALF_LIVES}


def of_one(source: Popular, time: float = T0) -> float:
    return float(source.popularity.at(np.array([0]), time)[0])


@pytest.mark.parametrize(
    ("type_", "times", "worth"), [(EventType.PURCHASE, 8, 1.0), (EventType.VIEW, 80, 0.1)]
)
def test_what_one_visitor_does_over_and_over_counts_once_in_every_count(
    type_: EventType, times: int, worth: float
) -> None:
    source = counted(*[did(type_)] * times)
    for counts in counts_of(source, T0).values():
        assert counts == pytest.approx([worth, 0, 0, 0, 0, 0])


def test_several_visitors_still_make_a_surge() -> None:
    visitors = [f"v{number}" for number in range(8)]
    source = counted(*(did(EventType.PURCHASE, 3, visitor) for visitor in visitors))
    assert source.surge.at(np.array([3]), T0)[0] == pytest.approx(8.0)
    assert source.rows(T0, 20)[0] == 3


def test_the_strongest_event_of_a_day_counts_and_adds_only_the_difference() -> None:
    order = (EventType.VIEW, EventType.VIEW, EventType.ADD_TO_CART, EventType.FAVORITE)
    assert of_one(counted(*map(did, order))) == pytest.approx(0.5)
    assert of_one(counted(*map(did, (*order, EventType.PURCHASE)))) == pytest.approx(1.0)


def test_the_next_day_a_visitor_counts_again() -> None:
    midnight = (T0 // DAY + 1) * DAY
    source = counted(
        did(EventType.PURCHASE, time=midnight - 1.0), did(EventType.PURCHASE, time=midnight)
    )
    assert of_one(source, midnight) == pytest.approx(2.0)


def test_a_clock_set_back_makes_no_further_days() -> None:
    source = counted(*(did(EventType.PURCHASE, time=T0 - day * DAY) for day in range(300)))
    assert of_one(source) == pytest.approx(1.0)


def test_a_return_takes_back_what_its_visitor_added_and_nothing_of_others() -> None:
    later = T0 + 20 * DAY
    of_others = [did(EventType.VIEW, 1, f"o{day}", T0 + day * DAY) for day in range(20)] + [
        did(EventType.PURCHASE, 0, "other", T0 + 5 * DAY)
    ]
    bought = [did(EventType.VIEW), did(EventType.PURCHASE, time=T0 + 60)]
    back = did(EventType.RETURN, time=later)
    without = counted(*of_others, did(EventType.REVIEW, time=later))
    # The clock of the counts goes on with a return too.
    without.take_in_event(*did(EventType.RETURN, 0, "somebody", later))
    expected = counts_of(without, later)
    whole = counts_of(counted(*bought, *of_others, back), later)
    for name, values in expected.items():
        assert whole[name] == pytest.approx(values, abs=1e-12), name
    # A second return, and that of a visitor who never bought, take nothing.
    again = counted(*bought, *of_others, back, back, did(EventType.RETURN, 0, "thief", later))
    assert counts_of(again, later) == whole


def test_after_a_return_of_the_same_day_the_visitor_counts_anew() -> None:
    bought, back = did(EventType.PURCHASE), did(EventType.RETURN)
    assert of_one(counted(bought, back)) == 0.0
    assert of_one(counted(bought, back, bought, back, bought)) == pytest.approx(1.0)


def test_events_without_a_visitor_id_count_as_those_of_one_visitor() -> None:
    assert of_one(counted(*[did(EventType.PURCHASE, visitor="")] * 9)) == pytest.approx(1.0)


def made_events(seed: int, count: int = 400) -> list[tuple[int, Event]]:
    """A log in time order; no day of it is without events that count."""
    rng = random.Random(seed)
    types = [*[EventType.VIEW] * 5, EventType.FAVORITE, EventType.ADD_TO_CART]
    types += [EventType.PURCHASE] * 3 + [EventType.RETURN, EventType.SEARCH]
    time, events = T0, []
    for _ in range(count):
        time += rng.choice([5.0, 600.0, 7_000.0, 20_000.0])
        row, visitor = rng.randrange(ITEMS), f"v{rng.randrange(4)}"
        events.append(did(rng.choice(types), row, visitor, time))
    return events


@pytest.mark.parametrize("seed", range(6))
def test_counts_equal_those_worked_out_visitor_by_visitor(seed: int) -> None:
    events = made_events(seed)
    now = events[-1][1].time
    found = counts_of(counted(*events), now)
    plain = [event for _, event in events]
    for name, half_life in HALF_LIVES.items():
        by_hand = [decayed(plain, str(row), now, half_life) for row in range(ITEMS)]
        assert found[name] == pytest.approx(by_hand, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("seed", range(4))
def test_a_bundle_made_half_way_counts_the_rest_as_if_it_had_counted_all(
    seed: int, tmp_path: Path
) -> None:
    """Live, and replayed with a publish in between: nobody counts twice on the day of the change."""
    events = made_events(seed)
    now = events[-1][1].time
    # In the middle of a day, and of what a visitor does on it.
    released = counted(*events[:200])
    released.save(tmp_path)
    loaded = Popular.load(tmp_path, Catalog.of([], TextConfig()))
    for row, event in events[:200]:
        loaded.recall_event(row, event)
    assert counts_of(loaded, now) == counts_of(released, now)
    for row, event in events[200:]:
        loaded.take_in_event(row, event)
    expected = counts_of(counted(*events), now)
    for name, values in counts_of(loaded, now).items():
        assert values == pytest.approx(expected[name], rel=1e-12), name
    # A source that does not recall the visitors of that day counts some of them twice.
    forgetful = Popular.load(tmp_path, Catalog.of([], TextConfig()))
    for row, event in events[200:]:
        forgetful.take_in_event(row, event)
    assert sum(counts_of(forgetful, now)["popularity"]) > sum(expected["popularity"]) + 0.1


def test_nobody_can_be_told_from_what_is_held_or_saved(tmp_path: Path) -> None:
    source = counted(did(EventType.PURCHASE, visitor="very-personal-visitor"))
    source.save(tmp_path)
    assert "very-personal" not in repr(vars(source)) + repr(vars(source._visitors))
    for path in tmp_path.iterdir():
        assert b"very-personal" not in path.read_bytes()


def test_threads_that_count_one_visitor_count_them_once() -> None:
    source = Popular()
    row, event = did(EventType.PURCHASE)
    barrier = threading.Barrier(4)

    def count() -> None:
        barrier.wait()
        for number in range(2_000):
            source.take_in_event(row, replace(event, event_id=str(number)))
            source.take_in_event(*did(EventType.PURCHASE, 1 + number))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.popularity.at(np.arange(2_001), T0).tolist() == pytest.approx([1.0] * 2_001)


def test_readers_always_get_a_whole_list_while_events_come_in() -> None:
    source, stop = Popular(), threading.Event()
    for row in range(40):
        source.take_in_event(*did(EventType.PURCHASE, row))
    lengths: set[int] = set()

    def read(start: float) -> None:
        time = start
        while not stop.is_set():
            time += 1.0
            rows = source.rows(time, 20).tolist()
            lengths.add(len(rows) if len(rows) == len(set(rows)) else -1)

    threads = [threading.Thread(target=read, args=(T0 + 1e6 * number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for number in range(3_000):
        source.take_in_event(*did(EventType.VIEW, number % 40, f"v{number}"))
    stop.set()
    for thread in threads:
        thread.join()
    assert lengths == {40}


def test_a_memory_holds_the_newest_entries_within_its_bounds() -> None:
    memory: BoundedMap[int] = BoundedMap(100)
    for number in range(10_000):
        memory.put(number, -number)
        memory.put(7, number)
        assert len(memory) <= 100
        assert memory.get(7) == number and memory.get(number) in (-number, number)
        # The newest half are there always; what was written 100 entries ago never is.
        assert all(memory.get(n) is not None for n in range(max(0, number - 48), number))
        assert number < 110 or memory.get(number - 100) is None
    assert memory.get(-5) is None


def test_a_few_views_in_a_quiet_shop_do_not_lead() -> None:
    """Whatever was in demand before has decayed to nearly nothing within a night."""
    source = Popular()
    for buyer in range(500):
        source.take_in_event(*did(EventType.PURCHASE, 0, f"buyer {buyer}", T0 + buyer))
    night = T0 + 20 * 3_600.0
    for row in (5, 6):
        source.take_in_event(*did(EventType.VIEW, row, "one visitor", night))
    assert source.rows(night + 1, 10).tolist() == [0, 5, 6]
    # Eight buyers within the hour are many times what is usual.
    for buyer in range(8):
        source.take_in_event(*did(EventType.PURCHASE, 7, f"night buyer {buyer}", night + 60))
    assert source.rows(night + 61, 10)[0] == 7
