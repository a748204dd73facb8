"""Sentences that tell shoppers why an item is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from data.records import Event, EventType
from data.synthetic import END_TIME
from serving.answering.reasons import reason_of
from serving.api.answers import EventEffect, Result, SourceHit
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine

NOW = END_TIME + 60.0
TITLES = {"mug": "Blue mug", "pan": "Iron pan"}


def reason(
    *effects: EventEffect,
    sources: tuple[SourceHit, ...] = (),
    query: str = "",
    title: str = "Kettle",
    is_anonymous: bool = False,
) -> str:
    result = Result("kettle", title, (), "", None, True, 0.0, sources)
    return reason_of(
        result,
        effects,
        query=query,
        is_anonymous=is_anonymous,
        title_of=lambda item_id: TITLES.get(item_id, ""),
    )


def test_the_event_that_spoke_most_for_the_item_is_the_reason() -> None:
    looked = EventEffect("view", "mug", "", 0.2)
    in_cart = EventEffect("add_to_cart", "pan", "", 0.3)
    against = EventEffect("view", "pan", "", -0.9)
    assert reason(looked, in_cart, against) == "because Iron pan is in your cart"
    assert reason(looked, against) == "because you looked at Blue mug"


def test_an_event_of_the_item_itself_or_of_an_unknown_one_is_no_reason() -> None:
    itself = EventEffect("view", "kettle", "", 0.9)
    unknown = EventEffect("view", "gone", "", 0.8)
    looked = EventEffect("view", "mug", "", 0.1)
    assert reason(itself, unknown, looked) == "because you looked at Blue mug"


def test_a_search_is_no_reason_for_its_own_results() -> None:
    own = EventEffect("search", "", "kettle", 0.9)
    earlier = EventEffect("search", "", "tea", 0.1)
    assert reason(own, query="kettle") == "found for “kettle”"
    assert reason(own, earlier, query="kettle") == "because you searched for “tea”"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("bought", "you bought it before"),
        ("popular", "in demand right now"),
        ("a new source", "chosen for you"),
    ],
)
def test_without_such_an_event_how_it_was_found(source: str, sentence: str) -> None:
    assert reason(sources=(SourceHit(source, 3),)) == sentence


def test_the_source_that_ranks_it_highest_counts() -> None:
    hits = (SourceHit("popular", 7), SourceHit("covisited", 2))
    assert reason(sources=hits) == "chosen together with what you looked at"


def test_of_anonymous_visitors_nothing_they_did_is_named() -> None:
    hits = (SourceHit("covisited", 1), SourceHit("popular", 9))
    assert reason(sources=hits, is_anonymous=True) == "in demand right now"
    assert reason(sources=hits[:1], is_anonymous=True) == "chosen for you"


def test_chinese_where_the_query_or_else_the_title_is() -> None:
    looked = EventEffect("view", "mug", "", 0.2)
    assert reason(looked, title="水壶") == "因为您看过Blue mug"
    assert reason(looked, title="水壶", query="kettle") == "because you looked at Blue mug"
    assert reason(query="水壶") == "为您找到“水壶”"


def test_every_explained_result_has_a_reason_and_no_other_has(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine()
    catalog = engine.bundle.catalog
    engine.record([Event("e1", EventType.VIEW, "v", NOW - 30, item_id=catalog.item_ids[0])])
    request = RecommendRequest(Placement.HOME, "v", page_size=10, explain=True)
    explained = engine.recommend(request).results
    assert all(result.reason for result in explained)
    named = {f"{before}{catalog.titles[0]}" for before in ("because you looked at ", "因为您看过")}
    speaking = [r for r in explained if any(effect.effect > 0 for effect in r.event_effects)]
    assert speaking and all(
        result.reason in named for result in speaking if result.item_id != catalog.item_ids[0]
    )
    plain = engine.recommend(RecommendRequest(Placement.HOME, "v", page_size=10)).results
    assert not any(result.reason for result in plain)
    title = catalog.titles[1]
    found = engine.search(SearchRequest(title, "", explain=True, page_size=5)).results
    assert {result.reason for result in found} == {f"found for “{title}”"}


def test_a_pinned_item_is_chosen_by_the_shop(shelf_engine: Callable[..., Engine]) -> None:
    engine = shelf_engine()
    catalog = engine.bundle.catalog
    item_id = next(
        i for i, title in zip(catalog.item_ids, catalog.titles, strict=True) if title.isascii()
    )
    engine.close()
    engine = shelf_engine(
        f'[[pin]]\nname = "own"\nplacement = "home"\nposition = 1\nitem = "{item_id}"\n'
    )
    request = RecommendRequest(Placement.HOME, "", page_size=3, explain=True)
    first = engine.recommend(request).results[0]
    assert (first.item_id, first.reason) == (item_id, "chosen by the shop")
