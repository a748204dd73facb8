"""A feature that is passed over is 0 when it is computed all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.engine import Engine
from serving.questions import recommend_question, search_question
from serving.requests import Placement, RecommendRequest, SearchRequest
from towers.features import FEATURES, feature_matrix
from towers.scene import Scene
from towers.session import Session


@pytest.fixture
def engine(shop_bundle: Path) -> Iterator[Engine]:
    engine = Engine.open(shop_bundle, clock=lambda: END_TIME + 60.0)
    yield engine
    engine.close()


def test_passed_over_features_are_those_that_would_be_zero(engine: Engine) -> None:
    catalog, ranker, now = engine.bundle.catalog, engine.bundle.ranker, END_TIME + 60.0
    stranger = Session.empty("v")
    looked = stranger.after(Event("a", EventType.VIEW, "v", now - 9, "p0001"))
    bought = stranger.after(Event("b", EventType.PURCHASE, "v", now - 86_400, "p0002"))
    questions = [
        make(session)
        for session in (stranger, looked, bought)
        for make in (
            lambda one: search_question(SearchRequest("shoes", "v"), one, now, catalog),
            lambda one: recommend_question(
                RecommendRequest(Placement.HOME, "v"), one, now, catalog
            ),
        )
    ]
    passed_over = set()
    for question in questions:
        reading = ranker.read(question)
        scene = Scene(reading, ranker.candidates(reading), ranker.sources)
        matrix = feature_matrix(scene)
        for column, feature in zip(matrix.T, FEATURES, strict=True):
            computed = np.zeros(len(scene.rows), np.float32)
            computed[:] = feature.compute(scene)
            assert np.array_equal(column, computed), feature.name
            if feature.needs and not getattr(scene, feature.needs):
                passed_over.add(feature.name)
    assert passed_over == {feature.name for feature in FEATURES if feature.needs}
