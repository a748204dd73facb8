"""Conditions in the text of a search act like those of the request, and the answer tells them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from data.records import Item
from data.sources.own_log import iter_events, iter_impressions
from serving.api.answers import Answer, UnderstoodKind, UnderstoodUse
from serving.api.requests import (
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.engine import Engine
from serving.evaluation.feature_parity import recompute_features
from serving.paging.relevance import RELATED_ONLY
from tests.towers import shelf

LANTERNS, POLISH = ("Camping", "Lanterns"), ("Camping", "Care")


def lanterns() -> list[Item]:
    """Six lanterns at 10 to 60, every other one in stock, and what goes with them."""
    items = [
        Item(
            f"lan{price}",
            f"Glimmer lantern {'brass' if price % 20 else 'steel'}",
            category=LANTERNS,
            brand="Glimmer",
            price=float(price),
            in_stock=bool(price % 20),
        )
        for price in range(10, 70, 10)
    ]
    return [
        *items,
        Item("polish", "Lantern polish", category=POLISH, brand="Shiny", price=2.0),
        Item("cheap-lp", "Cheap Thrills record", category=("Music",), price=15.0),
        Item("unpriced", "Glimmer lantern on request", category=LANTERNS, brand="Glimmer"),
    ]


@pytest.fixture
def engine(shelf_engine: Callable[..., Engine]) -> Engine:
    opened = shelf_engine()
    opened.update_items(lanterns())
    return opened


def ask(engine: Engine, query: str, **fields: object) -> Answer:
    fields = {"page_size": 100, "record": False, "visitor_id": "v"} | fields
    return engine.search(SearchRequest(query, **fields))  # type: ignore[arg-type]


def ids(answer: Answer) -> list[str]:
    return [result.item_id for result in answer.results]


def uses(answer: Answer) -> list[tuple[str, str, str]]:
    """Kind, text and use of each part that was understood."""
    return [
        (part.kind.name.lower(), part.text, part.use.name.lower()) for part in answer.understood
    ]


def lantern_ids(found: Sequence[str]) -> list[str]:
    return sorted(one for one in found if one.startswith("lan"))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("under 30", Filter(max_price=30.0)),
        ("over $40", Filter(min_price=40.0)),
        ("between 20 and 50", Filter(min_price=20.0, max_price=50.0)),
        ("over 20 under 50", Filter(min_price=20.0, max_price=50.0)),
        ("in stock", Filter(in_stock_only=True)),
        ("unter 30 Euro lieferbar", Filter(max_price=30.0, in_stock_only=True)),
        ("30元以下", Filter(max_price=30.0)),
    ],
)
def test_a_condition_is_the_same_as_a_filter_of_the_request(
    engine: Engine, text: str, condition: Filter
) -> None:
    """Results, facets, count and pages are those of the other words under the request's filter."""
    facets = (FacetRequest("price"), FacetRequest("brand"), FacetRequest("in_stock"))
    for order in (SortOrder.RELEVANCE, SortOrder.PRICE_HIGH):
        read = ask(engine, f"lantern {text}", facets=facets, sort_by=order)
        asked = ask(engine, "lantern", filter=condition, facets=facets, sort_by=order)
        assert (read.facets, read.match_count) == (asked.facets, asked.match_count)
        assert sorted(ids(read)) == sorted(ids(asked)) and lantern_ids(ids(read))
        if order is not SortOrder.RELEVANCE:
            assert ids(read) == ids(asked)
        pages = [
            ids(ask(engine, f"lantern {text}", sort_by=order, page_size=3, offset=offset))
            for offset in range(0, len(read.results), 3)
        ]
        assert [one for page in pages for one in page][: len(read.results)] == ids(read)
        assert {
            part.use for part in read.understood if part.kind is not UnderstoodKind.CATEGORY
        } == {UnderstoodUse.FILTER}
        assert read.relaxations == ()


def test_the_answer_tells_bounds_and_values(engine: Engine) -> None:
    answer = ask(engine, "Glimmer lanterns between 20 and 50 in stock")
    price, stock, brand, category = answer.understood
    assert (price.kind, price.text, price.value) == (
        UnderstoodKind.PRICE,
        "between 20 and 50",
        "20 to 50",
    )
    assert (price.min_price, price.max_price) == (20.0, 50.0)
    assert (stock.kind, stock.text) == (UnderstoodKind.STOCK, "in stock")
    assert (brand.kind, brand.value) == (UnderstoodKind.BRAND, "Glimmer")
    assert (category.kind, category.category) == (UnderstoodKind.CATEGORY, LANTERNS)
    assert brand.use is category.use is UnderstoodUse.RECOGNISED
    # Names do not filter.
    assert "polish" in ids(ask(engine, "lanterns under 5"))


def test_literal_takes_every_word_as_text(engine: Engine) -> None:
    plain = ask(engine, "lantern under 30")
    literal = ask(engine, "lantern under 30", is_literal=True)
    assert lantern_ids(ids(literal)) == lantern_ids(item.item_id for item in lanterns())
    assert lantern_ids(ids(plain)) == ["lan10", "lan20", "lan30"]
    assert [kind for kind, _, _ in uses(literal)] == ["category"]
    assert "under" in [one.text for one in literal.relaxations]
    # The one does not enter the other's caches.
    assert ids(ask(engine, "lantern under 30")) == ids(plain)


def test_the_filter_and_the_order_of_the_request_win(engine: Engine) -> None:
    answer = ask(engine, "cheapest lantern under 20 in stock", filter=Filter(min_price=35.0))
    assert lantern_ids(ids(answer)) == ["lan50"]
    assert uses(answer)[:3] == [
        ("price", "cheapest", "sort"),
        ("price", "under 20", "overridden"),
        ("stock", "in stock", "filter"),
    ]
    answer = ask(engine, "cheapest lantern", sort_by=SortOrder.PRICE_HIGH)
    assert ids(answer)[:2] == ["lan60", "lan50"]
    assert uses(answer)[0] == ("price", "cheapest", "overridden")


def test_cheapest_sorts_what_matches_by_price(engine: Engine) -> None:
    answer = ask(engine, "cheapest glimmer lantern")
    assert ids(answer) == [*(f"lan{price}" for price in range(10, 70, 10)), "unpriced"]
    assert uses(answer)[0] == ("price", "cheapest", "sort")
    assert ids(answer) == ids(ask(engine, "glimmer lantern", sort_by=SortOrder.PRICE_LOW))


@pytest.mark.parametrize("has_reranker", [True, False])
def test_cheap_prefers_low_prices_among_what_is_the_thing(
    engine: Engine, has_reranker: bool
) -> None:
    if not has_reranker:
        engine.bundle.ranker.reranker = None
    plain, answer = ask(engine, "lantern"), ask(engine, "cheap lantern")
    lifts = {
        result.item_id: sum(part.amount for part in result.adjustments if part.name != RELATED_ONLY)
        for result in answer.results
    }
    named = {part.name for result in answer.results for part in result.adjustments}
    assert named - {RELATED_ONLY} == {"low_price"}
    # Lower is lifted higher; the dearest, those without a price and what is no lantern are not.
    prices = [lifts[f"lan{price}"] for price in range(10, 70, 10)]
    assert prices == sorted(prices, reverse=True) and prices[0] > 0 == prices[-1]
    assert lifts["polish"] == lifts["unpriced"] == 0
    model = {result.item_id: result.model_score for result in plain.results}
    for result in answer.results:
        if result.item_id.startswith("lan"):
            expected = model[result.item_id] + lifts[result.item_id]
            assert result.score == pytest.approx(expected, abs=1e-3)
    assert sorted(ids(answer)) == sorted(ids(plain))
    assert uses(answer)[0] == ("price", "cheap", "preference") and answer.relaxations == ()


def test_a_title_with_the_words_keeps_them_text(engine: Engine) -> None:
    answer = ask(engine, "cheap thrills")
    assert ids(answer)[0] == "cheap-lp" and uses(answer) == [("price", "cheap", "text")]
    parts = [part.name for result in answer.results for part in result.adjustments]
    assert "low_price" not in parts


def test_where_no_item_would_be_left_the_condition_is_dropped_and_told(engine: Engine) -> None:
    answer = ask(engine, "steel lantern under 5")
    assert uses(answer)[0] == ("price", "under 5", "no_item_left")
    assert {"lan20", "lan40", "lan60"} <= {*ids(answer)}
    assert ids(answer) == ids(ask(engine, "steel lantern"))
    # As to a filter of the request, that holds under the request's own.
    answer = ask(engine, "lantern in stock", filter=Filter(max_price=20.0, min_price=20.0))
    assert lantern_ids(ids(answer)) == ["lan20"] and uses(answer)[0][2] == "no_item_left"
    # Nothing but a condition that nothing meets: words.
    answer = ask(engine, "under 0.01")
    assert uses(answer) == [("price", "under 0.01", "text")]
    # An item has all of the text.
    engine.update_items([Item("novel", "Lantern lights under 1 sky", price=8.0)])
    assert uses(ask(engine, "lantern under 1"))[0] == ("price", "under 1", "text")


def test_a_search_by_conditions_alone_browses_what_meets_them(engine: Engine) -> None:
    for text in ("under 30", "cheapest under 30", "cheap under 30"):
        answer = ask(engine, text, facets=(FacetRequest("brand"),))
        browse = engine.recommend(
            RecommendRequest(
                Placement.HOME,
                page_size=100,
                filter=Filter(max_price=30.0),
                facets=(FacetRequest("brand"),),
            )
        )
        assert answer.match_count == browse.match_count and answer.facets == browse.facets
        assert answer.relaxations == () and answer.missing == ()
    prices = [result.price for result in answer.results if result.price is not None]
    assert len(prices) == len(answer.results) and prices == sorted(prices)
    # Without other words there is no relevance to weigh a low price against.
    assert uses(answer)[0] == ("price", "cheap", "sort")


def test_rules_are_written_for_texts_as_typed(shelf_engine: Callable[..., Engine]) -> None:
    rules = '[[redirect]]\nquery = "cheap lanterns"\nuri = "/sale"\n'
    rules += '[[boost]]\ncontains = "cheap"\nitems = ["lan60"]\nstrength = 9\n'
    engine = shelf_engine(rules)
    engine.update_items(lanterns())
    answer = ask(engine, "cheap lanterns")
    assert answer.redirect_uri == "/sale" and ids(answer)[0] == "lan60"
    assert ask(engine, "lanterns").redirect_uri == ""


def test_the_log_has_the_text_as_typed_and_its_features_are_those_of_a_replay(
    shelf_engine: Callable[..., Engine],
) -> None:
    engine = shelf_engine(log_feature_share=1.0)
    texts = ["cheap espresso", "trowel under 60", "shoes under 0.5", "cheap trowel"]
    for text in texts:
        engine.search(SearchRequest(text, "v", page_size=5))
    engine.search(SearchRequest("rake under 60", "v", page_size=5, is_literal=True))
    folder = engine.log._path.parent
    engine.close()
    assert [event.query for event in iter_events(folder)] == [*texts, "rake under 60"]
    shown = list(iter_impressions(folder))
    assert [one.query for one in shown] == [*texts, "rake under 60"]
    assert [one.literal for one in shown] == [False] * 4 + [True]
    # What was asked for, not what was read.
    assert [one.filter for one in shown] == [{}] * 5
    for again in recompute_features(shelf.bundle_folder(), folder):
        assert again.found.all() and again.impression.features is not None
        assert again.features.tolist() == again.impression.features.tolist()


def test_new_items_change_what_is_understood_with_the_next_answer(engine: Engine) -> None:
    assert uses(ask(engine, "brightly kites under 9")) == [("price", "under 9", "filter")]
    engine.update_items([Item("k", "Kite", category=("Kites",), brand="Brightly", price=8.0)])
    answer = ask(engine, "brightly kites under 9")
    assert uses(answer)[1:] == [
        ("brand", "brightly", "recognised"),
        ("category", "kites", "recognised"),
    ]
    engine.update_items([Item("k", "Kites under 9 feet", price=8.0)])
    assert uses(ask(engine, "kites under 9"))[0] == ("price", "under 9", "text")


def test_without_a_lexical_index_texts_are_words(engine: Engine) -> None:
    engine.bundle.ranker.sources.lexical = None
    answer = ask(engine, "cheap lantern under 30")
    assert answer.understood == () and "lexical" in answer.missing and answer.results


def test_a_failure_of_reading_conditions_is_told(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(query: object) -> None:
        raise ValueError("no rows")

    lexical = engine.bundle.ranker.sources.lexical
    assert lexical is not None
    monkeypatch.setattr(lexical, "matching_rows", broken)
    answer = ask(engine, "lantern under 30")
    assert "query_conditions" in answer.missing and answer.understood == ()
    assert len(lantern_ids(ids(answer))) == 6


def test_a_browse_page_understands_nothing(engine: Engine) -> None:
    engine.search(SearchRequest("cheap lantern under 30", "w"))
    home = engine.recommend(RecommendRequest(Placement.HOME, "w", page_size=100))
    assert home.understood == ()
    assert not any(part.name == "low_price" for one in home.results for part in one.adjustments)


def test_a_corrected_text_keeps_its_conditions(engine: Engine) -> None:
    answer = ask(engine, "glimmer lantren under 30")
    assert [one.text for one in answer.relaxations] == ["glimmer lantern under 30"]
    assert lantern_ids(ids(answer)) == ["lan10", "lan20", "lan30"]
