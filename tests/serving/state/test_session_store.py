"""Sessions are the fold of their events, held for as many visitors as fit."""

from __future__ import annotations

import threading

import pytest

from data.errors import ConfigError
from data.records import Event, EventType
from serving.state.session_store import SessionStore
from towers.sessions.session import Session


def view(visitor: str, number: int = 0) -> Event:
    return Event(f"{visitor}-{number}", EventType.VIEW, visitor, 1_000.0 + number, item_id="i")


def test_a_session_is_the_fold_of_its_events() -> None:
    store = SessionStore()
    by_hand = Session.empty("v")
    for number in range(60):
        event = view("v", number)
        by_hand = by_hand.after(event)
        assert store.apply(event) == by_hand
    assert store.get("v") == by_hand


def test_restored_sessions_equal_live_ones() -> None:
    events = [view(f"v{number % 7}", number) for number in range(100)]
    live, restored = SessionStore(), SessionStore()
    for event in events:
        live.apply(event)
    restored.restore(events)
    assert all(live.get(f"v{n}") == restored.get(f"v{n}") for n in range(7))
    assert restored.visitor_count == 7


def test_asking_for_a_stranger_leaves_no_trace() -> None:
    store = SessionStore()
    assert store.get("another visitor") == Session.empty("another visitor")
    assert store.visitor_count == 0


def test_whoever_was_silent_for_longest_leaves_first() -> None:
    store = SessionStore(visitor_limit=2)
    store.apply(view("a"))
    store.apply(view("b"))
    store.get("a")
    store.apply(view("c"))
    assert [len(store.get(visitor).events) for visitor in "abc"] == [1, 0, 1]


def test_made_up_visitors_do_not_pass_the_cap() -> None:
    store = SessionStore(visitor_limit=100)
    for number in range(20_000):
        store.apply(view(f"made-up-{number}"))
    assert store.visitor_count == 100


def test_long_sessions_do_not_pass_the_cap_on_events() -> None:
    store = SessionStore(held_event_limit=100)
    for number in range(1_000):
        store.apply(view(f"v{number % 20}", number // 20))
    held = sum(len(store.get(f"v{number}").events) for number in range(20))
    # The newest 50 events of each would be 1,000; two whole sessions fit.
    assert 50 <= held <= 100


def test_no_event_is_lost_between_threads() -> None:
    store = SessionStore()
    threads = [
        threading.Thread(target=store.restore, args=([view("v", 10 * t + n) for n in range(10)],))
        for t in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.get("v").events) == 40


@pytest.mark.parametrize("name", ["visitor_limit", "held_event_limit"])
def test_limits_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: expected 1 or more, received 0$"):
        SessionStore(**{name: 0})
