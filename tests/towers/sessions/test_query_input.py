"""The input of the query tower, computed slot by slot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.records import Event, EventType
from tests.towers import shelf
from towers.config import Config, TextConfig, TowerConfig
from towers.sessions.dwell import dwells
from towers.sessions.query_input import (
    BAD_REVIEW_TYPE,
    GENERIC_TYPE,
    GOOD_REVIEW_TYPE,
    PADDING_TYPE,
    TYPE_COUNT,
    QueryInput,
    query_input,
)
from towers.sessions.replay import replay
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary
from towers.text.tokens import query_tokens

CONFIG = Config(
    text=TextConfig(bucket_count=512, query_slot_count=8),
    towers=TowerConfig(event_slot_count=4, history_slot_count=3),
)
ROW_OF = {"a": 0, "b": 1, "c": 2, "d": 3}
KNOWN = frozenset({int(EventType.SEARCH), int(EventType.VIEW)})
T0 = 1_700_000_000.0
DAY = 86_400.0


def read(session: Session, time: float) -> QueryInput:
    return query_input(session, time, row_of=ROW_OF, known_types=KNOWN, config=CONFIG)


def purchase(item_id: str, time: float) -> Event:
    return Event(f"p{time}", EventType.PURCHASE, "v", time, item_id=item_id)


def fold(*events: Event) -> Session:
    session = Session.empty("v")
    for event in events:
        session = session.after(event)
    return session


def test_an_anonymous_visitor_is_all_padding() -> None:
    inputs = read(Session.empty("v"), T0)
    assert inputs.event_rows.tolist() == [-1] * 4
    assert inputs.event_types.tolist() == [PADDING_TYPE] * 4
    assert inputs.event_ages.tolist() == [0.0] * 4
    assert inputs.text_slot == -1 and not inputs.tokens.any()
    assert inputs.history_rows.tolist() == [-1] * 3 and not inputs.history_weights.any()


def test_slots_hold_the_newest_events_newest_first() -> None:
    session = fold(*(shelf.view(item, T0 + at) for at, item in enumerate("abcdxa")))
    inputs = read(session, T0 + 10)
    assert inputs.event_rows.tolist() == [0, -1, 3, 2]
    assert inputs.event_types.tolist() == [EventType.VIEW] * 4
    ages = [math.log1p(10 - at) / 10 for at in (5, 4, 3, 2)]
    assert np.allclose(inputs.event_ages, ages, atol=1e-7)


def test_a_type_that_training_never_saw_is_read_as_the_generic_one() -> None:
    inputs = read(fold(purchase("a", T0), shelf.view("b", T0 + 1)), T0 + 2)
    assert inputs.event_types.tolist() == [EventType.VIEW, GENERIC_TYPE, 0, 0]


@pytest.mark.parametrize(
    ("rating", "code"),
    [(5.0, GOOD_REVIEW_TYPE), (1.0, BAD_REVIEW_TYPE), (3.0, EventType.REVIEW), (None, 8)],
)
def test_good_and_bad_reviews_are_told_apart(rating: float | None, code: int) -> None:
    review = Event("r", EventType.REVIEW, "v", T0, item_id="a", rating=rating)
    codes = frozenset({int(EventType.REVIEW), GOOD_REVIEW_TYPE, BAD_REVIEW_TYPE})
    inputs = query_input(fold(review), T0, row_of=ROW_OF, known_types=codes, config=CONFIG)
    assert inputs.event_types[0] == code
    assert 0 < code < TYPE_COUNT


def test_types_of_training_are_the_types_that_the_tower_reads() -> None:
    """What a replayed log calls known is exactly what reading its sessions gives, none generic."""
    log = shelf.log()
    read_types: set[int] = set()
    for _, session, event in replay(log.events):
        inputs = query_input(
            session.after(event),
            event.time,
            row_of=ROW_OF,
            known_types=log.known_types,
            config=CONFIG,
        )
        read_types |= set(inputs.event_types.tolist())
    assert read_types - {PADDING_TYPE} == set(log.known_types)
    assert {GOOD_REVIEW_TYPE, int(EventType.RETURN)} <= log.known_types


def test_an_event_of_the_future_has_no_age() -> None:
    assert read(fold(shelf.view("a", T0 + 5)), T0).event_ages[0] == 0.0


def test_the_newest_search_gives_the_tokens_and_its_slot() -> None:
    session = fold(
        shelf.search("rye bread", T0), shelf.search("milk", T0 + 1), shelf.view("a", T0 + 2)
    )
    inputs = read(session, T0 + 3)
    assert inputs.text_slot == 1
    assert np.array_equal(inputs.tokens, query_tokens(["milk"], slot_count=8, bucket_count=512))


def test_a_search_that_has_left_the_slots_says_nothing() -> None:
    later = [shelf.view("a", T0 + at) for at in range(1, 5)]
    inputs = read(fold(shelf.search("milk", T0), *later), T0 + 6)
    assert inputs.text_slot == -1 and not inputs.tokens.any()


def test_history_is_the_newest_known_purchases_with_decayed_weights() -> None:
    bought = [("a", 0.0), ("b", 1.0), ("a", 2.0), ("unknown", 3.0), ("c", 4.0), ("d", 4.0)]
    session = fold(*(purchase(item, T0 + day * DAY) for item, day in bought))
    inputs = read(session, T0 + 64 * DAY)
    assert inputs.history_rows.tolist() == [3, 2, 0]
    expected = [
        math.log(2) * 0.5 ** (60 / 60),
        math.log(2) * 0.5 ** (60 / 60),
        math.log(3) * 0.5 ** (62 / 60),
    ]
    assert np.allclose(inputs.history_weights, expected, rtol=1e-6)


def test_history_shorter_than_its_slots_is_padded() -> None:
    inputs = read(fold(purchase("b", T0)), T0)
    assert inputs.history_rows.tolist() == [1, -1, -1]
    assert inputs.history_weights.tolist() == np.float32([math.log(2), 0, 0]).tolist()


def test_arrays_have_the_shapes_and_types_of_the_export() -> None:
    for session in (Session.empty("v"), fold(purchase("a", T0), shelf.search("tea", T0 + 1))):
        inputs = read(session, T0 + 2)
        assert (
            inputs.event_rows.shape == inputs.event_types.shape == inputs.event_ages.shape == (4,)
        )
        assert inputs.tokens.shape == (8,)
        assert inputs.history_rows.shape == inputs.history_weights.shape == (3,)
        for name in ("event_rows", "event_types", "tokens", "history_rows"):
            assert getattr(inputs, name).dtype == np.int32
        assert inputs.event_ages.dtype == inputs.history_weights.dtype == np.float32


def test_dwell_times_that_are_known_already_change_nothing() -> None:
    catalog = shelf.catalog()
    ids = [catalog.item_ids[row] for row in (5, 2, 7, 2, 9, 4)]
    session = fold(
        *(
            Event(f"e{number}", EventType.VIEW, "v", T0 + 7.0 * number**2, item_id=item_id)
            for number, item_id in enumerate(ids)
        )
    )
    known = dwells(session.events)
    computed, given = (
        query_input(
            session,
            T0 + 200,
            row_of=catalog.row_of,
            known_types=KNOWN,
            config=CONFIG,
            dwell_shares=shares,
        )
        for shares in (None, known)
    )
    assert given.event_dwells.tolist() == computed.event_dwells.tolist()
    assert given.event_dwells.tolist() == pytest.approx([*reversed(known)][:4])
    summaries = [SessionSummary.of(session, T0, catalog, shares) for shares in (None, known)]
    assert summaries[0].dwell_shares.tolist() == summaries[1].dwell_shares.tolist()
    assert summaries[0].rows.tolist() == [4, 9, 2, 7, 2, 5]
