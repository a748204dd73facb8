"""What the interface accepts and refuses, field by field."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest

from data.errors import RequestError
from data.records import Event, EventType, Item
from serving.api.requests import (
    AttributeCondition,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from serving.api.validation import (
    check_count,
    checked_event,
    checked_item,
    checked_item_ids,
    checked_path,
    checked_recommend,
    checked_search,
)

NOW = 1_700_000_000.0
DAY = 86_400
VIEW = Event("e", EventType.VIEW, "v", NOW, item_id="i")
SEARCH = Event("e", EventType.SEARCH, "v", NOW, query="milk")
REVIEW = Event("e", EventType.REVIEW, "v", NOW, item_id="i", rating=5)


def with_attributes(*conditions: tuple[Any, ...]) -> Filter:
    return Filter(attributes=tuple(AttributeCondition(*one) for one in conditions))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"query": ""}, "query: expected 1 to 256 characters, received ''"),
        ({"query": " \u3000\t"}, "query: expected 1 to 256 characters, received ''"),
        ({"query": "m" * 257}, "query: expected at most 256 characters, received 257"),
        ({"query": "mi\x00lk"}, r"query: expected no control characters, received 'mi\x00lk'"),
        ({"visitor_id": "v" * 129}, "visitor_id: expected at most 128 characters, received 129"),
        ({"visitor_id": "v\n"}, r"visitor_id: expected no control characters, received 'v\n'"),
        ({"page_size": -1}, "page_size: expected 0 or more, received -1"),
        (
            {"filter": Filter(min_price=2.0, max_price=1.0)},
            "filter.max_price: expected 2 (min_price) or more, received 1.0",
        ),
        (
            {"filter": Filter(min_price=-1.0)},
            "filter.min_price: expected 0 or more and finite, received -1.0",
        ),
        (
            {"filter": Filter(max_price=math.inf)},
            "filter.max_price: expected 0 or more and finite, received inf",
        ),
        (
            {"filter": Filter(brands=("a", ""))},
            "filter.brands[1]: expected 1 to 256 characters, received ''",
        ),
        (
            {"filter": Filter(category=("a",) * 17)},
            "filter.category: expected 0 to 16, received 17",
        ),
        (
            {"filter": with_attributes(*[("size", ("L",))] * 33)},
            "filter.attributes: expected 0 to 32, received 33",
        ),
        (
            {"filter": with_attributes(("", ("L",)))},
            "filter.attributes[0].name: expected 1 to 128 characters, received ''",
        ),
        (
            {"filter": with_attributes(("a", ("b",)), ("size",))},
            "filter.attributes[1].values: expected a value, or min_value or max_value beside it,"
            " received ()",
        ),
        (
            {"filter": with_attributes(("size", ("L", "M\n")))},
            r"filter.attributes[0].values[1]: expected no control characters, received 'M\n'",
        ),
        (
            {"filter": with_attributes(("size", ("L",) * 101))},
            "filter.attributes[0].values: expected 0 to 100, received 101",
        ),
        (
            {"filter": with_attributes(("size", (), 2.5, 1.0))},
            "filter.attributes[0].max_value: expected 2.5 (min_value) or more, received 1.0",
        ),
        (
            {"filter": with_attributes(("size", (), math.nan))},
            "filter.attributes[0].min_value: expected a finite number, received nan",
        ),
        (
            {"filter": with_attributes(("size", (), None, -math.inf))},
            "filter.attributes[0].max_value: expected a finite number, received -inf",
        ),
        (
            {"facets": (FacetRequest("brand"),) * 33},
            "facets: expected 0 to 32, received 33",
        ),
        (
            {"facets": (FacetRequest("a"), FacetRequest("b"), FacetRequest("a"))},
            "facets[2].name: expected each facet once, received 'a'",
        ),
        (
            {"facets": (FacetRequest(""),)},
            "facets[0].name: expected 1 to 128 characters, received ''",
        ),
        (
            {"facets": (FacetRequest("brand", 101),)},
            "facets[0].limit: expected 0 to 100, received 101",
        ),
        (
            {"facets": (FacetRequest("brand", -1),)},
            "facets[0].limit: expected 0 to 100, received -1",
        ),
    ],
)
def test_search_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        checked_search(replace(SearchRequest("milk"), **changes))


@pytest.mark.parametrize(("asked", "given"), [(0, 20), (1, 1), (100, 100), (101, 100), (9999, 100)])
def test_page_size_has_a_default_and_a_ceiling(asked: int, given: int) -> None:
    assert checked_search(SearchRequest("milk", page_size=asked)).page_size == given


def test_a_facet_of_no_stated_length_has_twenty_values() -> None:
    asked = (FacetRequest("brand", 0), FacetRequest("price", 5))
    expected = (FacetRequest("brand", 20), FacetRequest("price", 5))
    assert checked_search(SearchRequest("milk", facets=asked)).facets == expected
    home = RecommendRequest(Placement.HOME, facets=asked)
    assert checked_recommend(home).facets == expected


def test_search_cuts_blanks_off_the_query() -> None:
    assert checked_search(SearchRequest("\u3000全脂 牛奶 ")).query == "全脂 牛奶"
    assert checked_search(SearchRequest(" " * 300 + "x" * 256)).query == "x" * 256


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (RecommendRequest(Placement.UNSPECIFIED), "placement: expected one of HOME, CATEGORY, "),
        (RecommendRequest(Placement.ITEM), "item_ids: expected exactly 1, received 0"),
        (RecommendRequest(Placement.HOME, item_ids=("a",)), "item_ids: expected none with "),
        (RecommendRequest(Placement.CART, item_ids=("a",) * 101), "item_ids: expected 0 to 100, "),
        (RecommendRequest(Placement.CART, item_ids=("a", "")), "item_ids[1]: expected 1 to 128 "),
        (RecommendRequest(Placement.CATEGORY), "filter.category: expected a path with "),
        (RecommendRequest(Placement.HOME, "v" * 129), "visitor_id: expected at most 128 "),
    ],
)
def test_recommend_refuses(request_: RecommendRequest, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape(message)}"):
        checked_recommend(request_)


def test_recommend_accepts_each_placement() -> None:
    for request in (
        RecommendRequest(Placement.HOME),
        RecommendRequest(Placement.CATEGORY, filter=Filter(category=("Dairy",))),
        RecommendRequest(Placement.ITEM, item_ids=("a",)),
        RecommendRequest(Placement.CART),
        RecommendRequest(Placement.CART, item_ids=("a", "b")),
    ):
        assert checked_recommend(request) == request


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (replace(VIEW, type=EventType.UNSPECIFIED), "type: expected one of search, view, "),
        (replace(VIEW, type=EventType.IMPRESSION), "type: expected one of search, view, "),
        (replace(VIEW, visitor_id=""), "visitor_id: expected 1 to 128 characters, received ''"),
        (replace(VIEW, event_id="e" * 129), "event_id: expected at most 128 characters, "),
        (replace(VIEW, item_id=""), "item_id: expected 1 to 128 characters, received ''"),
        (replace(VIEW, item_id="\x7f"), "item_id: expected no control characters, "),
        (replace(VIEW, query="milk"), "query: expected none for the type view, received 'milk'"),
        (replace(SEARCH, query="  "), "query: expected 1 to 256 characters, received ''"),
        (replace(SEARCH, item_id="i"), "item_id: expected none for a search, received 'i'"),
        (replace(VIEW, time=NOW + 301), "time: expected at most 5 minutes ahead of "),
        (replace(VIEW, time=math.nan), "time: expected at most 5 minutes ahead of "),
        (replace(VIEW, time=NOW - 3_653 * DAY), "time: expected at most 10 years ago, "),
        (replace(VIEW, quantity=-1), "quantity: expected 0 to 1,000,000, received -1"),
        (replace(VIEW, price=-0.01), "price: expected 0 or more and finite, received -0.01"),
        (replace(VIEW, price=math.nan), "price: expected 0 or more and finite, received nan"),
        (replace(VIEW, rating=4), "rating: expected none for the type view, received 4"),
        (replace(REVIEW, rating=0.5), "rating: expected 1 to 5, received 0.5"),
        (replace(REVIEW, rating=math.nan), "rating: expected 1 to 5, received nan"),
        (replace(REVIEW, text="奶" * 2_731), "text: expected at most 8,192 bytes of UTF-8, "),
        (replace(VIEW, dwell_seconds=-1.0), "dwell_seconds: expected 0 to 86,400, received -1.0"),
        (replace(VIEW, dwell_seconds=math.nan), "dwell_seconds: expected 0 to 86,400, received"),
        (
            replace(REVIEW, dwell_seconds=3.0),
            "dwell_seconds: expected none for the type review, received 3.0",
        ),
        (replace(VIEW, surface="\x1b[2J"), "surface: expected no control characters, "),
        (replace(VIEW, session_id="s" * 129), "session_id: expected at most 128 characters"),
    ],
)
def test_event_is_refused(event: Event, message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape('events[3].' + message)}") as caught:
        checked_event(event, "events[3].", now=NOW)
    assert caught.value.field == "events[3]." + message.split(":")[0]


@pytest.mark.parametrize(
    "event",
    [
        VIEW,
        SEARCH,
        REVIEW,
        replace(REVIEW, rating=None, text="good\nvery good"),
        replace(VIEW, time=NOW + 299),
        replace(VIEW, time=NOW - 3_652 * DAY),
        replace(VIEW, price=0.0),
        replace(VIEW, dwell_seconds=86_400.0),
    ],
)
def test_event_is_accepted_as_it_came(event: Event) -> None:
    assert checked_event(event, now=NOW) == event


def test_a_quantity_of_zero_means_one() -> None:
    assert checked_event(replace(VIEW, quantity=0), now=NOW).quantity == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item_id": ""}, "item_id: expected 1 to 128 characters"),
        ({"item_id": "a\tb"}, "item_id: expected no control characters"),
        ({"title": "t" * 1_025}, "title: expected at most 1,024 characters, received 1025"),
        ({"description": "d" * 8_193}, "description: expected at most 8,192 bytes"),
        ({"category": ("a", "")}, "category[1]: expected 1 to 256 characters"),
        ({"brand": "b" * 257}, "brand: expected at most 256 characters, received 257"),
        ({"price": math.nan}, "price: expected 0 or more and finite, received nan"),
        ({"price": -1.0}, "price: expected 0 or more and finite, received -1.0"),
        ({"price": 1e300}, "price: expected at most 1,000,000,000,000, received 1e+300"),
        ({"currency": "dollars"}, "currency: expected 3 letters or nothing, received 'dollars'"),
        ({"title": "a\x00b"}, "title: expected no control characters"),
        ({"brand": "a\x1fb"}, "brand: expected no control characters"),
        ({"attributes": {"size": "a\tb"}}, "attributes.size: expected no control characters"),
        ({"image": "a\x7f"}, "image: expected no control characters"),
        ({"attributes": {"": "x"}}, "attributes: expected 1 to 128 characters"),
        ({"attributes": {"size": "x" * 1_025}}, "attributes.size: expected at most 1,024"),
        ({"audio": "a\x7f"}, "audio: expected no control characters"),
        ({"audio": "i" * 2_049}, "audio: expected at most 2,048 characters, received 2049"),
        ({"image": "i" * 2_049}, "image: expected at most 2,048 characters, received 2049"),
    ],
)
def test_item_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=f"^{re.escape('items[0].' + message)}"):
        checked_item(replace(Item("i"), **changes), "items[0].")


def test_too_many_attributes_are_refused() -> None:
    item = Item("i", attributes={str(number): "x" for number in range(129)})
    with pytest.raises(RequestError, match="^attributes: expected 0 to 128, received 129$"):
        checked_item(item)


def test_an_item_loses_its_markup() -> None:
    item = Item("i", "Salt &amp; pepper", "<p>5 g</p>", attributes={"url": "www.shop.example/i"})
    assert checked_item(item) == Item("i", "Salt & pepper", "5 g", attributes={"url": ""})


def test_ids_paths_and_counts_are_held_to_their_range() -> None:
    with pytest.raises(RequestError, match="^item_ids: expected 1 to 1,000, received 0$"):
        checked_item_ids([])
    with pytest.raises(RequestError, match=re.escape("item_ids[1]: expected 1 to 128 characters")):
        checked_item_ids(["a", ""])
    with pytest.raises(RequestError, match="^path: expected 1 to 4,096 characters, received ''$"):
        checked_path("")
    with pytest.raises(RequestError, match="^events: expected 1 to 1,000, received 1001$"):
        check_count("events", 1_001, 1, 1_000)
