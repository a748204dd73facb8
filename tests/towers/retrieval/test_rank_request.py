"""Session summaries: interest, dislikes and purchases, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records import Event, EventType
from tests.towers import shelf
from towers.catalog.items import Catalog
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.sparse_scores import shares
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary

T0 = 1_700_000_000.0
DAY = 86_400.0


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return shelf.catalog()


def event(seconds: float, type_: EventType, item_id: str = "p0001") -> Event:
    return Event(f"{seconds}", type_, "v", T0 + seconds, item_id=item_id)


def fold(*events: Event) -> Session:
    session = Session.empty("v")
    for one in events:
        session = session.after(one)
    return session


def interest_of(catalog: Catalog, *events: Event) -> list[tuple[int, float]]:
    summary = SessionSummary.of(fold(*events), T0 + 500, catalog)
    rows, interest = summary.rows, summary.interest
    assert rows.dtype == np.int64 and interest.dtype == np.float32
    return list(zip(rows.tolist(), interest.tolist(), strict=True))


def test_interest_is_newest_first_and_interactions_weigh_double(catalog: Catalog) -> None:
    found = interest_of(
        catalog,
        event(0, EventType.VIEW, "p0001"),
        event(1, EventType.ADD_TO_CART, "p0002"),
        event(2, EventType.SEARCH, ""),
        event(3, EventType.VIEW, "unknown"),
        event(4, EventType.FAVORITE, "p0003"),
        event(5, EventType.PURCHASE, "p0002"),
    )
    assert found == [(2, 2.0), (3, 2.0), (2, 2.0), (1, 1.0)]


@pytest.mark.parametrize(
    ("interaction", "undoing"),
    [
        (EventType.FAVORITE, EventType.UNFAVORITE),
        (EventType.ADD_TO_CART, EventType.REMOVE_FROM_CART),
    ],
)
def test_an_interaction_undone_counts_no_more_but_the_view_does(
    catalog: Catalog, interaction: EventType, undoing: EventType
) -> None:
    view, other = event(0, EventType.VIEW), event(1, interaction, "p0009")
    assert interest_of(catalog, view, other, event(2, interaction), event(3, undoing)) == [
        (9, 2.0),
        (1, 1.0),
    ]
    # Each undo event undoes one interaction, the one before it.
    assert interest_of(
        catalog, event(1, interaction), event(2, interaction), event(3, undoing)
    ) == [(1, 2.0)]
    again = event(4, interaction)
    assert interest_of(catalog, view, event(2, interaction), event(3, undoing), again) == [
        (1, 2.0),
        (1, 1.0),
    ]


@pytest.mark.parametrize(
    ("rating", "expected"), [(5.0, [(1, 2.0)]), (3.0, []), (1.0, []), (None, [])]
)
def test_only_a_good_review_is_interest(
    catalog: Catalog, rating: float | None, expected: list[tuple[int, float]]
) -> None:
    review = replace(event(0, EventType.REVIEW), rating=rating)
    assert interest_of(catalog, review) == expected


def test_what_is_disliked_by_now_is_no_interest_at_all(catalog: Catalog) -> None:
    bad = replace(event(2, EventType.REVIEW), rating=1.0)
    session = fold(
        event(0, EventType.VIEW), event(1, EventType.ADD_TO_CART), bad,
        event(3, EventType.VIEW), event(4, EventType.VIEW, "p0005"),
    )  # fmt: skip
    summary = SessionSummary.of(session, T0 + 9, catalog)
    assert summary.rows.tolist() == [5] and summary.disliked_rows.tolist() == [1]


def test_purchases_come_newest_first_with_counts_and_days(catalog: Catalog) -> None:
    session = fold(
        event(0, EventType.PURCHASE, "p0007"),
        event(DAY, EventType.PURCHASE, "p0003"),
        event(2 * DAY, EventType.PURCHASE, "unknown"),
        event(3 * DAY, EventType.PURCHASE, "p0007"),
    )
    summary = SessionSummary.of(session, T0 + 5 * DAY, catalog)
    rows, counts, days = summary.bought_rows, summary.bought_counts, summary.bought_days
    assert (rows.tolist(), counts.tolist(), days.tolist()) == ([7, 3], [2.0, 1.0], [2.0, 4.0])
    assert counts.dtype == days.dtype == np.float32
    assert SessionSummary.of(session, T0, catalog).bought_days.tolist() == [0.0, 0.0]


def test_only_the_newest_three_hundred_purchases_are_read(catalog: Catalog) -> None:
    many = Catalog.of(
        (replace(shelf.items()[0], item_id=f"m{n}") for n in range(400)), catalog.text
    )
    session = fold(*(event(float(n), EventType.PURCHASE, f"m{n}") for n in range(400)))
    rows = SessionSummary.of(session, T0 + 500, many).bought_rows
    assert rows.tolist() == list(range(399, 99, -1))


def test_an_anonymous_visitor_has_empty_arrays_of_the_right_types(catalog: Catalog) -> None:
    summary = SessionSummary.of(Session.empty("v"), T0, catalog)
    found = [getattr(summary, name) for name in SessionSummary.__slots__]
    assert [array.dtype.name for array in found] == [
        "int64", "float32", "float32", "int64", "int64", "float32", "float32",
    ]  # fmt: skip
    assert all(len(array) == 0 for array in found)


def test_the_words_of_a_question_are_those_typed_or_still_pending() -> None:
    pending = fold(event(0, EventType.VIEW), shelf.search("milk", T0 + 1))
    ranker = shelf.ranker()

    def read(session: Session, text: str) -> EncodedRequest:
        return ranker.read(RankRequest(session, T0 + 2, text))

    assert (read(pending, "tea").text, read(pending, "tea").is_search) == ("tea", True)
    assert (read(pending, "").text, read(pending, "").is_search) == ("milk", False)
    followed = pending.after(event(5, EventType.VIEW))
    assert read(followed, "").text == ""


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 8)), min_size=1, max_size=20),
)
def test_shares_add_up_to_one(pairs: list[tuple[int, int]]) -> None:
    codes, weights = (np.array(column) for column in zip(*pairs, strict=True))
    found = shares(codes, weights.astype(np.float32))
    total = sum(weight for _, weight in pairs)
    for code in range(6):
        expected = sum(weight for other, weight in pairs if other == code) / total
        assert found.at(np.array([code]))[0] == pytest.approx(expected, rel=1e-5)


def test_shares_of_nothing_are_nothing() -> None:
    empty = shares(np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert len(empty.rows) == 0
    assert shares(np.array([3]), np.zeros(1, np.float32)).at(np.array([3]))[0] == 0.0
