"""Filters, facets and orders of the engine, each held against a check of every item."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from data.errors import RequestError
from data.records import Event, EventType, Item
from data.synthetic import END_TIME
from data.tables import Tables, iter_items
from serving.api.answers import Answer, Facet
from serving.api.requests import (
    AttributeCondition,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from serving.evaluation.filter_check import check_filters, meets, sampled_filter
from towers.text.words import words

ORDERS = [order for order in SortOrder if order is not SortOrder.RELEVANCE]


@pytest.fixture(scope="module")
def items(shop_tables: Tables) -> dict[str, Item]:
    """The shop's items by id, some of them with further facts, times and no price."""
    rng = random.Random(3)
    changed = {}
    for item in iter_items(shop_tables.items):
        facts = {"colour": rng.choice(["red", "green", "blue"]), "weight": rng.choice("1259")}
        created = datetime(2024, 1, rng.randint(1, 28), tzinfo=UTC)
        changed[item.item_id] = replace(
            item,
            attributes={
                **item.attributes,
                **{n: v for n, v in facts.items() if rng.random() < 0.7},
            },
            created_time=rng.choice([None, created]),
            price=rng.choice([item.price, item.price, item.price, None]),
        )
    return changed


@pytest.fixture(scope="module")
def engine(shop_bundle: Path, items: dict[str, Item]) -> Iterator[Engine]:
    """An engine that was told of these items while it ran."""
    engine = Engine.open(shop_bundle, clock=lambda: END_TIME + 60)
    engine.update_items(list(items.values()))
    yield engine
    engine.close()


def all_words(item: Item) -> set[str]:
    texts = [item.title, item.brand, item.description, *item.category, *item.attributes.values()]
    return {word for text in texts for word in words(text)}


def matching(items: dict[str, Item], query: str, conditions: Filter) -> list[Item]:
    wanted = set(words(query))
    return [i for i in items.values() if meets(i, conditions) and wanted <= all_words(i)]


def pages(engine: Engine, request: Any) -> Iterator[Answer]:
    ask = engine.search if isinstance(request, SearchRequest) else engine.recommend
    answer = ask(request)
    yield answer
    while answer.next_offset is not None:
        answer = ask(replace(request, offset=answer.next_offset))
        yield answer


@pytest.mark.parametrize("narrow_rows", [20_000, 5])
def test_random_filters_are_honoured_to_the_item(
    engine: Engine, items: dict[str, Item], monkeypatch: pytest.MonkeyPatch, narrow_rows: int
) -> None:
    # With 5, all but the narrowest go by way of fetching more than asked for.
    monkeypatch.setattr("towers.retrieval.allowed_items._NARROW_ROWS", narrow_rows)
    found = checked(engine, items)
    assert found["filter_count"] == 100
    assert found["outside_count"] == found["short_page_count"] == 0
    assert found["learnt_recall@20"] == found["lexical_recall@20"] == 1.0
    assert found["share_min"] < 0.02 and found["share_max"] > 0.5


def test_the_check_of_filters_sees_what_is_outside_and_what_is_short(
    shop_bundle: Path, items: dict[str, Item]
) -> None:
    engine = Engine.open(shop_bundle, clock=lambda: END_TIME + 60)
    # The engine has not heard of the other facts and prices: it filters by what was.
    assert checked(engine, items)["outside_count"] > 0
    engine.update_items(list(items.values()))
    engine.delete_items(list(items)[:230])
    found = checked(engine, items)
    assert found["outside_count"] == 0 and found["short_page_count"] > 0
    engine.close()


def checked(engine: Engine, items: dict[str, Item]) -> dict[str, Any]:
    return check_filters(
        engine, list(items.values()), count=100, seed=3, progress=lambda *steps: None
    )


@pytest.mark.parametrize("query", ["running shoes", "shoes for running", "智能手机", "coffee"])
@pytest.mark.parametrize("order", ORDERS)
def test_pages_of_another_order_are_the_whole_match_set_in_that_order(
    engine: Engine, items: dict[str, Item], query: str, order: SortOrder
) -> None:
    wanted = query.replace("for ", "")
    for conditions in (Filter(), Filter(max_price=60.0), Filter(in_stock_only=True)):
        expected = matching(items, wanted, conditions)
        assert expected
        request = SearchRequest(query, page_size=7, filter=conditions, sort_by=order)
        answers = list(pages(engine, request))
        assert {answer.match_count for answer in answers} == {len(expected)}
        assert all(len(answer.results) == 7 for answer in answers[:-1])
        found = [result.item_id for answer in answers for result in answer.results]
        assert found == [item.item_id for item in in_order(engine, expected, order)]


def in_order(engine: Engine, some: list[Item], order: SortOrder) -> list[Item]:
    """By hand: sorting is stable, so equal ones stay as the catalogue has them."""
    counts = engine.bundle.ranker.sources.popularity.counts
    row_of = engine.bundle.catalog.row_of
    if order is SortOrder.POPULARITY:
        return sorted(some, key=lambda item: -counts[row_of[item.item_id]])
    if order is SortOrder.NEWEST:
        known = [item for item in some if item.created_time]
        rest = [item for item in some if not item.created_time]
        return sorted(known, key=lambda item: -item.created_time.timestamp()) + rest  # type: ignore[union-attr]
    sign = 1 if order is SortOrder.PRICE_LOW else -1
    known = [item for item in some if item.price is not None]
    rest = [item for item in some if item.price is None]
    return sorted(known, key=lambda item: sign * item.price) + rest  # type: ignore[operator]


@pytest.mark.parametrize("order", ORDERS)
def test_a_browse_page_of_another_order_shows_every_item_but_the_basket(
    engine: Engine, items: dict[str, Item], order: SortOrder
) -> None:
    visitor = f"basket-{order.name}"
    event = Event(f"e{visitor}", EventType.ADD_TO_CART, visitor, END_TIME, item_id="p0003")
    engine.record([event])
    request = RecommendRequest(Placement.HOME, visitor, page_size=50, sort_by=order)
    found = [result.item_id for answer in pages(engine, request) for result in answer.results]
    expected = [item for item in items.values() if item.item_id != "p0003"]
    assert found == [item.item_id for item in in_order(engine, expected, order)]


def test_facets_count_the_whole_match_set_without_their_own_condition(
    engine: Engine, items: dict[str, Item]
) -> None:
    rng = random.Random(8)
    names = ("brand", "in_stock", "colour", "weight")
    for number in range(60):
        conditions = sampled_filter(list(items.values()), rng)
        facets = tuple(FacetRequest(name, 100) for name in names)
        if number % 2:
            query = rng.choice(["shoes", "coffee", "手机"])
            answer = engine.search(SearchRequest(query, filter=conditions, facets=facets))
        else:
            query = ""
            answer = engine.recommend(
                RecommendRequest(Placement.HOME, filter=conditions, facets=facets)
            )
        assert answer.match_count == len(matching(items, query, conditions))
        for facet in answer.facets:
            others = matching(items, query, without(conditions, facet.name))
            expected = Counter(value for item in others if (value := value_of(item, facet.name)))
            assert {value.value: value.count for value in facet.values} == dict(expected)
            counts = [value.count for value in facet.values]
            assert counts == sorted(counts, reverse=True)


def without(conditions: Filter, name: str) -> Filter:
    own = {"brand": {"brands": ()}, "in_stock": {"in_stock_only": False}}
    kept = tuple(one for one in conditions.attributes if one.name != name)
    return replace(conditions, **own.get(name, {"attributes": kept}))  # type: ignore[arg-type]


def value_of(item: Item, name: str) -> str:
    if name == "in_stock":
        return str(item.in_stock).lower()
    return item.brand if name == "brand" else item.attributes.get(name, "")


def facet_of(engine: Engine, name: str, conditions: Filter, limit: int = 20) -> Facet:
    request = RecommendRequest(
        Placement.HOME, filter=conditions, facets=(FacetRequest(name, limit),)
    )
    (facet,) = engine.recommend(request).facets
    return facet


def test_the_category_facet_leads_down_level_by_level(
    engine: Engine, items: dict[str, Item]
) -> None:
    seen = 0
    path: tuple[str, ...] = ()
    while values := facet_of(engine, "category", Filter(category=path)).values:
        seen += 1
        depth = len(path) + 1
        below = [i for i in items.values() if i.category[: len(path)] == path]
        expected = Counter(i.category[:depth] for i in below if len(i.category) >= depth)
        assert {value.category: value.count for value in values} == dict(expected)
        assert all(value.value == value.category[-1] for value in values)
        path = values[0].category
    assert seen == max(len(item.category) for item in items.values())


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
def test_a_range_of_prices_holds_just_the_items_that_a_filter_with_its_bounds_finds(
    engine: Engine, items: dict[str, Item], limit: int
) -> None:
    stocked = Filter(in_stock_only=True)
    values = facet_of(engine, "price", replace(stocked, max_price=1.0), limit).values
    priced = [item for item in items.values() if item.in_stock and item.price is not None]
    assert 1 <= len(values) <= limit and sum(value.count for value in values) == len(priced)
    for value in values:
        bounds = replace(stocked, min_price=value.min_price, max_price=value.max_price)
        assert sum(meets(item, bounds) for item in items.values()) == value.count
        mask = engine.bundle.catalog.mask(bounds)
        assert mask is not None and mask.sum() == value.count
    lows = [value.min_price for value in values]
    assert lows == sorted(lows)  # type: ignore[type-var]


def test_a_facet_has_no_more_values_than_asked_for(engine: Engine) -> None:
    whole = facet_of(engine, "brand", Filter(), 100).values
    assert facet_of(engine, "brand", Filter(), 3).values == whole[:3]
    assert all(value.value for value in whole)


def test_facets_of_nothing_are_empty(engine: Engine) -> None:
    nothing = Filter(min_price=1e9, attributes=(AttributeCondition("colour", ("none",)),))
    for name in ("brand", "category", "price", "in_stock", "colour"):
        # Without its own condition the price facet is still held by the other one.
        values = facet_of(engine, name, nothing).values
        assert values == ()


def test_no_facet_is_counted_that_was_not_asked_for(engine: Engine) -> None:
    assert engine.search(SearchRequest("shoes")).facets == ()


def test_where_no_item_has_every_word_any_word_matches_and_else_what_is_near(
    engine: Engine, items: dict[str, Item]
) -> None:
    facets = (FacetRequest("brand"),)
    both = engine.search(SearchRequest("espresso shoes", facets=facets, record=False))
    either = {i.item_id for q in ("espresso", "shoes") for i in matching(items, q, Filter())}
    assert not matching(items, "espresso shoes", Filter())
    assert both.match_count == len(either)
    strange = engine.search(SearchRequest("zzyzx qqqq", facets=facets, record=False))
    assert strange.match_count == 100
    reds = Filter(attributes=(AttributeCondition("colour", ("red",)),))
    red = engine.search(SearchRequest("zzyzx", filter=reds, facets=facets, record=False))
    red_count = sum(meets(item, reds) for item in items.values())
    assert red.match_count == min(100, red_count)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        (
            r"filter\.attributes\[0\]\.name: expected an attribute of the catalogue \(did you mean"
            r" colour\?\), received 'color'",
            {"filter": Filter(attributes=(AttributeCondition("color", ("red",)),))},
        ),
        (r"facets\[1\]\.name: expected", {"facets": (FacetRequest("brand"), FacetRequest("x"))}),
    ],
)
def test_an_attribute_that_nothing_has_is_refused_before_the_search_is_remembered(
    engine: Engine, field: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(RequestError, match=f"^{field}"):
        engine.search(replace(SearchRequest("shoes", "nobody"), **changes))
    with pytest.raises(RequestError, match=f"^{field}"):
        engine.recommend(replace(RecommendRequest(Placement.HOME, "nobody"), **changes))
    assert engine.sessions.get("nobody").events == ()


def test_another_order_can_be_explained(engine: Engine) -> None:
    event = Event("seen", EventType.VIEW, "curious", END_TIME, item_id="p0003")
    engine.record([event])
    request = RecommendRequest(
        Placement.HOME, "curious", page_size=50, explain=True, sort_by=SortOrder.PRICE_LOW
    )
    results = engine.recommend(request).results
    assert all(result.score == 0 for result in results)
    told = [result for result in results if result.sources]
    assert told and all(len(result.feature_effects) == 5 for result in told)
    assert all(result.event_effects[0].item_id == "p0003" for result in told)
