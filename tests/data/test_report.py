"""The report of a small log, counted by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from data.clean import Loss
from data.records import Event, EventType, Item, Judgment
from data.report import quality_report
from data.split import Split
from data.tables import events_table, items_table, judgments_table

DAY = 86_400.0
BEGIN = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
ITEMS = [
    Item("a", "Apple", "red", ("Fruit",), "Farm", price=1.0),
    Item("b", "Bread", in_stock=False),
    Item("c", "", category=("手机", "智能手机")),
    Item("d", "Dates", category=("Fruit",), brand="Farm"),
]


def event(number: int, day: float, session: str, type_: EventType = EventType.VIEW) -> Event:
    item_id = "" if type_ is EventType.SEARCH else "ab"[number % 2]
    return Event(
        str(number), type_, session[0], BEGIN + day * DAY, item_id, "q", session_id=session
    )


EVENTS = [
    event(0, 0.0, "v1", EventType.SEARCH),
    event(1, 0.1, "v1"),
    event(2, 0.2, "v1", EventType.PURCHASE),
    event(3, 5.0, "w1"),
    event(4, 7.5, "w2"),
    event(5, 8.0, "w2"),
    event(6, 9.0, "u1"),
    event(7, 10.126, "u2"),
]


def test_a_small_log_is_counted() -> None:
    report = quality_report(
        items=items_table(ITEMS),
        newest_items=None,
        items_time=0.0,
        events=events_table(EVENTS),
        judgments=judgments_table([Judgment("q", "a", 1.0), Judgment("q", "b", 0.0)]),
        split=Split(BEGIN + 5 * DAY, BEGIN + 8 * DAY),
        losses=(loss for loss in [Loss("events", "unknown item", 2, 9)]),
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report == {
        "items": {
            "count": 4,
            "in_stock_count": 3,
            "with_events_count": 2,
            "known_time": None,
            "known_later": {},
            "missing_counts": {
                "title": 1,
                "description": 3,
                "brand": 2,
                "category": 1,
                "price": 3,
            },
        },
        "events": {
            "count": 8,
            "by_type": {"search": 1, "view": 6, "purchase": 1},
            "visitor_count": 3,
            "first_time": "2024-01-01T00:00:00+00:00",
            "last_time": "2024-01-11T03:01:26.400000+00:00",
            "span_days": 10.13,
        },
        "sessions": {
            "count": 5,
            "single_event_count": 3,
            "length": {"median": 1.0, "p90": 2.6, "p99": 2.96, "max": 3.0},
        },
        "judgments": {"count": 2, "query_count": 1},
        "split": {
            "rank_from": "2024-01-06T00:00:00+00:00",
            "test_from": "2024-01-09T00:00:00+00:00",
            "parts": {
                "retrieval": {"event_count": 3, "session_count": 1},
                "rank": {"event_count": 2, "session_count": 2},
                "test": {"event_count": 3, "session_count": 3},
            },
            "cut_session_counts": {"rank_from": 0, "test_from": 1},
        },
        "losses": [
            {
                "table": "events",
                "rule": "unknown item",
                "action": "dropped",
                "count": 2,
                "total": 9,
            }
        ],
        "dropped": ["dropped 2 of 9 events: unknown item"],
    }


def test_a_catalogue_without_a_log_is_counted() -> None:
    report = quality_report(
        items=items_table(ITEMS),
        newest_items=None,
        items_time=0.0,
        events=events_table([]),
        judgments=judgments_table([]),
        split=Split(0.0, 0.0),
        losses=(),
    )
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["items"]["with_events_count"] == 0
    assert report["events"] == {
        "count": 0,
        "by_type": {},
        "visitor_count": 0,
        "first_time": None,
        "last_time": None,
        "span_days": 0.0,
    }
    assert report["sessions"]["count"] == report["judgments"]["query_count"] == 0
    assert set(report["sessions"]["length"].values()) == {0.0}
    assert report["split"]["parts"]["test"] == {"event_count": 0, "session_count": 0}


def test_item_fields_known_only_later_are_counted_by_field() -> None:
    newest = [
        replace(ITEMS[0], price=2.0),
        replace(ITEMS[1], price=3.0, title="Rye"),
        replace(ITEMS[2], attributes={"size": "L"}),
        ITEMS[3],
    ]
    report = quality_report(
        items=items_table(ITEMS),
        newest_items=items_table(newest),
        items_time=BEGIN,
        events=events_table(EVENTS),
        judgments=judgments_table([]),
        split=Split(BEGIN + 5 * DAY, BEGIN + 8 * DAY),
        losses=(),
    )
    assert report["items"]["known_time"] == "2024-01-01T00:00:00+00:00"
    assert report["items"]["known_later"] == {
        "price_first_known_count": 1,
        "title_changed_count": 1,
        "price_changed_count": 2,
        "attributes_changed_count": 1,
    }
