"""The compiled loop gives what each feature's function gives, and 0 where the request lacks its part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.answering.rank_request_builders import search_rank_request
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.placements.placement_list import recommend_rank_request
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURES, feature_matrix
from towers.sessions.session import Session


@pytest.fixture
def engine(shop_bundle: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, clock=lambda: END_TIME + 60.0)
    yield engine
    engine.close()


def test_the_loop_gives_what_the_functions_give(engine: Engine) -> None:
    catalog, ranker, now = engine.bundle.catalog, engine.bundle.ranker, END_TIME + 60.0
    other_visitor = Session.empty("v")
    looked = other_visitor.after(Event("a", EventType.VIEW, "v", now - 9, "p0001"))
    bought = other_visitor.after(Event("b", EventType.PURCHASE, "v", now - 86_400, "p0002"))
    rank_requests = [
        make(session)
        for session in (other_visitor, looked, bought)
        for make in (
            lambda one: search_rank_request(SearchRequest("shoes", "v"), one, now, catalog),
            lambda one: recommend_rank_request(
                RecommendRequest(Placement.HOME, "v"), one, now, engine.bundle
            ),
        )
    ]
    passed_over = set()
    for rank_request in rank_requests:
        encoded = ranker.read(rank_request)
        context = FeatureContext(encoded, ranker.candidates(encoded), ranker.sources)
        matrix = feature_matrix(context)
        items, (request,) = (one.view(np.recarray) for one in (context.items, context.request))
        for column, feature in zip(matrix.T, FEATURES, strict=True):
            if feature.needs and not request[feature.needs]:
                assert not column.any(), feature.name
                passed_over.add(feature.name)
            else:
                values = [float(feature.compute(item, request)) for item in items]
                assert column == pytest.approx(values, rel=1e-5, abs=1e-7), feature.name
    assert passed_over == {feature.name for feature in FEATURES if feature.needs}
