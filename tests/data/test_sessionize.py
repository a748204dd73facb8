"""Session ids for logs that have none: quiet parts a visitor's events, nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ConfigError
from data.records import Event, EventType
from data.sessionize import sessionize, text_codes
from data.synthetic import synthetic_shop
from data.tables import EVENT_SCHEMA, events_table, iter_events


def view(visitor: str, minute: float, session: str = "") -> Event:
    return Event("", EventType.VIEW, visitor, minute * 60.0, session_id=session)


def sessions(*events: Event, gap_minutes: float = 30.0) -> list[str]:
    table = sessionize(events_table(events), gap_minutes=gap_minutes)
    return [event.session_id for event in iter_events(table)]


def by_hand(events: list[Event], gap_minutes: float) -> list[str]:
    """One visitor after the other, one event after the other."""
    named = [event.session_id for event in events]
    for visitor in {event.visitor_id for event in events}:
        own = [
            (event.time, position)
            for position, event in enumerate(events)
            if event.visitor_id == visitor and not event.session_id
        ]
        before, begin = None, 0.0
        for time, position in sorted(own):
            if before is None or time - before > gap_minutes * 60:
                begin = time
            named[position] = f"{visitor}@{round(begin * 1000)}"
            before = time
    return named


def test_more_quiet_than_the_gap_begins_a_session() -> None:
    assert sessions(view("v", 0), view("v", 30), view("v", 60.5), view("v", 61)) == [
        "v@0",
        "v@0",
        "v@3630000",
        "v@3630000",
    ]


def test_a_given_session_stays_and_does_not_count_as_activity() -> None:
    assert sessions(view("v", 0), view("v", 20, "own"), view("v", 40)) == [
        "v@0",
        "own",
        "v@2400000",
    ]


def test_events_out_of_order_stay_where_they_are() -> None:
    assert sessions(view("a", 50), view("b", 0), view("a", 45), view("a", 0)) == [
        "a@2700000",
        "b@0",
        "a@2700000",
        "a@0",
    ]


def test_nothing_to_fill_changes_nothing() -> None:
    table = events_table([view("v", 0, "s")])
    assert sessionize(table) is table
    assert sessionize(EVENT_SCHEMA.empty_table()).num_rows == 0


events = st.lists(
    st.builds(
        view,
        st.sampled_from(["a", "b", "访客"]),
        st.integers(0, 200),
        st.sampled_from(["", "", "", "own"]),
    ),
    max_size=25,
)


@given(events, st.sampled_from([1.0, 29.5, 30.0]))
def test_sessions_are_those_found_by_hand(rows: list[Event], gap_minutes: float) -> None:
    assert sessions(*rows, gap_minutes=gap_minutes) == by_hand(rows, gap_minutes)


@given(events, st.integers(201, 300))
def test_a_longer_log_gives_the_same_ids_to_the_same_sessions(rows: list[Event], end: int) -> None:
    longer = sessions(*rows, view("a", end), view("访客", end))
    assert longer[: len(rows)] == sessions(*rows)


def test_only_the_session_id_is_touched() -> None:
    row = Event("e", EventType.REVIEW, "v", 1.5, "i", "q", "", 3, 2.5, 4.0, "t", "home", "token")
    (filled,) = iter_events(sessionize(events_table([row])))
    assert filled == replace(row, session_id="v@1500")


def test_the_visits_of_the_made_up_shop_are_found_again() -> None:
    table = synthetic_shop(visitor_count=30).events
    assert table is not None
    position = table.column_names.index("session_id")
    empty = events_table([]).schema.field(position)
    without = table.set_column(position, empty, [[""] * table.num_rows])
    known = text_codes(table["session_id"])
    assert known.max() > 150
    assert text_codes(sessionize(without)["session_id"]).tolist() == known.tolist()


@pytest.mark.parametrize("gap_minutes", [0.0, -1.0, float("nan")])
def test_a_gap_of_nothing_is_refused(gap_minutes: float) -> None:
    expected = f"^gap_minutes: expected more than 0, received {gap_minutes}$"
    with pytest.raises(ConfigError, match=expected):
        sessionize(EVENT_SCHEMA.empty_table(), gap_minutes=gap_minutes)
