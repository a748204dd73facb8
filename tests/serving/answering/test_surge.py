"""A surge leads the page of whoever has given no hint, and of nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.api.requests import Filter, Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from tests.serving.answering.test_explanations import BAD_REVIEW, surge_of
from tests.towers import shelf
from towers.ranking.adjustments import SURGE

NOW = END_TIME + 60.0
SURGING = "p0030"
HOME = RecommendRequest(Placement.HOME, "v", page_size=240)


def lifted(engine: Engine, request: RecommendRequest) -> dict[str, float]:
    """What a surge adds, by item, on all of the shortlist."""
    return {
        one.item_id: part.amount
        for one in engine.recommend(request).results
        for part in one.adjustments
        if part.name == "surge"
    }


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"visitor_id": ""},
        {"filter": Filter(in_stock_only=True)},
        {"placement": Placement.CART},
    ],
)
def test_a_surge_leads_the_page_of_whoever_has_given_no_hint(
    shelf_engine: Callable[..., Engine], change: dict[str, object]
) -> None:
    engine = shelf_engine()
    surge_of(engine, SURGING)
    request = replace(HOME, **change)  # type: ignore[arg-type]
    answer = engine.recommend(request)
    assert answer.results[0].item_id == SURGING
    assert set(lifted(engine, request)) == {SURGING}


@pytest.mark.parametrize(
    ("events", "change"),
    [
        ((shelf.search("garden rake", NOW - 5, "v"),), {}),
        ((shelf.search("zzyzx", NOW - 5, "v"),), {}),
        ((shelf.search("rake", NOW - 5, "v"), shelf.view("gone", NOW - 4, "v")), {}),
        ((shelf.view("p0004", NOW - 5),), {}),
        ((shelf.view("an item that has gone", NOW - 5),), {}),
        ((BAD_REVIEW,), {}),
        ((Event("b", EventType.PURCHASE, "v", NOW - 9 * 86_400, item_id="p0004"),), {}),
        ((Event("b", EventType.PURCHASE, "v", NOW - 9 * 86_400, item_id="gone"),), {}),
        ((Event("b", EventType.REVIEW, "v", NOW - 9_000, item_id="p0004", rating=1.0),), {}),
        ((), {"placement": Placement.CATEGORY, "filter": Filter(category=("Kitchen",))}),
        ((), {"placement": Placement.ITEM, "item_ids": ("p0004",)}),
        ((), {"placement": Placement.CART, "item_ids": ("p0004",)}),
        ((), {"filter": Filter(brands=("Moccado", "Velox"))}),
        ((), {"filter": Filter(max_price=1e6)}),
    ],
)
def test_a_surge_lifts_nothing_for_whoever_has_given_a_hint(
    shelf_engine: Callable[..., Engine], events: tuple[Event, ...], change: dict[str, object]
) -> None:
    engine = shelf_engine()
    surge_of(engine, SURGING)
    if events:
        engine.record(list(events))
    assert lifted(engine, replace(HOME, **change)) == {}  # type: ignore[arg-type]


def test_a_search_is_no_page_for_a_surge(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    surge_of(engine, SURGING)
    answer = engine.search(SearchRequest("rake", page_size=240, record=False))
    assert all(part.name != SURGE for one in answer.results for part in one.adjustments)
