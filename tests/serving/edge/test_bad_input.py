"""Bad input over gRPC: INVALID_ARGUMENT that names the field; query syntax is plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as some

from data.records import Item
from protos import catalog_pb2, catalog_pb2_grpc, discovery_pb2, discovery_pb2_grpc
from serving.api.requests import SearchRequest
from serving.edge.server import serve
from serving.engine import Engine
from tests.towers import shelf

Search = discovery_pb2.SearchItemsRequest
Recommend = discovery_pb2.RecommendItemsRequest
Condition = discovery_pb2.AttributeCondition
Facet = discovery_pb2.FacetRequest
SYNTAX = "+ - && || ! ( ) { } [ ] ^ \" ~ * ? : \\ / .* title: AND OR NOT [a TO b] (?i) $ | <= ' ` %"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine.open(shelf.bundle_folder())
    engine.update_items([Item("n1", "Velox shoes", attributes={"colour": "red", "size": "41"})])
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def channel(engine: Engine) -> Iterator[grpc.Channel]:
    server = serve(engine, "127.0.0.1:0")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel
    server.stop()


def under(**fields: Any) -> Any:
    return Search(query="shoes", filter=discovery_pb2.Filter(**fields))


@pytest.mark.parametrize(
    ("request_", "field", "told"),
    [
        (Search(query="q" * 257), "query", "at most 256 characters, received 257"),
        (Search(query="鞋" * 20_000), "query", "at most 256"),
        (Search(query="  "), "query", "1 to 256 characters"),
        (Search(query="red\x00shoes"), "query", "no control characters"),
        (Search(query="red\x1b[31m"), "query", "no control characters"),
        (Search(query="red\u0085shoes"), "query", "no control characters"),
        (Search(query="q", visitor_id="v\n"), "visitor_id", "no control characters"),
        (
            under(attributes=[Condition(name="color", values=["red"])]),
            "filter.attributes[0].name",
            "an attribute of the catalogue (did you mean colour?), received 'color'",
        ),
        (
            under(
                attributes=[
                    Condition(name="size", values=["41"]),
                    Condition(name="title", values=[".*"]),
                ]
            ),
            "filter.attributes[1].name",
            "an attribute of the catalogue",
        ),
        (
            under(attributes=[Condition(name="size", min_value=42, max_value=41)]),
            "filter.attributes[0].max_value",
            "42 (min_value) or more, received 41.0",
        ),
        (
            under(attributes=[Condition(name="size", min_value=float("nan"))]),
            "filter.attributes[0].min_value",
            "a finite number, received nan",
        ),
        (under(attributes=[Condition(name="size")]), "filter.attributes[0].values", "a value, or"),
        (under(min_price=5, max_price=4), "filter.max_price", "5 (min_price) or more"),
        (under(min_price=float("inf")), "filter.min_price", "0 or more and finite"),
        (under(max_price=-1), "filter.max_price", "0 or more and finite"),
        (under(category=["a", "b\x07"]), "filter.category[1]", "no control characters"),
        (under(brands=[""]), "filter.brands[0]", "1 to 256 characters"),
        (Search(query="q", sort_by=77), "sort_by", "one of RELEVANCE, PRICE_LOW,"),
        (Search(query="q", facets=[Facet(name="colr")]), "facets[0].name", "an attribute of the"),
        (Search(query="q", facets=[Facet(name="brand", limit=101)]), "facets[0].limit", "0 to 100"),
        (Search(query="q", page_token="abc"), "page_token", "a next_page_token of this service"),
        (Recommend(placement=99), "placement", "one of HOME"),
        (Recommend(placement=1, facets=[Facet(name="colr")]), "facets[0].name", "an attribute"),
        (
            Recommend(
                placement=1,
                filter=discovery_pb2.Filter(attributes=[Condition(name="x", values=["y"])]),
            ),
            "filter.attributes[0].name",
            "an attribute of the catalogue",
        ),
    ],
)
def test_what_is_wrong_is_an_invalid_argument_that_names_the_field(
    channel: grpc.Channel, engine: Engine, request_: Any, field: str, told: str
) -> None:
    error = refused(channel, request_)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"{field}: expected {told}")
    (detail,) = rpc_status.from_call(error).details
    (violation,) = BadRequest.FromString(detail.value).field_violations
    assert violation.field == field
    assert f"{field}: {violation.description}" == error.details()
    assert engine.log.event_count == 0


def refused(channel: grpc.Channel, request: Any) -> Any:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    method = stub.SearchItems if isinstance(request, Search) else stub.RecommendItems
    with pytest.raises(grpc.RpcError) as caught:
        method(request, timeout=10)
    return caught.value


@pytest.mark.parametrize(
    "change",
    [
        {"query": "milk"},
        {"sort_by": 1},
        {"facets": [Facet(name="brand")]},
        {"filter": discovery_pb2.Filter(in_stock_only=True)},
        {"filter": discovery_pb2.Filter(attributes=[Condition(name="size", values=["41"])])},
    ],
)
def test_a_page_token_of_another_query_filter_or_order_is_refused(
    channel: grpc.Channel, change: dict[str, Any]
) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    first = Search(query="shoes", page_size=5)
    token = stub.SearchItems(first, timeout=10).next_page_token
    other = Search(query="shoes", page_size=5, page_token=token)
    assert stub.SearchItems(other, timeout=10).results
    for name, value in change.items():
        other.ClearField(name)
        other.MergeFrom(Search(**{name: value}))
    error = refused(channel, other)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("page_token: expected the token of the same request")


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (catalog_pb2.Item(item_id="i", title="a\x00b"), "items[0].title"),
        (catalog_pb2.Item(item_id="i", brand="a\x1fb"), "items[0].brand"),
        (catalog_pb2.Item(item_id="i", category=["a\x1fb"]), "items[0].category[0]"),
        (catalog_pb2.Item(item_id="i", attributes={"size": "\n"}), "items[0].attributes.size"),
        (catalog_pb2.Item(item_id="i", attributes={"si\nze": "L"}), "items[0].attributes"),
    ],
)
def test_control_characters_in_an_item_are_refused(
    channel: grpc.Channel, item: Any, field: str
) -> None:
    stub = catalog_pb2_grpc.CatalogStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.BatchUpdateItems(catalog_pb2.BatchUpdateItemsRequest(items=[item]), timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details().startswith(f"{field}: expected no control characters")


@settings(max_examples=60)
@given(
    some.lists(some.sampled_from(sorted(set("+-&|!(){}[]^~*?:\\<>=`'$@;,"))), max_size=6).map(
        "".join
    ),
    some.lists(some.sampled_from(sorted(set("+-&|!(){}[]^~*?:\\<>=`'$@;,"))), max_size=6).map(
        "".join
    ),
    some.lists(some.sampled_from(["*", "~2", "^3", '"', "?", "\\"]), max_size=2).map("".join),
)
def test_signs_round_words_change_nothing(
    engine: Engine, before: str, between: str, after: str
) -> None:
    plain = ids(engine, "running shoes")
    assert ids(engine, f"{before}running {between} shoes{after.translate(DIGITS)}") == plain


DIGITS = str.maketrans("", "", "23")


def ids(engine: Engine, query: str) -> list[str]:
    request = SearchRequest(query, record=False, page_size=50)
    return [result.item_id for result in engine.search(request).results]


@pytest.mark.parametrize(
    "text", [*SYNTAX.split(), SYNTAX, "title:shoes", "/sho.*/", "sh*", "s?oes"]
)
def test_query_syntax_is_plain_text(engine: Engine, text: str) -> None:
    answer = engine.search(SearchRequest(text, record=False))
    assert len(answer.results) == 20
    lexical = engine.bundle.ranker.sources.lexical
    assert lexical is not None
    every = lexical.matching_rows(lexical.parse("shoes")).tolist()
    # Only what holds the word itself may bring the shoes: not a star, not a field.
    if "shoes" not in text:
        assert lexical.matching_rows(lexical.parse(text)).tolist() != every
