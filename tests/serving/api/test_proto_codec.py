"""Our own values survive the way over the wire and back."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from data.errors import RequestError
from data.offers.offer import OfferKind
from data.records import RECORDABLE_TYPES, Event, EventType, Item
from protos import catalog_pb2, discovery_pb2, events_pb2
from serving.api.admin.status_codec import read_status, write_status
from serving.api.answers import (
    ActionProbability,
    Answer,
    Completed,
    EmptyReason,
    EventEffect,
    Facet,
    FacetValue,
    FeatureEffect,
    Relaxation,
    RelaxationKind,
    Result,
    ScorePart,
    SourceHit,
    Suggestion,
    Understood,
    UnderstoodKind,
    UnderstoodUse,
)
from serving.api.completion_codec import (
    read_complete,
    read_completed,
    write_complete,
    write_completed,
)
from serving.api.offers.offer_requests import OfferResult
from serving.api.page_tokens import PageStart, page_start, page_token
from serving.api.proto_codec import (
    read_answer,
    read_event,
    read_item,
    read_recommend,
    read_search,
    write_answer,
    write_event,
    write_item,
    write_recommend,
    write_search,
)
from serving.api.reports import InterleavingReport, InterleavingTally, Leader, Status
from serving.api.requests import (
    AttributeCondition,
    CompleteRequest,
    FacetRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
    SuggestionKind,
)
from towers.offers.offer_ranking import Reason, ReasonKind

text = some.text(alphabet=some.characters(exclude_categories=["Cs"]), max_size=12)
words = some.lists(text, max_size=3).map(tuple)
number = some.floats(allow_nan=False)
maybe = some.one_of(some.none(), number)
count = some.integers(0, 2**31 - 1)
conditions = some.lists(some.builds(AttributeCondition, text, words, maybe, maybe), max_size=2)
filters = some.builds(Filter, words, words, maybe, maybe, some.booleans(), conditions.map(tuple))
orders = some.sampled_from(SortOrder)
asked_facets = some.lists(some.builds(FacetRequest, text, count), max_size=2).map(tuple)
offsets = some.integers(0, 10_000)
searches = some.builds(
    SearchRequest,
    text,
    text,
    count,
    offsets,
    filters,
    some.booleans(),
    some.booleans(),
    orders,
    asked_facets,
    is_literal=some.booleans(),
)
recommends = some.builds(
    RecommendRequest,
    some.sampled_from(Placement),
    text,
    words,
    count,
    offsets,
    filters,
    some.booleans(),
    orders,
    asked_facets,
)
labels = some.sampled_from([type_.label for type_ in RECORDABLE_TYPES])
score_parts = some.lists(some.builds(ScorePart, text, number), max_size=2).map(tuple)
results = some.builds(
    Result,
    text,
    text,
    words,
    text,
    maybe,
    some.booleans(),
    number,
    some.lists(some.builds(SourceHit, text, count), max_size=2).map(tuple),
    some.lists(some.builds(EventEffect, labels, text, text, number), max_size=2).map(tuple),
    some.lists(some.builds(FeatureEffect, text, number, number), max_size=2).map(tuple),
    words,
    some.one_of(some.none(), some.floats(0.0, 1.0)),
    number,
    score_parts,
    score_parts,
    reason=text,
    actions=some.lists(some.builds(ActionProbability, text, number), max_size=2).map(tuple),
    offer_id=text,
    earlier_price=maybe,
)
services = some.builds(
    OfferResult,
    text,
    some.sampled_from(OfferKind),
    text,
    maybe,
    maybe,
    some.none(),
    words,
    maybe,
    maybe,
    number,
    some.builds(Reason, some.sampled_from(ReasonKind), text, text),
)
relaxed = some.lists(
    some.builds(Relaxation, some.sampled_from(RelaxationKind), text), max_size=2
).map(tuple)
understood = some.lists(
    some.builds(
        Understood,
        some.sampled_from(UnderstoodKind),
        text,
        text,
        some.sampled_from(UnderstoodUse),
        text,
        words,
        maybe,
        maybe,
    ),
    max_size=2,
).map(tuple)
suggestions = some.builds(
    Suggestion,
    some.sampled_from(SuggestionKind),
    text,
    text,
    words,
    some.lists(some.tuples(count, count), max_size=2).map(tuple),
)
facet_values = some.builds(FacetValue, count, text, words, maybe, maybe)
facets = some.builds(Facet, text, some.lists(facet_values, max_size=3).map(tuple))
events = some.builds(
    Event,
    text.filter(bool),
    some.sampled_from(EventType),
    text,
    # From 1980 on, since a float tells nanoseconds apart before that and a Timestamp rounds them.
    some.floats(3.2e8, 4e9),
    text,
    text,
    text,
    some.integers(1, 2**31 - 1),
    maybe,
    maybe,
    text,
    text,
    text,
)
items = some.builds(
    Item,
    text,
    text,
    text,
    words,
    text,
    maybe,
    text,
    some.booleans(),
    some.dictionaries(text, text, max_size=3),
    text,
    some.one_of(
        some.none(),
        some.datetimes(datetime(1980, 1, 1), datetime(2090, 1, 1), timezones=some.just(UTC)).map(
            lambda moment: moment.replace(microsecond=0)
        ),
    ),
)


def over_the_wire(message: Any) -> Any:
    return type(message).FromString(message.SerializeToString())


def response(answer: Answer, request: Any) -> Any:
    is_search = isinstance(request, discovery_pb2.SearchItemsRequest)
    kind = discovery_pb2.SearchItemsResponse if is_search else discovery_pb2.RecommendItemsResponse
    return kind.FromString(write_answer(answer, request))


@settings(max_examples=50, deadline=None)
@given(searches)
def test_search_request_round_trip(request: SearchRequest) -> None:
    assert read_search(over_the_wire(write_search(request))) == request


@settings(max_examples=50, deadline=None)
@given(recommends)
def test_recommend_request_round_trip(request: RecommendRequest) -> None:
    assert read_recommend(over_the_wire(write_recommend(request))) == request


@settings(max_examples=50, deadline=None)
@given(
    some.lists(results, max_size=3).map(tuple),
    text,
    some.one_of(some.none(), offsets),
    words,
    some.lists(facets, max_size=2).map(tuple),
    some.one_of(some.none(), count),
    some.lists(services, max_size=2).map(tuple),
)
def test_answer_round_trip(
    found: tuple[Result, ...],
    token: str,
    next_offset: int | None,
    missing: tuple[str, ...],
    counted: tuple[Facet, ...],
    match_count: int | None,
    beside: tuple[OfferResult, ...],
) -> None:
    for asked in (
        write_search(SearchRequest("q")),
        write_recommend(RecommendRequest(Placement(1))),
    ):
        # A next page never starts where this one did: 0 cannot be.
        answer = Answer(
            found,
            token,
            "bundle",
            next_offset or None,
            missing,
            counted,
            match_count,
            session_event_count=len(token),
            # A search has none.
            services=beside if isinstance(asked, discovery_pb2.RecommendItemsRequest) else (),
        )
        assert read_answer(response(answer, asked), asked) == answer


@settings(max_examples=50, deadline=None)
@given(relaxed, understood, some.sampled_from(EmptyReason), text, words, text)
def test_what_shaped_an_answer_round_trip(
    given_up: tuple[Relaxation, ...],
    parts: tuple[Understood, ...],
    reason: EmptyReason,
    uri: str,
    rules: tuple[str, ...],
    version: str,
) -> None:
    answer = Answer(
        (),
        "t",
        "b",
        None,
        relaxations=given_up,
        empty_reason=reason,
        redirect_uri=uri,
        rules=rules,
        rules_version=version,
        understood=parts,
    )
    search = write_search(SearchRequest("q"))
    assert read_answer(response(answer, search), search) == answer
    browse = write_recommend(RecommendRequest(Placement(1)))
    # Nothing was typed there, so nothing was given up or understood.
    browsed = replace(answer, relaxations=(), understood=())
    assert read_answer(response(answer, browse), browse) == browsed


@settings(max_examples=50, deadline=None)
@given(
    some.lists(suggestions, max_size=3).map(tuple),
    text,
    some.builds(
        CompleteRequest, text, count, some.lists(some.sampled_from(SuggestionKind)).map(tuple)
    ),
)
def test_completion_round_trip(
    found: tuple[Suggestion, ...], corrected: str, request: CompleteRequest
) -> None:
    completed = Completed(found, corrected, "bundle")
    assert read_completed(over_the_wire(write_completed(completed))) == completed
    assert read_complete(over_the_wire(write_complete(request))) == request


def test_a_number_that_is_no_kind_of_suggestion_is_refused() -> None:
    with pytest.raises(RequestError, match=r"^kinds\[1\]: expected one of QUERY, .*received 9$"):
        read_complete(discovery_pb2.CompleteRequest(text="a", kinds=[1, 9]))


@settings(max_examples=100, deadline=None)
@given(events)
def test_event_round_trip(event: Event) -> None:
    message = over_the_wire(write_event(event))
    assert read_event(message, "", now=0.0, new_id=lambda: "new") == event


@settings(max_examples=50, deadline=None)
@given(items)
def test_item_round_trip(item: Item) -> None:
    assert read_item(over_the_wire(write_item(item)), "") == item


def test_status_round_trip() -> None:
    status = Status("b", "/b", "/a", 1, 2, 3, 4, 5, 6.5, {"nextclick": "1"}, "spring", "bad")
    assert read_status(over_the_wire(write_status(status))) == status
    assert {field.name for field in fields(status)} > {"versions"}
    tallies = InterleavingTally("", "click", 9, 4, 3, 1, 2, 1, 0.2, 0.9, 0.5, Leader.OTHER)
    report = InterleavingReport("c", "/c", "b", 0.1, 7.5, False, "ended", 5, 1, (tallies,) * 2)
    compared = replace(status, interleaving=report)
    assert read_status(over_the_wire(write_status(compared))) == compared


def test_chinese_text_round_trip() -> None:
    request = SearchRequest(
        "全脂牛奶", "访客", filter=Filter(category=("乳制品",), brands=("农场",))
    )
    assert read_search(over_the_wire(write_search(request))) == request


def test_what_a_request_leaves_out_has_its_default() -> None:
    request = read_search(discovery_pb2.SearchItemsRequest(query="milk"))
    assert request == SearchRequest("milk", page_size=0)
    assert read_item(catalog_pb2.Item(item_id="i"), "") == Item("i")
    event = read_event(events_pb2.Event(type=2, visitor_id="v"), "", now=7.0, new_id=lambda: "made")
    assert (event.event_id, event.time, event.price, event.rating) == ("made", 7.0, None, None)
    assert event.quantity == 1


def test_numbers_that_are_no_type_or_placement_are_refused() -> None:
    with pytest.raises(RequestError, match=r"^events\[1\]\.type: expected one of search, .*99$"):
        read_event(events_pb2.Event(type=99), "events[1].", now=0.0, new_id=str)
    with pytest.raises(RequestError, match="^placement: expected one of HOME, .*, received 99$"):
        read_recommend(discovery_pb2.RecommendItemsRequest(placement=99))
    with pytest.raises(RequestError, match="^sort_by: expected one of RELEVANCE, .*, received 99$"):
        read_search(discovery_pb2.SearchItemsRequest(query="q", sort_by=99))


def test_times_that_are_none_are_refused() -> None:
    message = events_pb2.Event(type=2)
    message.time.nanos = -1
    with pytest.raises(RequestError, match=r"^time\.nanos: expected 0 to 999,999,999, received -1"):
        read_event(message, "", now=0.0, new_id=str)
    with pytest.raises(RequestError, match="^time: expected a finite number of seconds"):
        write_event(Event("e", EventType.VIEW, "v", math.nan))
    item = catalog_pb2.Item(item_id="i")
    item.created_time.seconds = 2**60
    with pytest.raises(RequestError, match="created_time: expected a year of 1 to 9999"):
        read_item(item, "")


def test_a_time_just_under_a_second_stays_a_timestamp() -> None:
    message = write_event(Event("e", EventType.VIEW, "v", 1 - 1e-12))
    assert (message.time.seconds, message.time.nanos) == (1, 0)


@pytest.mark.parametrize("start", [PageStart(20), PageStart(20, "0123456789abcdef" * 2)])
def test_page_token_belongs_to_its_request(start: PageStart) -> None:
    request = write_search(SearchRequest("milk", "v"))
    token = page_token(request, start)
    assert page_start(request, token) == start
    other_size = write_search(SearchRequest("milk", "v", page_size=50))
    assert page_start(other_size, token) == start
    for other in (
        write_search(SearchRequest("bread", "v")),
        write_search(SearchRequest("milk", "w")),
        write_search(SearchRequest("milk", "v", filter=Filter(in_stock_only=True))),
        write_search(SearchRequest("milk", "v", sort_by=SortOrder.NEWEST)),
        write_search(
            SearchRequest(
                "milk", "v", filter=Filter(attributes=(AttributeCondition("size", ("L",)),))
            )
        ),
        write_recommend(RecommendRequest(Placement.HOME, "v")),
    ):
        with pytest.raises(RequestError, match="^page_token: expected the token of the same"):
            page_start(other, token)


@pytest.mark.parametrize(
    "token", ["x", "!!!!", "AAAA", "奶", "A" * 17, "A" * 37, "A" * 39, "a" * 5_000]
)
def test_page_token_of_somebody_else_is_refused(token: str) -> None:
    with pytest.raises(RequestError, match="^page_token: expected a next_page_token"):
        page_start(write_search(SearchRequest("milk")), token)


@pytest.mark.parametrize("offset", [-1, 10_001])
def test_offset_out_of_range_is_refused(offset: int) -> None:
    with pytest.raises(RequestError, match=f"^offset: expected 0 to 10,000, received {offset}$"):
        write_search(replace(SearchRequest("milk"), offset=offset))


@pytest.mark.parametrize("key", ["x", "00", "0" * 31, "0" * 34, "g" * 32])
def test_a_key_that_is_none_of_this_service_is_refused(key: str) -> None:
    with pytest.raises(RequestError, match="^order_key: expected 32 hexadecimal digits, received"):
        write_search(SearchRequest("milk", offset=20, order_key=key))


@settings(max_examples=50, deadline=None)
@given(offsets, some.binary(min_size=16, max_size=16), some.booleans(), count, some.booleans())
def test_where_the_next_page_starts_and_what_is_relevant_round_trip(
    offset: int, key: bytes, is_expired: bool, relevant_count: int, is_lower_bound: bool
) -> None:
    next_offset = offset or None
    answer = Answer(
        (),
        "t",
        "b",
        next_offset,
        match_count=relevant_count,
        order_key=key.hex() if next_offset else "",
        is_order_expired=is_expired,
        is_match_count_lower_bound=is_lower_bound,
        relevant_count=relevant_count,
    )
    search = write_search(SearchRequest("q"))
    read = read_answer(response(answer, search), search)
    assert read == answer
    browse = write_recommend(RecommendRequest(Placement(1)))
    browsed = replace(answer, relevant_count=None)
    assert read_answer(response(answer, browse), browse) == browsed
    if next_offset:
        following = SearchRequest("q", offset=next_offset, order_key=read.order_key)
        assert read_search(over_the_wire(write_search(following))) == following


def test_a_token_of_an_earlier_version_is_an_offset_alone() -> None:
    request = write_search(SearchRequest("milk", "v"))
    token = page_token(request, PageStart(40))
    assert len(token) == 16 and page_start(request, token) == PageStart(40, "")


def test_an_answer_beyond_the_last_page_offers_no_next_one() -> None:
    asked = write_search(SearchRequest("q"))
    assert response(Answer((), "t", "b", 10_001), asked).next_page_token == ""
