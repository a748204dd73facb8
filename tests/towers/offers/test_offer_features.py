"""The features of a visitor and an offer, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from data.offers.offer import Offer, OfferKind
from data.records import EventType, Item
from tests.towers.offers.grocer import (
    BEER,
    CREAM,
    DAY,
    EMBEDDINGS,
    MILK,
    NOW,
    NUTS,
    book,
    coupon,
    session,
    use,
)
from towers.offers.offer_features import FEATURE_NAMES, OfferTables, offer_features
from towers.offers.visitor_state import VisitorState
from towers.retrieval.popularity import Popularity

BUY, VIEW = EventType.PURCHASE, EventType.VIEW


def test_each_feature_is_what_it_says() -> None:
    offers = [
        coupon("dairy", MILK, CREAM, start_time=NOW - 3 * DAY, end_time=NOW + 7 * DAY),
        Offer("nuts", OfferKind.PROMOTION, (NUTS,), percent_off=20.0),
        coupon("old", NUTS, end_time=NOW - 1.0, amount_off=1.5),
    ]
    found = book(offers, [use("1", "old", time=NOW - 2 * DAY), use("2", "dairy", visitor="w")])
    popularity = Popularity(30.0, np.array([3.0, 1.0, 5.0, 0.0]), NOW, NOW)
    # Bought milk twice and nuts once; views cream now.
    visited = session((BUY, MILK, 28.0), (BUY, NUTS, 14.0), (BUY, MILK, 7.0), (VIEW, CREAM, 0.0))
    catalog = found.catalog
    state = VisitorState.of(visited, NOW, catalog, EMBEDDINGS)
    matrix = offer_features(state, found.all(), OfferTables(found, popularity, EMBEDDINGS))
    rows = [dict(zip(FEATURE_NAMES, row, strict=True)) for row in matrix.tolist()]
    dairy, nuts, old = rows
    log = math.log1p
    assert dairy["own_count"] == pytest.approx(log(2))
    assert dairy["own_recent"] == pytest.approx(log(2 * 0.5**0.25))
    assert dairy["own_share"] == pytest.approx(2 / 3)
    assert dairy["own_days"] == pytest.approx(log(7))
    # Two purchases, the last seven days ago, in a history of fourteen days since the oldest last one.
    assert dairy["due"] == pytest.approx(log(2 * 7 / 14))
    assert dairy["category_count"] == pytest.approx(log(2))
    assert nuts["category_share"] == pytest.approx(1 / 3)
    assert dairy["session_share"] == 1.0
    assert nuts["session_share"] == 0.0
    assert dairy["item_count"] == pytest.approx(log(2))
    assert dairy["category_breadth"] == pytest.approx(log(1))
    assert dairy["popularity"] == pytest.approx(log(4))
    assert dairy["largest_popularity"] == pytest.approx(log(3))
    assert dairy["offer_redemptions"] == pytest.approx(log(1))
    assert (nuts["percent_off"], nuts["amount_off"]) == (20.0, 0.0)
    assert old["amount_off"] == pytest.approx(log(1.5))
    assert (dairy["age_days"], dairy["left_days"]) == pytest.approx((log(3), log(7)))
    assert (nuts["age_days"], old["left_days"]) == pytest.approx((log(365), 0.0))
    assert dairy["visit_count"] == pytest.approx(log(3))
    assert dairy["visit_days"] == pytest.approx(log(7))
    assert dairy["bought_item_count"] == pytest.approx(log(2))
    assert dairy["visitor_redemptions"] == pytest.approx(log(1))
    assert dairy["visitor_redemption_days"] == pytest.approx(log(2))
    assert (dairy["redeemed_before"], old["redeemed_before"]) == pytest.approx((0.0, log(1)))
    # What the redeemed offer was for is what the offer of nuts is for.
    assert (dairy["redeemed_overlap"], nuts["redeemed_overlap"]) == (0.0, 1.0)
    # Taste: purchases by logarithm and half-life, and twice the session.
    weights = {0: log(2) * 0.5 ** (7 / 30), 2: log(1) * 0.5 ** (14 / 30)}
    total = sum(weights.values())
    taste = sum(weight / total * EMBEDDINGS[row] for row, weight in weights.items())
    taste = taste + 2.0 * EMBEDDINGS[1]
    taste = taste / np.linalg.norm(taste)
    cosines = EMBEDDINGS @ taste
    assert dairy["mean_cosine"] == pytest.approx(cosines[:2].mean(), abs=1e-6)
    assert dairy["largest_cosine"] == pytest.approx(cosines[:2].max(), abs=1e-6)


def test_the_cart_counts_like_the_session() -> None:
    found = book([coupon("milk", MILK), coupon("beer", BEER)])
    tables = OfferTables(found, Popularity(30.0), EMBEDDINGS)
    state = VisitorState.of(session(), NOW, found.catalog, EMBEDDINGS, [MILK, "gone"])
    matrix = offer_features(state, found.all(), tables)
    assert matrix[:, FEATURE_NAMES.index("session_share")].tolist() == [1.0, 0.0]
    assert matrix[:, FEATURE_NAMES.index("largest_cosine")].tolist() == [1.0, 0.0]


def test_nobody_and_nothing_are_numbers_too() -> None:
    found = book([coupon("milk", MILK)])
    tables = OfferTables(found, Popularity(30.0), EMBEDDINGS)
    state = VisitorState.of(session(visitor=""), NOW, found.catalog, EMBEDDINGS)
    assert not state.is_known
    assert np.isfinite(offer_features(state, found.all(), tables)).all()
    assert offer_features(state, [], tables).shape == (0, len(FEATURE_NAMES))


def test_an_item_that_is_being_added_is_read_like_any_other() -> None:
    found = book([coupon("milk", MILK), coupon("beer", BEER)])
    catalog, tables = (
        found.catalog,
        OfferTables(found, Popularity(30.0), np.eye(5, dtype=np.float32)),
    )
    catalog.upsert(Item("new", "Oat milk", category=("Dairy", "Milk")))
    visited = session((BUY, "new", 7.0), (VIEW, MILK, 0.0), (VIEW, "new", 0.0))
    state = VisitorState.of(visited, NOW, catalog, tables.embeddings)
    after = offer_features(state, found.all(), tables)
    # A moment before: it has its row, and is not counted.
    catalog.item_ids.pop()
    assert catalog.count == catalog.row_of["new"] == 4
    assert np.array_equal(offer_features(state, found.all(), tables), after)
    assert after[:, FEATURE_NAMES.index("session_share")].tolist() == [0.5, 0.0]
    assert after[0, FEATURE_NAMES.index("category_count")] == pytest.approx(math.log1p(1))
