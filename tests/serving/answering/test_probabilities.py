"""One item, query, visitor and moment has one purchase probability, however it is listed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.api.answers import Answer
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest, SortOrder
from serving.engine import Engine
from tests.serving.answering.conftest import CALIBRATION, action_model
from tests.serving.answering.test_explanations import BAD_REVIEW, surge_of
from tests.towers import shelf
from towers.ranking.litert_models import LiteModel
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

NOW = END_TIME + 60.0
SEARCH = SearchRequest("moccado espresso", "v", page_size=100, record=False)
HOME = RecommendRequest(Placement.HOME, "v", page_size=100)
ANYBODY = RecommendRequest(Placement.HOME, page_size=100)

RULES = """
[[boost]]
brands = ["Moccado"]
strength = 5
[[pin]]
item = "p0100"
position = 2
[[hide]]
items = ["p0004", "p0010", "p0011"]
[[hide]]
categories = ["Garden"]
[[synonym]]
words = ["espresso"]
finds = ["shoes"]
"""


def ask(engine: Engine, request: SearchRequest | RecommendRequest) -> Answer:
    is_search = isinstance(request, SearchRequest)
    answer = engine.search(request) if is_search else engine.recommend(request)
    assert answer.missing == ()
    return answer


def told(engine: Engine, request: SearchRequest | RecommendRequest) -> dict[str, float]:
    """Probabilities by item over all pages."""
    found: dict[str, float] = {}
    offset: int | None = 0
    while offset is not None:
        answer = ask(engine, replace(request, offset=offset))
        for one in answer.results:
            assert one.purchase_probability is not None
            found[one.item_id] = one.purchase_probability
        offset = answer.next_offset
    return found


@pytest.mark.parametrize("request_", [SEARCH, HOME, ANYBODY], ids=["search", "home", "anybody"])
def test_a_probability_is_the_same_under_any_filter_order_page_and_rule(
    shelf_engine: Callable[..., Engine], request_: SearchRequest | RecommendRequest
) -> None:
    engines = shelf_engine(), shelf_engine(RULES)
    for engine in engines:
        surge_of(engine, "p0030")
        engine.record([shelf.view("p0004", NOW - 20), BAD_REVIEW])
    plain = told(engines[0], request_)
    assert len(plain) >= 236 and max(plain.values()) > min(plain.values()) + 0.02
    price = float(np.nanmedian(engines[0].bundle.catalog.price))
    ways = [
        {},
        {"page_size": 7},
        {"filter": Filter(category=("Kitchen",))},
        {"filter": Filter(max_price=price)},
        {"filter": Filter(brands=("Moccado",), in_stock_only=True)},
        {"sort_by": SortOrder.PRICE_LOW},
        {"sort_by": SortOrder.POPULARITY, "filter": Filter(max_price=price)},
    ]
    for engine in engines:
        for way in ways:
            other = told(engine, replace(request_, **way))  # type: ignore[arg-type]
            assert other, way
            for item_id, probability in other.items():
                assert probability == pytest.approx(plain[item_id], abs=1e-6), (item_id, way)


def test_a_probability_is_the_calibrated_share_of_the_exported_models_scores(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    surge_of(engine, "p0030")
    engine.record([shelf.view("p0004", NOW - 20), BAD_REVIEW])
    answer = ask(engine, HOME)
    session = engine.sessions.get("v").at(NOW)
    shortlist = engine.bundle.ranker.rank(RankRequest(session, NOW))
    model = LiteModel(shelf.models().reranker)
    scores = model.run(features=np.ascontiguousarray(shortlist.features)).astype(float)
    log_total = math.log(sum(math.exp(score) for score in scores))
    weights, bias = CALIBRATION["weights"], CALIBRATION["intercept"]
    common = [max(scores) - log_total, 0.0, math.log1p(2), math.log1p(0), math.log1p(0)]
    by_row = dict(zip(shortlist.rows.tolist(), scores.tolist(), strict=True))
    row_of = engine.bundle.catalog.row_of
    checked = 0
    for one in answer.results:
        score = by_row.get(row_of[one.item_id])
        if score is None:
            continue
        inputs = [score - log_total, *common]
        logit = bias + sum(w * x for w, x in zip(weights, inputs, strict=True))  # type: ignore[arg-type, operator]
        assert one.purchase_probability == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-5)
        checked += 1
    assert checked > 50


def test_the_calibration_is_learnt_on_what_is_served(shelf_engine: Callable[..., Engine]) -> None:
    """Features and session of a training moment are those of a plain request at that moment."""
    from towers.ranking.calibration import calibration_inputs
    from towers.training.calibration_training import PurchaseMoments

    engine = shelf_engine()
    disliked = replace(BAD_REVIEW, time=NOW - 50)
    engine.record([shelf.view("p0004", NOW - 60), disliked])
    moments = PurchaseMoments(shelf.log(), engine.bundle.ranker, held_out_from=0, seed=1)
    number = min(moments._numbers)
    event = Event("next", EventType.SEARCH, "v", NOW, query="espresso")
    moments(number, engine.sessions.get("v"), event)
    asked = moments._answers[-1]
    model = LiteModel(shelf.models().reranker)
    scores = model.run(features=np.ascontiguousarray(asked.features))
    inputs = calibration_inputs(scores, scores, asked.session, is_search=asked.is_search)
    calibration = engine.bundle.facts.calibration
    assert calibration is not None
    learnt = sorted(calibration.probabilities(inputs).tolist(), reverse=True)
    answer = engine.search(SearchRequest("espresso", "v", page_size=len(scores), record=False))
    served = sorted((one.purchase_probability or 0.0 for one in answer.results), reverse=True)
    assert served == pytest.approx(learnt, abs=1e-6)


@pytest.mark.parametrize("request_", [SEARCH, HOME], ids=["search", "home"])
def test_actions_are_predicted_where_they_are_asked_for(
    shelf_engine: Callable[..., Engine], request_: SearchRequest | RecommendRequest
) -> None:
    """The network and the curve worked out again from the features that ranked the item."""
    engine = shelf_engine()
    assert not any(one.actions for one in ask(engine, request_).results)
    answer = ask(engine, replace(request_, predict_actions=True))
    bundle = engine.bundle
    model = action_model()
    session = Session.empty("v")
    if isinstance(request_, SearchRequest):
        session = session.after(shelf.search(request_.query, NOW))
        asked = RankRequest(session, NOW, request_.query)
    else:
        asked = RankRequest(session, NOW)
    shortlist = bundle.ranker.rank(asked)
    own = model.logits(shortlist.features).astype(np.float64)
    total = math.log(np.exp(shortlist.model_scores.astype(np.float64)).sum())
    largest = float(shortlist.model_scores.max())
    ids = bundle.catalog.item_ids
    expected = {}
    for position, row in enumerate(shortlist.rows.tolist()):
        inputs = [
            float(shortlist.model_scores[position]) - total,
            largest - total,
            float(bool(asked.text)),
            math.log1p(len(session.events)),
            0.0,
            0.0,
        ]
        logits = [
            own[position, place] * weights[0]
            + sum(a * b for a, b in zip(weights[1:], inputs, strict=True))
            + intercept
            for place, (weights, intercept) in enumerate(
                zip(model.weights.tolist(), model.intercepts.tolist(), strict=True)
            )
        ]
        click, *others = (1.0 / (1.0 + math.exp(-logit)) for logit in logits)
        expected[ids[row]] = [click, *(min(click, other) for other in others)]
    told = {one.item_id: one.actions for one in answer.results if one.item_id in expected}
    assert len(told) > 20
    for item_id, actions in told.items():
        assert [one.action for one in actions] == ["click", "add_to_cart", "purchase"]
        assert [one.probability for one in actions] == pytest.approx(expected[item_id], abs=1e-5)
    assert all(one.item_id in told or not one.actions for one in answer.results)


def test_an_item_has_the_same_actions_under_a_filter(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    everything = {
        one.item_id: one.actions for one in ask(engine, replace(HOME, predict_actions=True)).results
    }
    narrow = replace(HOME, predict_actions=True, filter=Filter(category=("Kitchen", "Coffee")))
    compared = 0
    for one in ask(engine, narrow).results:
        if one.actions and everything.get(one.item_id):
            expected = [action.probability for action in everything[one.item_id]]
            assert [action.probability for action in one.actions] == pytest.approx(
                expected, abs=1e-5
            )
            compared += 1
    assert compared >= 5
