"""A session is a fold: whatever the order of arrival, it holds what a list would hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Event, EventType
from towers.sessions.feedback import feedback
from towers.sessions.session import (
    BOUGHT_LIMIT,
    DISLIKED_LIMIT,
    EVENT_LIMIT,
    IDLE_GAP_SECONDS,
    Bought,
    Session,
)

T0 = 1_700_000_000.0

TYPES = [
    EventType.SEARCH,
    EventType.VIEW,
    EventType.ADD_TO_CART,
    EventType.REMOVE_FROM_CART,
    EventType.PURCHASE,
    EventType.RETURN,
]


def event(seconds: float, type_: EventType = EventType.VIEW, item_id: str = "i") -> Event:
    return Event(f"{type_}-{seconds}", type_, "v", T0 + seconds, item_id=item_id)


def fold(events: Sequence[Event]) -> Session:
    session = Session.empty("v")
    for one in events:
        session = session.after(one)
    return session


events_of_a_visitor = st.lists(
    st.builds(
        event,
        st.integers(0, 4 * 3_600).map(float),
        st.sampled_from(TYPES),
        st.sampled_from("abcde"),
    ),
    max_size=80,
)


def test_nothing_is_known_of_an_anonymous_visitor() -> None:
    session = Session.empty("v")
    assert session == Session("v", (), {}, 0, 0.0)
    assert session.search_text == "" and session.basket == frozenset()


@given(events_of_a_visitor)
def test_events_stand_in_time_order_and_within_the_limit(events: list[Event]) -> None:
    held = fold(events).events
    times = [one.time for one in held]
    assert times == sorted(times)
    assert len(held) <= EVENT_LIMIT


@given(st.lists(st.integers(0, IDLE_GAP_SECONDS), max_size=EVENT_LIMIT))
def test_late_events_are_inserted_by_time(seconds: list[int]) -> None:
    # All within one gap, so all belong to one session in whatever order they arrive.
    events = [event(float(at), item_id=f"i{number}") for number, at in enumerate(seconds)]
    assert list(fold(events).events) == sorted(events, key=lambda one: one.time)


@given(events_of_a_visitor)
def test_in_time_order_a_session_is_the_tail_since_the_last_silence(events: list[Event]) -> None:
    events.sort(key=lambda one: one.time)
    start = 0
    for place in range(1, len(events)):
        if events[place].time - events[place - 1].time > IDLE_GAP_SECONDS:
            start = place
    assert list(fold(events).events) == events[start:][-EVENT_LIMIT:]


def test_an_event_right_at_the_gap_still_belongs_to_the_session() -> None:
    assert len(fold([event(0), event(IDLE_GAP_SECONDS)]).events) == 2
    assert len(fold([event(0), event(IDLE_GAP_SECONDS + 1)]).events) == 1


def test_an_event_of_a_session_that_is_over_is_left_out() -> None:
    now = fold([event(10_000)])
    assert now.after(event(10_000 - IDLE_GAP_SECONDS - 1)) == now
    assert len(now.after(event(10_000 - IDLE_GAP_SECONDS)).events) == 2


def test_a_late_purchase_of_a_session_that_is_over_still_counts_as_bought() -> None:
    late = event(0, EventType.PURCHASE, "a")
    session = fold([event(10_000), late])
    assert [one.type for one in session.events] == [EventType.VIEW]
    assert session.bought == {"a": Bought(1, T0)}


def test_a_late_event_older_than_a_full_session_does_not_push_a_newer_one_out() -> None:
    full = fold([event(100.0 + number) for number in range(EVENT_LIMIT)])
    assert full.after(event(0)).events == full.events


def test_the_fold_leaves_earlier_sessions_as_they_were() -> None:
    before = fold([event(0, EventType.PURCHASE, "a"), event(1, EventType.PURCHASE, "b")])
    copy = replace(before, bought=dict(before.bought))
    before.after(event(2, EventType.PURCHASE, "a"))
    before.after(event(3, EventType.RETURN, "b"))
    assert before == copy and list(before.bought) == ["a", "b"]


@given(events_of_a_visitor)
def test_bought_is_what_purchases_less_returns_leave(events: list[Event]) -> None:
    times: dict[str, list[float]] = {}
    for one in events:
        if one.type is EventType.PURCHASE:
            times.setdefault(one.item_id, []).append(one.time)
        elif one.type is EventType.RETURN and one.item_id in times:
            # The newest time stays while anything of the item is left.
            newest = max(times[one.item_id])
            times[one.item_id] = [newest] * (len(times[one.item_id]) - 1)
            if not times[one.item_id]:
                del times[one.item_id]
    by_hand = {item_id: (len(at), max(at)) for item_id, at in times.items()}
    assert fold(events).bought == by_hand


def test_bought_is_in_the_order_of_the_last_purchase() -> None:
    bought = [event(n, EventType.PURCHASE, item) for n, item in enumerate("abcab")]
    assert list(fold(bought).bought) == ["c", "a", "b"]
    assert fold(bought).bought["a"] == Bought(2, T0 + 3)


def test_a_return_of_what_was_never_bought_changes_nothing_bought() -> None:
    session = fold([event(0, EventType.PURCHASE, "a"), event(1, EventType.RETURN, "b")])
    assert session.bought == {"a": Bought(1, T0)}


def test_whatever_was_not_bought_for_longest_leaves_first() -> None:
    bought = [event(n, EventType.PURCHASE, f"i{n}") for n in range(BOUGHT_LIMIT)]
    again = event(BOUGHT_LIMIT, EventType.PURCHASE, "i0")
    new = event(BOUGHT_LIMIT + 1, EventType.PURCHASE, "new")
    session = fold([*bought, again, new])
    assert len(session.bought) == BOUGHT_LIMIT
    assert "i1" not in session.bought and "i0" in session.bought
    assert list(session.bought)[-2:] == ["i0", "new"]


def test_a_visit_is_counted_once_however_much_is_bought() -> None:
    first = [event(n, EventType.PURCHASE, f"a{n}") for n in range(5)]
    second = [event(86_400 + n, EventType.PURCHASE, f"b{n}") for n in range(5)]
    session = fold([*first, *second])
    assert session.visit_count == 2
    assert session.last_purchase_time == T0 + 86_404


def test_a_late_purchase_moves_no_time_back_and_makes_no_visit() -> None:
    session = fold([event(9_000, EventType.PURCHASE, "a"), event(0, EventType.PURCHASE, "a")])
    assert session.visit_count == 1
    assert session.last_purchase_time == T0 + 9_000
    assert session.bought["a"] == Bought(2, T0 + 9_000)


def test_a_request_after_a_long_silence_finds_no_events() -> None:
    session = fold([event(0, EventType.PURCHASE, "a")])
    assert session.at(T0 + IDLE_GAP_SECONDS) is session
    later = session.at(T0 + IDLE_GAP_SECONDS + 1)
    assert later.events == () and later.bought == session.bought
    assert Session.empty("v").at(T0) == Session.empty("v")


@given(events_of_a_visitor, st.data())
def test_without_an_event_all_others_stay(events: list[Event], data: st.DataObject) -> None:
    session = fold(events)
    if not session.events:
        return
    position = data.draw(st.integers(0, len(session.events) - 1))
    other = session.without(position)
    left = list(session.events)
    removed = left.pop(position)
    assert list(other.events) == left
    assert removed in session.events
    assert other.bought == session.bought and other.visit_count == session.visit_count


def test_the_newest_search_is_the_search_text() -> None:
    first = replace(event(0, EventType.SEARCH, ""), query="milk")
    second = replace(event(2, EventType.SEARCH, ""), query="oat milk")
    session = fold([first, event(1), second, event(3)])
    assert session.search_text == "oat milk"
    assert session.without(2).search_text == "milk"


@pytest.mark.parametrize(
    ("types", "inside"),
    [
        ([EventType.VIEW], False),
        ([EventType.ADD_TO_CART], True),
        ([EventType.ADD_TO_CART, EventType.REMOVE_FROM_CART], False),
        ([EventType.REMOVE_FROM_CART, EventType.ADD_TO_CART], True),
        ([EventType.ADD_TO_CART, EventType.PURCHASE], True),
        ([EventType.PURCHASE, EventType.RETURN], False),
    ],
)
def test_the_basket_is_what_was_put_in_and_not_taken_out(
    types: list[EventType], inside: bool
) -> None:
    session = fold([event(number, type_) for number, type_ in enumerate(types)])
    assert session.basket == (frozenset({"i"}) if inside else frozenset())


def review(seconds: float, rating: float, item_id: str = "i") -> Event:
    return replace(event(seconds, EventType.REVIEW, item_id), rating=rating)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (event(0, EventType.FAVORITE), 1),
        (event(0, EventType.ADD_TO_CART), 1),
        (event(0, EventType.PURCHASE), 1),
        (event(0, EventType.RETURN), -1),
        (review(0, 5.0), 1),
        (review(0, 4.0), 1),
        (review(0, 3.9), 0),
        (review(0, 2.1), 0),
        (review(0, 2.0), -1),
        (review(0, 1.0), -1),
        (event(0, EventType.REVIEW), 0),
        (event(0, EventType.VIEW), 0),
        (event(0, EventType.UNFAVORITE), 0),
        (event(0, EventType.REMOVE_FROM_CART), 0),
    ],
)
def test_an_event_is_for_its_item_or_against_it_or_neither(one: Event, expected: int) -> None:
    assert feedback(one) == expected


def test_negative_feedback_is_kept_after_the_session_is_over() -> None:
    session = fold([review(0, 1.0), event(10_000, item_id="other")])
    assert session.disliked == {"i": T0}
    assert session.at(T0 + 100_000).disliked == {"i": T0}


@pytest.mark.parametrize("after", [event(5, EventType.FAVORITE), review(5, 5.0)])
def test_later_positive_feedback_undoes_it(after: Event) -> None:
    assert fold([review(0, 1.0), after]).disliked == {}


def test_late_positive_feedback_does_not_undo_newer_negative_feedback() -> None:
    assert fold([review(100, 1.0), review(50, 5.0)]).disliked == {"i": T0 + 100}


def test_events_without_feedback_leave_feedback_unchanged() -> None:
    before = fold([review(0, 1.0)])
    after = before.after(event(1)).after(review(2, 3.0)).after(event(3, EventType.REMOVE_FROM_CART))
    assert after.disliked is before.disliked


def test_the_oldest_feedback_leaves_first_and_a_renewed_one_is_the_newest() -> None:
    against = [review(number, 1.0, f"i{number}") for number in range(DISLIKED_LIMIT)]
    again = review(DISLIKED_LIMIT, 2.0, "i0")
    one_more = review(DISLIKED_LIMIT + 1, 1.0, "new")
    disliked = fold([*against, again, one_more]).disliked
    assert len(disliked) == DISLIKED_LIMIT
    assert "i1" not in disliked and disliked["i0"] == T0 + DISLIKED_LIMIT
    assert list(disliked)[-2:] == ["i0", "new"]


def test_without_its_event_feedback_is_gone() -> None:
    session = fold([event(0), review(1, 1.0), review(2, 1.0, "other")])
    assert session.without(1).disliked == {"other": T0 + 2}
    assert session.without(0).disliked == session.disliked


def test_the_fold_leaves_earlier_feedback_unchanged() -> None:
    before = fold([review(0, 1.0)])
    before.after(review(1, 1.0, "other"))
    before.after(review(2, 5.0))
    assert before.disliked == {"i": T0}


def test_a_search_is_pending_until_anything_follows() -> None:
    typed = replace(event(0, EventType.SEARCH, ""), query="milk")
    session = fold([event(-5), typed])
    assert session.pending_search == "milk"
    assert session.after(event(1)).pending_search == ""
    assert Session.empty("v").pending_search == ""
