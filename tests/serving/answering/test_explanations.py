"""What an answer says moved its results, against the models asked again by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.api.answers import Answer
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from tests.towers import shelf
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.litert_models import LiteModel
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

NOW = END_TIME + 60.0
KITCHEN = Filter(category=("Kitchen",))
"""Few enough items for all of them to be candidates of every request, so that lists agree."""


def surge_of(engine: Engine, item_id: str) -> None:
    """Sixty visitors look at an item and put it into their carts within a minute."""
    engine.record(
        [
            Event(f"{type_.name}{n}", type_, f"crowd{n}", NOW - 30 + n / 10, item_id=item_id)
            for n in range(60)
            for type_ in (EventType.VIEW, EventType.ADD_TO_CART, EventType.PURCHASE)
        ]
    )


def did(engine: Engine, *events: Event) -> None:
    assert engine.record(list(events)).recorded_count == len(events)


def ask(engine: Engine) -> Answer:
    request = RecommendRequest(Placement.CATEGORY, "v", page_size=100, filter=KITCHEN, explain=True)
    answer = engine.recommend(request)
    assert answer.missing == () and len(answer.results) > 20
    return answer


def scores_by_hand(engine: Engine, left_out: int | None = None) -> dict[str, float]:
    """What the exported reranker gives every item, ranked for real, with one event left out."""
    session = engine.sessions.get("v").at(NOW)
    if left_out is not None:
        session = session.without(left_out)
    ranker, catalog = engine.bundle.ranker, engine.bundle.catalog
    shortlist = ranker.rank(RankRequest(session, NOW, mask=catalog.mask(KITCHEN)))
    model = LiteModel(shelf.models().reranker)
    scores = model.run(features=np.ascontiguousarray(shortlist.features))
    ids = [catalog.item_ids[row] for row in shortlist.rows]
    return dict(zip(ids, scores.tolist(), strict=True))


BAD_REVIEW = Event("bad", EventType.REVIEW, "v", NOW - 5, item_id="p0003", rating=1.0)


@pytest.mark.parametrize(
    "events",
    [
        # Without its only event a visitor is one whom a surge is shown.
        (shelf.view("p0004", NOW - 20),),
        (shelf.view("p0004", NOW - 20), BAD_REVIEW),
        (BAD_REVIEW, shelf.search("espresso", NOW - 4)),
    ],
)
def test_an_event_effect_is_the_models_score_less_that_of_ranking_without_the_event(
    shelf_engine: Callable[..., Engine], events: tuple[Event, ...]
) -> None:
    engine = shelf_engine()
    kitchen = engine.bundle.catalog.mask(KITCHEN)
    surge_of(engine, engine.bundle.catalog.item_ids[int(np.flatnonzero(kitchen)[7])])
    did(engine, *events)
    answer = ask(engine)
    whole = scores_by_hand(engine)
    for position, event in enumerate(events):
        without = scores_by_hand(engine, position)
        for result in answer.results:
            (told,) = [
                one.effect
                for one in result.event_effects
                if (one.event_type, one.item_id, one.query)
                == (event.type.label, event.item_id, event.query)
            ]
            expected = whole[result.item_id] - without[result.item_id]
            assert told == pytest.approx(expected, abs=2e-5)


def test_a_feature_effect_is_that_of_the_exported_model_with_the_feature_at_its_mean(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    surge_of(engine, "p0010")
    did(engine, BAD_REVIEW)
    answer = ask(engine)
    catalog = engine.bundle.catalog
    session = engine.sessions.get("v").at(NOW)
    shortlist = engine.bundle.ranker.rank(RankRequest(session, NOW, mask=catalog.mask(KITCHEN)))
    model = LiteModel(shelf.models().reranker)
    for result in answer.results[:5]:
        (place,) = np.flatnonzero(shortlist.rows == catalog.row_of[result.item_id])
        row = shortlist.features[place]
        effects = []
        for column in range(len(FEATURE_NAMES)):
            changed = row.copy()
            changed[column] = 0.5  # The mean that the shelf's bundle tells.
            both = model.run(features=np.stack([row, changed]))
            # What is the same for the whole list tells nothing of it.
            is_told = len({float(one[column]) for one in shortlist.features}) > 1
            effects.append(float(both[0] - both[1]) if is_told else 0.0)
        strongest = sorted(range(len(effects)), key=lambda n: -abs(effects[n]))[:5]
        told = {one.feature: one.effect for one in result.feature_effects}
        assert told == pytest.approx({FEATURE_NAMES[n]: effects[n] for n in strongest}, abs=2e-5)


def test_of_a_search_the_rules_score_is_told_once(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    request = SearchRequest("espresso", page_size=3, explain=True, record=False)
    session = Session.empty("").after(shelf.search("espresso", NOW, ""))
    shortlist = engine.bundle.ranker.rank(RankRequest(session, NOW, "espresso"))
    column = FEATURE_NAMES.index("search_score")
    for result in engine.search(request).results:
        (place,) = np.flatnonzero(shortlist.rows == engine.bundle.catalog.row_of[result.item_id])
        effects = {one.feature: one.effect for one in result.feature_effects}
        assert "is_search" not in effects
        # The rule counts three times where the reranker was hardly taught; the bundle tells means of .5.
        value = float(shortlist.features[place, column])
        assert effects["search_score"] == pytest.approx(3 * (value - 0.5), rel=0.2)


def test_what_is_pushed_down_is_told_beside_the_models_score(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    did(engine, BAD_REVIEW)
    answer = ask(engine)
    model_scores = scores_by_hand(engine)
    embeddings, catalog = engine.bundle.ranker.sources.index.embeddings, engine.bundle.catalog
    spread = float(np.std([*model_scores.values()]))
    # Of 240 items the four nearest, as of the nearest 2 %; the fifth is not, but for rounding.
    least = sorted((embeddings[:240] @ embeddings[3]).tolist(), reverse=True)[4]
    pushed = 0
    for result in answer.results:
        assert result.model_score == pytest.approx(model_scores[result.item_id], abs=2e-5)
        similarity = float(embeddings[catalog.row_of[result.item_id]] @ embeddings[3])
        push = -3.0 * spread * min(1.0, max(0.0, (similarity - least) / (1 - least)))
        told = {one.name: one.amount for one in result.adjustments}
        assert told == pytest.approx({"negative_feedback": push} if push < -1e-4 else {}, abs=1e-4)
        assert result.score == pytest.approx(result.model_score + push, abs=1e-4)
        pushed += push < 0
    assert pushed > 0
    assert [r.score for r in answer.results] == sorted(r.score for r in answer.results)[::-1]


def test_under_another_order_the_effects_are_the_same(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    did(engine, shelf.view("p0004", NOW - 20), BAD_REVIEW)
    from serving.api.requests import SortOrder

    plain = {one.item_id: one for one in ask(engine).results}
    request = RecommendRequest(Placement.CATEGORY, "v", page_size=100, filter=KITCHEN, explain=True)
    other = engine.recommend(replace(request, sort_by=SortOrder.PRICE_LOW))
    assert len(other.results) == len(plain)
    for result in other.results:
        assert result.event_effects == plain[result.item_id].event_effects
        assert result.feature_effects == plain[result.item_id].feature_effects
        assert (result.score, result.model_score, result.adjustments) == (0.0, 0.0, ())
