"""What the placements that choose their items have in common: probabilities, and logged features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.offers.offer import Offer, OfferKind
from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from serving.evaluation.feature_parity import recompute_features
from tests.towers import shelf

NOW = END_TIME + 60.0
CHOOSING = (Placement.CROSS_SELL, Placement.PROMOTION, Placement.AFTER_SALES)


def shopper(engine: Engine) -> str:
    """A visitor who has just bought something, in a shop with a coupon on every fourth item."""
    ids = engine.bundle.catalog.item_ids
    engine.offers.update([Offer("c", OfferKind.COUPON, tuple(ids[::4]))])
    # What follows most: so that the page after the purchase has something to show.
    known = engine.bundle.after_sales.by_item
    bought = max(range(len(ids)), key=lambda row: len(known.after(row)[0]))
    engine.record([Event("e1", EventType.PURCHASE, "v", NOW - 9.0, item_id=ids[bought])])
    return "v"


@pytest.mark.parametrize("placement", CHOOSING)
def test_an_item_has_the_probability_that_it_has_on_the_home_page(
    shelf_engine: Callable[..., Engine], placement: Placement
) -> None:
    engine = shelf_engine()
    visitor = shopper(engine)
    home = engine.recommend(RecommendRequest(Placement.HOME, visitor, page_size=240))
    known = {one.item_id: one.purchase_probability for one in home.results}
    answer = engine.recommend(RecommendRequest(placement, visitor, page_size=240))
    assert not answer.missing and len(answer.results) > 0
    for one in answer.results:
        assert one.purchase_probability is not None
        assert one.purchase_probability == pytest.approx(known[one.item_id], rel=1e-4)


def test_features_are_logged_where_the_log_alone_tells_what_was_shown(
    shelf_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = shelf_engine(log_feature_share=1.0)
    visitor = shopper(engine)
    for placement in CHOOSING:
        engine.recommend(RecommendRequest(placement, visitor, page_size=5))
    path = engine.bundle.path
    engine.close()
    found = {one.impression.surface: one for one in recompute_features(path, tmp_path / "state0")}
    # The offers of today say nothing of those of then.
    assert found["promotion"].impression.features is None
    for surface in ("cross_sell", "after_sales"):
        logged = found[surface].impression.features
        assert logged is not None and len(logged) and found[surface].found.all()
        assert np.array_equal(logged, found[surface].features)


def test_a_bundle_that_is_published_keeps_the_prices_that_it_was_released_with(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    item = next(one for one in shelf.items() if one.price)
    engine.update_items([replace(item, price=(item.price or 0.0) / 2)])
    request = RecommendRequest(Placement.PROMOTION, "v")
    before = [one.item_id for one in engine.recommend(request).results]
    engine.publish(str(engine.bundle.path))
    assert [one.item_id for one in engine.recommend(request).results] == before == [item.item_id]
