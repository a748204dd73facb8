"""Which offers a visitor gets, in which order, and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.records import EventType
from tests.towers.offers.grocer import (
    BEER,
    CREAM,
    EMBEDDINGS,
    MILK,
    NOW,
    NUTS,
    book,
    coupon,
    session,
)
from towers.offers.boosted_trees import BoostedTrees
from towers.offers.offer_features import FEATURE_NAMES, OfferTables
from towers.offers.offer_model import OfferModel
from towers.offers.offer_ranking import OfferOrder, ReasonKind, rank_offers
from towers.offers.visitor_state import VisitorState
from towers.retrieval.popularity import Popularity
from towers.sessions.session import Session

BUY, VIEW, RETURN = EventType.PURCHASE, EventType.VIEW, EventType.RETURN


def stump(feature: str, threshold: float, low: float, high: float) -> BoostedTrees:
    """One question."""
    return BoostedTrees(
        np.array([0], np.int32),
        np.array([FEATURE_NAMES.index(feature), -1, -1], np.int32),
        np.array([threshold, 0.0, 0.0]),
        np.array([1, 0, 0], np.int32),
        np.array([2, 0, 0], np.int32),
        np.array([0.0, low, high]),
        np.array([0.0]),
    )


OFFERS = [coupon("milk", MILK), coupon("cream", CREAM), coupon("nuts", NUTS), coupon("beer", BEER)]


def ranked(visited: Session, model: OfferModel | None = None, **options: object) -> list[str]:
    found = book(OFFERS)
    tables = OfferTables(
        found, Popularity(30.0, np.array([1.0, 2.0, 3.0, 4.0]), NOW, NOW), EMBEDDINGS
    )
    state = VisitorState.of(visited, NOW, found.catalog, EMBEDDINGS)
    results, unwanted = rank_offers(
        state,
        found.all(),
        tables,
        model,
        **{"limit": 10, **options},  # type: ignore[arg-type]
    )
    assert len(results) + unwanted <= len(OFFERS)
    return [f"{one.placed.offer.offer_id} {one.affinity:.1f}" for one in results]


def test_none_is_made_whose_items_the_visitor_does_not_want() -> None:
    # Milk was bought; cream is near it (cosine .8), nuts and beer are at right angles.
    assert ranked(session((BUY, MILK, 3.0))) == ["milk 1.0", "cream 0.8"]


def test_of_an_unknown_visitor_nothing_is_unwanted_and_demand_decides() -> None:
    assert ranked(session()) == ["beer 0.0", "nuts 0.0", "cream 0.0", "milk 0.0"]


def test_what_the_visitor_sent_back_is_not_offered() -> None:
    visited = session((BUY, CREAM, 9.0), (BUY, MILK, 3.0), (RETURN, MILK, 2.0))
    # Milk is as near to cream as cream to milk, but was sent back; nuts are at .6 of cream.
    assert ranked(visited) == ["cream 1.0", "nuts 0.6"]


def test_a_model_orders_by_probability_or_by_uplift() -> None:
    model = OfferModel(
        # Redeemed rather what was not bought; changed rather where it was.
        stump("own_count", 0.1, 2.0, -2.0),
        stump("own_count", 0.1, 0.05, 0.4),
        affinity_threshold=0.5,
    )
    visited = session((BUY, MILK, 3.0))
    assert ranked(visited, model) == ["cream 0.8", "milk 1.0"]
    assert ranked(visited, model, order=OfferOrder.UPLIFT) == ["milk 1.0", "cream 0.8"]
    assert ranked(visited, model, limit=1) == ["cream 0.8"]
    only = OfferModel(model.redemption, None, 0.9)
    assert ranked(visited, only, order=OfferOrder.UPLIFT) == ["milk 1.0"]


def test_probabilities_and_uplifts_are_those_of_the_trees() -> None:
    found = book(OFFERS[:1])
    tables = OfferTables(found, Popularity(30.0), EMBEDDINGS)
    state = VisitorState.of(session((BUY, MILK, 3.0)), NOW, found.catalog, EMBEDDINGS)
    model = OfferModel(stump("own_count", 0.1, 0.0, 1.0), stump("own_count", 0.1, 0.0, 5.0), 0.0)
    (one,), _ = rank_offers(state, found.all(), tables, model, limit=1)
    assert one.probability == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert one.uplift == 1.0


@pytest.mark.parametrize(
    ("events", "offer", "kind", "text"),
    [
        (
            [(BUY, MILK, 3.0), (VIEW, MILK, 0.0)],
            "milk",
            ReasonKind.SESSION,
            "Because you are interested in Fresh milk",
        ),
        ([(BUY, MILK, 3.0)], "milk", ReasonKind.BOUGHT, "Because you bought Fresh milk"),
        ([(BUY, MILK, 3.0)], "cream", ReasonKind.CATEGORY, "Because you buy from Milk"),
        ([(VIEW, MILK, 0.0)], "cream", ReasonKind.SIMILAR, "It is like what you buy and look at"),
        ([], "milk", ReasonKind.POPULAR, "Many shoppers buy what it is for"),
    ],
)
def test_the_reason_is_the_strongest_there_is(
    events: list[tuple[EventType, str, float]], offer: str, kind: ReasonKind, text: str
) -> None:
    found = book(OFFERS)
    tables = OfferTables(found, Popularity(30.0), EMBEDDINGS)
    state = VisitorState.of(session(*events), NOW, found.catalog, EMBEDDINGS)
    results, _ = rank_offers(state, found.all(), tables, None, limit=10)
    reasons = {one.placed.offer.offer_id: one.reason for one in results}
    assert (reasons[offer].kind, reasons[offer].text) == (kind, text)
    assert reasons[offer].item_id == (MILK if kind <= ReasonKind.BOUGHT else "")


@pytest.mark.parametrize(
    ("events", "offer", "text"),
    [
        ([(BUY, MILK, 3.0), (VIEW, MILK, 0.0)], "milk", "因为您对Fresh milk感兴趣"),
        ([(BUY, MILK, 3.0)], "milk", "因为您买过Fresh milk"),
        ([(BUY, MILK, 3.0)], "cream", "因为您常买Milk"),
        ([(VIEW, MILK, 0.0)], "cream", "与您购买和浏览的商品相似"),
        ([], "milk", "适用商品近期热销"),
    ],
)
def test_the_reason_is_in_the_language_of_the_offer(
    events: list[tuple[EventType, str, float]], offer: str, text: str
) -> None:
    found = book([coupon("milk", MILK, text="立减一元"), coupon("cream", CREAM, text="奶油八折")])
    tables = OfferTables(found, Popularity(30.0), EMBEDDINGS)
    state = VisitorState.of(session(*events), NOW, found.catalog, EMBEDDINGS)
    results, _ = rank_offers(state, found.all(), tables, None, limit=10)
    assert {one.placed.offer.offer_id: one.reason.text for one in results}[offer] == text


def test_a_saved_model_is_the_same_model(tmp_path: Path) -> None:
    model = OfferModel(stump("own_count", 0.1, 2.0, -2.0), stump("due", 0.1, 0.0, 0.5), 0.25)
    model.save(tmp_path)
    loaded = OfferModel.load(tmp_path)
    assert loaded is not None
    matrix = np.random.default_rng(1).normal(size=(50, len(FEATURE_NAMES))).astype(np.float32)
    assert loaded.probabilities(matrix).tolist() == model.probabilities(matrix).tolist()
    assert loaded.affinity_threshold == 0.25
    assert OfferModel.load(tmp_path / "none") is None
    text = (tmp_path / "offer_model.json").read_text().replace('"due"', '"undue"')
    (tmp_path / "offer_model.json").write_text(text)
    with pytest.raises(ValueError, match="expected the features of this version"):
        OfferModel.load(tmp_path)


def test_trees_that_point_back_are_refused(tmp_path: Path) -> None:
    stump("due", 0.1, 0.0, 0.5).save(tmp_path, "uplift")
    for name, bad in (("lefts", 0), ("rights", 3), ("features", 99), ("roots", 3)):
        path = tmp_path / f"uplift_{name}.npy"
        good = np.load(path)
        np.save(path, np.where(np.arange(len(good)) == 0, bad, good).astype(np.int32))
        with pytest.raises(ValueError, match="expected nodes that point to later ones"):
            BoostedTrees.load(tmp_path, "uplift", len(FEATURE_NAMES))
        np.save(path, good)
    assert len(BoostedTrees.load(tmp_path, "uplift", len(FEATURE_NAMES)).values) == 3
