"""Training sees what serving saw: features of the live server equal those of its log."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from data.records import Event, EventType
from serving.api.requests import (
    AttributeCondition,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from serving.edge.client import Client
from serving.edge.server import serve
from serving.engine import Engine
from serving.evaluation.feature_parity import recompute_features

REQUEST_COUNT = 1_000
DID = (EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE, EventType.FAVORITE)


def test_logged_features_equal_those_of_the_replayed_log_for_a_thousand_requests(
    shop_bundle: Path, tmp_path: Path
) -> None:
    rng = random.Random(3)
    engine = Engine.open(shop_bundle, tmp_path, log_feature_share=1.0)
    item_ids = engine.bundle.catalog.item_ids
    titles = engine.bundle.catalog.titles
    sizes = tuple(engine.bundle.catalog.attributes.values("size"))
    server = serve(engine, "127.0.0.1:0")
    with Client(f"127.0.0.1:{server.port}") as client:
        for number in range(REQUEST_COUNT):
            visitor = f"v{rng.randrange(40)}"
            if rng.random() < 0.6:
                type_ = rng.choice(DID)
                event = Event("", type_, visitor, engine._clock(), rng.choice(item_ids))
                client.record([event])
            condition = Filter(category=("Sports",)) if number % 10 == 0 else Filter()
            if number % 15 == 0:
                condition = Filter(attributes=(AttributeCondition("size", sizes[:2]),))
            if number % 2:
                words = rng.choice(titles).split()[:2]
                client.search(SearchRequest(" ".join(words), visitor, 10, filter=condition))
            elif number % 4:
                client.recommend(RecommendRequest(Placement.HOME, visitor, (), 10, 0, condition))
            else:
                placement = rng.choice([Placement.ITEM, Placement.CART])
                context = (rng.choice(item_ids),)
                client.recommend(RecommendRequest(placement, visitor, context, 10, 0, condition))
    server.stop()
    engine.close()

    compared = 0
    for relived in recompute_features(shop_bundle, tmp_path):
        logged = relived.impression.features
        assert logged is not None
        assert relived.found.all()
        assert np.array_equal(logged, relived.features)
        compared += len(logged) > 0
    assert compared == REQUEST_COUNT


def test_a_log_that_is_not_the_one_of_the_session_would_be_noticed(
    shop_bundle: Path, tmp_path: Path
) -> None:
    """The control: leave out one event, and the features differ."""
    engine = Engine.open(shop_bundle, tmp_path, log_feature_share=1.0)
    engine.sessions.apply(Event("unlogged", EventType.VIEW, "v", engine._clock(), "p0001"))
    engine.recommend(RecommendRequest(Placement.HOME, "v", page_size=10))
    engine.close()
    (relived,) = recompute_features(shop_bundle, tmp_path)
    assert relived.impression.features is not None
    assert not np.array_equal(relived.impression.features, relived.features)
