"""Queries are exposed only once enough distinct visitors have typed them."""

from __future__ import annotations

import random

import pytest

from data.errors import ConfigError
from data.records import Event, EventType
from towers.config import CompletionConfig
from towers.search_box.popular_queries import PopularQueries, query_key, searched_queries


def searched(searches: PopularQueries, query: str, *visitors: str) -> None:
    for visitor in visitors:
        searches.record(Event("", EventType.SEARCH, visitor, 0.0, query=query), "")


def test_a_query_is_known_from_the_fifth_distinct_visitor_on() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *"abcd", *"abcd", *"aaaaaaaaaaaa")
    assert searches.weights(5) == {}
    searched(searches, "milk", "e")
    assert searches.weights(5) == {"milk": 5.0}


def test_case_width_and_blanks_do_not_make_another_query() -> None:
    searches = PopularQueries(b"key")
    for visitor, query in enumerate(("Milk  tea", "milk tea", "ＭＩＬＫ tea", " milk tea ")):
        searched(searches, query, str(visitor))
    assert searches.weights(4) == {"milk tea": 4.0}
    assert query_key(" ＭＩＬＫ   Tea") == "milk tea"


def test_what_led_to_a_purchase_weighs_more_than_what_led_nowhere() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "bread", *"abc")
    searched(searches, "milk", *"abc")
    for visitor in "abc":
        searches.record(Event("", EventType.PURCHASE, visitor, 1.0, item_id="m"), "milk")
    # Three visitors, one purchase (worth 1) for each search: 3 × (1 + 1).
    assert searches.weights(3) == {"bread": 3.0, "milk": 6.0}


def test_purchases_of_one_visitor_count_as_one() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *"abc")
    for number in range(1_000):
        searches.record(Event(f"e{number}", EventType.PURCHASE, "a", 1.0, item_id="m"), "milk")
    assert searches.weights(3) == {"milk": 4.0}


def test_a_visitor_who_searches_over_and_over_counts_once_beyond_those_held_too() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *(f"v{number}" for number in range(40)))
    searched(searches, "milk", *["loud"] * 1_000, *["v39"] * 1_000, *["v0"] * 1_000)
    assert searches.weights(5) == {"milk": 41.0}


def test_searches_that_lead_nowhere_take_nothing_from_what_followed_those_of_others() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *"abc")
    for visitor in "abc":
        searches.record(Event("", EventType.PURCHASE, visitor, 1.0, item_id="m"), "milk")
    searched(searches, "milk", *["d"] * 1_000)
    assert searches.weights(3) == {"milk": 7.0}


def test_of_each_visitor_the_strongest_event_counts_and_a_return_undoes_it() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *"abc")
    for visitor, type_ in (
        ("a", EventType.VIEW),
        ("a", EventType.ADD_TO_CART),
        ("a", EventType.VIEW),
        ("b", EventType.PURCHASE),
        ("b", EventType.RETURN),
        ("b", EventType.RETURN),
        ("c", EventType.RETURN),
        # Somebody who has not searched for it, as far as is known.
        ("z", EventType.PURCHASE),
    ):
        searches.record(Event("", type_, visitor, 1.0, item_id="m"), "milk")
    assert searches.weights(3) == {"milk": 3.5}


@pytest.mark.parametrize("seed", range(5))
def test_weights_equal_those_worked_out_visitor_by_visitor(seed: int) -> None:
    rng = random.Random(seed)
    worth = {EventType.VIEW: 0.1, EventType.ADD_TO_CART: 0.5, EventType.PURCHASE: 1.0}
    searches, did = PopularQueries(b"key"), []
    for _ in range(2_000):
        query, visitor = rng.choice(["milk", "salt"]), f"v{rng.randrange(80)}"
        type_ = rng.choice([EventType.SEARCH, *worth])
        did.append((query, visitor, type_))
        typed = query if type_ is EventType.SEARCH else ""
        searches.record(Event("", type_, visitor, 0.0, item_id="m", query=typed), query)
    expected = {}
    for query in ("milk", "salt"):
        total = 0.0
        for visitor in {visitor for _, visitor, _ in did}:
            types = [type_ for q, v, type_ in did if (q, v) == (query, visitor)]
            if EventType.SEARCH in types:
                later = types[types.index(EventType.SEARCH) :]
                total += 1.0 + max(worth.get(type_, 0.0) for type_ in later)
        expected[query] = total
    assert searches.weights(5) == pytest.approx(expected)


def test_no_visitor_id_is_held() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", "very-personal-visitor")
    assert "very-personal" not in repr(vars(searches))


def test_the_query_not_typed_for_longest_leaves_first() -> None:
    searches = PopularQueries(b"key", query_limit=2)
    for query in ("milk", "bread", "milk", "salt"):
        searched(searches, query, "a")
    assert set(searches.weights(1)) == {"milk", "salt"}


def test_more_visitors_than_are_told_apart_still_add_up() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "milk", *(f"v{number}" for number in range(100)))
    assert searches.weights(5) == {"milk": 100.0}


def test_a_text_as_long_as_nobody_else_would_type_is_not_followed() -> None:
    searches = PopularQueries(b"key")
    searched(searches, "x" * 101, *"abc")
    searched(searches, "x" * 100, *"abc")
    assert list(searches.weights(3)) == ["x" * 100]


def test_a_log_is_counted_by_sessions() -> None:
    events = []
    for number, visitor in enumerate("abc"):
        start = 10_000.0 * number
        events += [
            Event(f"s{visitor}", EventType.SEARCH, visitor, start, query="milk"),
            Event(f"c{visitor}", EventType.ADD_TO_CART, visitor, start + 60, item_id="m"),
            # Hours later nothing follows from the search any more.
            Event(f"p{visitor}", EventType.PURCHASE, visitor, start + 9_000, item_id="m"),
        ]
    assert searched_queries(events, CompletionConfig(visitor_minimum=3)) == {"milk": 4.5}
    assert searched_queries(events, CompletionConfig(visitor_minimum=4)) == {}
    assert searched_queries(events[1:2], CompletionConfig(visitor_minimum=1)) == {}


def test_only_the_most_popular_queries_are_kept() -> None:
    events = [
        Event(f"{query}{visitor}", EventType.SEARCH, visitor, 0.0, query=query)
        for query, visitors in (("milk", "abc"), ("salt", "ab"), ("bread", "abcd"))
        for visitor in visitors
    ]
    config = CompletionConfig(visitor_minimum=1, query_limit=2)
    assert list(searched_queries(events, config)) == ["bread", "milk"]


@pytest.mark.parametrize("minimum", [0, 33])
def test_a_minimum_that_cannot_be_kept_is_refused(minimum: int) -> None:
    with pytest.raises(ConfigError, match=r"completion.visitor_minimum: expected 1 to 32"):
        CompletionConfig(visitor_minimum=minimum)
