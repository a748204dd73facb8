"""Segments by rule, from sessions that are folded event by event."""

from __future__ import annotations

import numpy as np
import pytest

from data.records import Event, EventType, Item
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.sessions.segments import Segment, Segments, median_prices
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary

DAY = 86_400.0
ITEMS = [
    *(Item(f"t{n}", "tea", category=("Tea",), price=float(n + 1)) for n in range(10)),
    *(Item(f"c{n}", "cup", category=("Cups",), price=10.0 * (n + 1)) for n in range(4)),
    Item("one", "thing", category=("Alone",), price=3.0),
    Item("free", "gift", category=("Tea",)),
]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.of(ITEMS, shelf.CONFIG.text)


def session_of(bought: list[str]) -> Session:
    """One purchase a day."""
    session = Session.empty("v")
    for day, item_id in enumerate(bought):
        session = session.after(
            Event(f"e{day}", EventType.PURCHASE, "v", (day + 1) * DAY, item_id=item_id)
        )
    return session


def segment(catalog: Catalog, session: Session, time: float = 100 * DAY) -> Segment:
    summary = SessionSummary.of(session, time, catalog)
    return Segments.of(catalog).segment(session, summary, catalog)


def test_medians_are_of_the_prices_that_are_known(catalog: Catalog) -> None:
    found = {
        catalog.category_path(code)[0]: median
        for code, median in enumerate(median_prices(catalog).tolist())
    }
    prices: dict[str, list[float]] = {}
    for item in ITEMS:
        if item.price is not None:
            prices.setdefault(item.category[0], []).append(item.price)
    assert found["Tea"] == np.median(prices["Tea"]) == 5.5
    assert found["Cups"] == np.median(prices["Cups"]) == 25.0
    assert np.isnan(found["Alone"])


def test_who_bought_nothing_yet_is_new_whatever_else_they_did(catalog: Catalog) -> None:
    session = Session.empty("v")
    assert segment(catalog, session) is Segment.NEW_VISITOR
    session = session.after(Event("r", EventType.REVIEW, "v", DAY, item_id="t1", rating=1.0))
    assert segment(catalog, session) is Segment.NEW_VISITOR


def test_eight_visits_of_four_weeks_make_a_heavy_buyer_and_a_purchase_a_returning_visitor(
    catalog: Catalog,
) -> None:
    dear = [f"t{n}" for n in (5, 6, 7, 8, 9)] + ["c2", "c3", "one"]
    assert segment(catalog, session_of(dear[:1])) is Segment.RETURNING
    # The eighth is on day 8, the first on day 1: 28 days later it no longer counts.
    assert segment(catalog, session_of(dear), 8.5 * DAY) is Segment.HEAVY_BUYER
    assert segment(catalog, session_of(dear), 29.0 * DAY) is Segment.HEAVY_BUYER
    assert segment(catalog, session_of(dear), 29.1 * DAY) is Segment.RETURNING
    assert segment(catalog, session_of(dear[:7]), 8.5 * DAY) is Segment.RETURNING
    # Of an item that is bought again only the last time is known.
    assert segment(catalog, session_of([*dear[:7], dear[0]]), 8.5 * DAY) is Segment.RETURNING
    # Eight purchases on one visit are one visit.
    session = Session.empty("v")
    for number, item_id in enumerate(dear):
        event = Event(f"e{number}", EventType.PURCHASE, "v", DAY + number, item_id=item_id)
        session = session.after(event)
    assert segment(catalog, session, 2 * DAY) is Segment.RETURNING


@pytest.mark.parametrize(
    ("bought", "expected"),
    [
        (["t0", "t1", "t2", "c0"], Segment.RETURNING),  # too few
        (["t0", "t1", "t2", "c0", "c1"], Segment.BARGAIN_HUNTER),
        (["t0", "t1", "t2", "c0", "c3"], Segment.BARGAIN_HUNTER),  # 4 of 5
        (["t0", "t1", "t2", "c2", "c3"], Segment.BARGAIN_HUNTER),  # 3 of 5
        (["t0", "t1", "t8", "c2", "c3"], Segment.RETURNING),  # 2 of 5
        # What has no price or no peers is not compared.
        (["t0", "t1", "t2", "c0", "one", "free"], Segment.RETURNING),
        (["t0", "t1", "t2", "c0", "c1", "one", "free"], Segment.BARGAIN_HUNTER),
    ],
)
def test_a_bargain_hunter_buys_the_cheaper_half(
    catalog: Catalog, bought: list[str], expected: Segment
) -> None:
    assert segment(catalog, session_of(bought)) is expected


def test_a_category_that_came_live_is_not_compared(catalog: Catalog) -> None:
    segments = Segments.of(catalog)
    grown = Catalog.of(
        [*ITEMS, *(Item(f"n{n}", "new", category=("New",), price=1.0) for n in range(9))],
        catalog.text,
    )
    session = session_of([f"n{n}" for n in range(9)])
    summary = SessionSummary.of(session, 100 * DAY, grown)
    assert segments.segment(session, summary, grown) is Segment.RETURNING
