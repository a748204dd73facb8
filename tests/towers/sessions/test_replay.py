"""Replay: each session just before each event, and the targets after it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.records import Event, EventType
from tests.towers import shelf
from towers.sessions.replay import replay, with_intent_shift
from towers.sessions.session import EVENT_LIMIT, Session
from towers.sessions.targets import Targets

T0 = 1_700_000_000.0

TYPES = {
    "s": EventType.SEARCH,
    "v": EventType.VIEW,
    "f": EventType.FAVORITE,
    "c": EventType.ADD_TO_CART,
    "p": EventType.PURCHASE,
    "r": EventType.REVIEW,
}


def targets_of(log: Sequence[tuple[int, str, int]], times: Sequence[float] = ()) -> Targets:
    """From session, letter of the type and row, in time order."""
    sessions, letters, rows = zip(*log, strict=True)
    return Targets(
        np.array(sessions, np.int64),
        np.array([TYPES[letter] for letter in letters], np.int8),
        np.array(rows, np.int64),
        np.array(times or range(len(log)), np.float64),
    )


def test_a_moment_is_the_session_before_its_event() -> None:
    by_hand: dict[str, list[Event]] = {}
    for number, (at, session, event) in enumerate(replay(shelf.events())):
        assert at == number and event is shelf.events()[number]
        before = by_hand.setdefault(event.visitor_id, [])
        folded = Session.empty(event.visitor_id)
        for earlier in before:
            folded = folded.after(earlier)
        assert session == folded
        before.append(event)
        if number == 400:
            break


def test_a_replay_in_parts_is_the_replay_of_the_whole() -> None:
    events = shelf.events()[:1_000]
    whole = [moment.session for moment in replay(events)]
    sessions: dict[str, Session] = {}
    parts = [moment.session for moment in replay(events[:300], sessions)]
    parts += [moment.session for moment in replay(events[300:], sessions)]
    assert parts == whole


def test_the_newest_sessions_are_kept_in_the_callers_hands() -> None:
    sessions: dict[str, Session] = {}
    events = [shelf.view("a", T0), shelf.view("b", T0 + 1, "w"), shelf.view("c", T0 + 2)]
    for _ in replay(events, sessions):
        pass
    assert [event.item_id for event in sessions["v"].events] == ["a", "c"]
    assert [event.item_id for event in sessions["w"].events] == ["b"]


def test_what_follows_is_the_rest_of_the_session_each_item_once() -> None:
    targets = targets_of(
        [(0, "v", 1), (1, "v", 7), (0, "v", 2), (0, "v", 1), (1, "p", 8), (0, "v", 3)]
    )
    assert targets.after(0, 9).tolist() == [1, 2, 3]
    assert targets.after(2, 9).tolist() == [2, 1, 3]
    assert targets.after(1, 9).tolist() == [7, 8]
    assert targets.after(5, 9).tolist() == [3]
    assert targets.after(0, 2).tolist() == [1, 2]


def test_only_relevant_types_of_known_items_are_targets() -> None:
    targets = targets_of([(0, "s", -1), (0, "v", 1), (0, "r", 2), (0, "v", -1), (0, "f", 3)])
    assert targets.is_target.tolist() == [False, True, False, False, True]
    assert targets.after(0, 9).tolist() == [1, 3]


def test_the_purchase_of_what_was_just_put_into_the_cart_is_no_discovery() -> None:
    targets = targets_of([(0, "v", 1), (0, "c", 1), (0, "p", 1), (0, "p", 2), (1, "c", 2)])
    assert targets.is_target.tolist() == [True, False, False, True, True]
    assert targets.is_item_event.tolist() == [True] * 5
    assert targets.after(1, 9).tolist() == [2]


def test_another_view_of_the_same_item_is_a_target() -> None:
    assert targets_of([(0, "v", 1), (0, "v", 1)]).is_target.tolist() == [True, True]


def test_what_follows_a_search_ends_at_the_next_one() -> None:
    log = [(0, "s", -1), (0, "v", 1), (1, "s", -1), (0, "v", 2), (0, "s", -1), (0, "v", 3)]
    targets = targets_of(log)
    assert targets.after(0, 9, until_search=True).tolist() == [1, 2]
    assert targets.after(0, 9).tolist() == [1, 2, 3]
    assert targets.after(4, 9, until_search=True).tolist() == [3]
    assert targets.after(2, 9, until_search=True).tolist() == []


def test_a_log_whose_baskets_share_one_time_is_told_apart() -> None:
    log = [(0, "p", 1), (0, "p", 2), (0, "p", 3), (1, "p", 4), (1, "p", 5)]
    assert targets_of(log, [5.0, 5.0, 5.0, 9.0, 9.0]).is_basket_log
    assert not targets_of(log, [5.0, 6.0, 7.0, 9.0, 9.0]).is_basket_log
    assert not targets_of([(0, "p", 1), (1, "p", 1)], [5.0, 5.0]).is_basket_log
    assert not shelf.log().targets.is_basket_log


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("svfcpr"), st.integers(0, 4)),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 5),
    st.booleans(),
)
def test_what_follows_equals_a_walk_through_the_log(
    raw: list[tuple[int, str, int]], limit: int, until_search: bool
) -> None:
    log = [(session, letter, -1 if letter == "s" else row) for session, letter, row in raw]
    targets = targets_of(log)
    last: dict[int, tuple[str, int]] = {}
    relevant = []
    for session, letter, row in log:
        before = last.get(session)
        follows_up = before is not None and before[1] == row and before[0] != letter
        relevant.append(letter in "vfcp" and row >= 0 and not follows_up)
        last[session] = (letter, row)
    assert targets.is_target.tolist() == relevant
    for number, (session, _, _) in enumerate(log):
        expected: dict[int, None] = {}
        for at in range(number, len(log)):
            if log[at][0] != session:
                continue
            if until_search and at > number and log[at][1] == "s":
                break
            if relevant[at]:
                expected[log[at][2]] = None
        found = targets.after(number, limit, until_search=until_search)
        assert found.tolist() == list(expected)[:limit]


def fold(*events: Event) -> Session:
    session = Session.empty(events[0].visitor_id)
    for event in events:
        session = session.after(event)
    return session


def test_a_turned_shopper_did_what_the_other_did_and_then_the_newest_of_their_own() -> None:
    own = fold(*(shelf.view(f"own{n}", T0 + n) for n in range(4)))
    other = fold(*(shelf.view(f"other{n}", T0 - 9_000 + 10 * n, "w") for n in range(3)))
    mixed = with_intent_shift(own, other, kept=2)
    ids = [event.item_id for event in mixed.events]
    assert ids == ["other0", "other1", "other2", "own2", "own3"]
    times = [event.time - T0 for event in mixed.events]
    # The other's pace is kept, and a minute lies between the two.
    assert times == [2 - 60 - 20, 2 - 60 - 10, 2 - 60, 2, 3]
    assert mixed.visitor_id == "v" and mixed.bought == own.bought


def test_nothing_turns_without_events_of_both() -> None:
    own = fold(shelf.view("a", T0))
    assert with_intent_shift(own, Session.empty("w"), kept=1) is own
    assert with_intent_shift(own, own, kept=0) is own
    assert with_intent_shift(Session.empty("v"), own, kept=1) == Session.empty("v")


def test_a_turned_session_holds_no_more_than_any_other() -> None:
    own = fold(*(shelf.view(f"own{n}", T0 + n) for n in range(EVENT_LIMIT)))
    mixed = with_intent_shift(own, own, kept=EVENT_LIMIT)
    assert mixed.events == own.events
