"""Recorded calls come out as they went in, visitor by visitor, whatever the number of clients."""

from __future__ import annotations

import random
import time
from itertools import islice
from pathlib import Path

import pytest

from data.errors import ConfigError, InputError
from data.records import Event, EventType
from protos import discovery_pb2
from serving.api.requests import (
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
    SortOrder,
)
from serving.edge.client import Client
from serving.load.calls import Share
from serving.load.recorded_traffic import read_log_traffic, read_traffic
from tests.serving.gated_engine import GatedEngine

LINES = [
    '{"search": {"query": "milk", "visitor_id": "a", "page_size": 5, "filter": {"max_price": 3}}}',
    "",
    '{"record": {"events": [{"type": "EVENT_TYPE_VIEW", "visitor_id": "b", "item_id": "i1"}]}}',
    '{"recommend": {"placement": "PLACEMENT_HOME", "visitor_id": "a"}}',
    '{"search": {"query": "oats", "visitorId": "b"}}',
]


def test_a_file_is_sent_in_order_and_from_the_first_line_again() -> None:
    calls = list(islice(read_traffic(LINES, "calls.jsonl").calls(random.Random(1), Share()), 6))
    assert [call.kind[:3] for call in calls] == ["sea", "rec", "rec", "sea", "sea", "rec"]
    first = calls[0].message
    assert (first.query, first.visitor_id, first.page_size) == ("milk", "a", 5)
    assert first.filter.max_price == 3
    assert calls[1].message.events[0].item_id == "i1"
    assert calls[2].message.placement == discovery_pb2.PLACEMENT_HOME
    assert calls[3].message.visitor_id == "b"


def test_a_visitors_calls_stay_in_one_process_and_in_order() -> None:
    lines = [
        f'{{"search": {{"query": "{number}", "visitor_id": "v{number % 7}"}}}}'
        for number in range(70)
    ]
    traffic = read_traffic(lines, "calls.jsonl")
    seen: dict[str, list[int]] = {}
    for index in range(2):
        for call in islice(traffic.calls(random.Random(1), Share(index, 2)), 200):
            queries = seen.setdefault(call.message.visitor_id, [])
            if int(call.message.query) in queries:
                break
            queries.append(int(call.message.query))
    assert len(seen) == 7
    assert all(queries == sorted(queries) and len(queries) == 10 for queries in seen.values())


@pytest.mark.parametrize(
    "line",
    ["milk", '{"sing": {}}', '{"search": {"qwery": "milk"}}', '{"search": {}, "record": {}}'],
)
def test_a_line_that_is_no_call_is_named(line: str) -> None:
    with pytest.raises(
        InputError, match=r"calls\.jsonl, row 2, call: expected an object of one of"
    ):
        read_traffic([LINES[0], line], "calls.jsonl")


def test_no_calls_are_refused() -> None:
    with pytest.raises(ConfigError, match="^recorded calls: expected 1 or more visitors for each"):
        read_traffic([], "calls.jsonl").calls(random.Random(1), Share())


def test_a_servers_own_log_gives_the_calls_that_it_was_sent(
    client: Client, engine: GatedEngine, tmp_path: Path
) -> None:
    condition = Filter(max_price=500.0, in_stock_only=True)
    sent = [
        SearchRequest("espresso", "v1", page_size=3, filter=condition),
        RecommendRequest(Placement.HOME, "v2", page_size=3),
        RecommendRequest(Placement.ITEM, "v1", ("p0002",), 3, sort_by=SortOrder.PRICE_LOW),
    ]
    token = client.search(sent[0]).attribution_token
    client.record([Event("", EventType.VIEW, "v1", time.time(), "p0002", attribution_token=token)])
    client.recommend(sent[1])
    client.recommend(sent[2])
    engine.log.flush()
    traffic = read_log_traffic(tmp_path / "state", page_size=3)
    calls = list(islice(traffic.calls(random.Random(1), Share()), 4))
    assert [call.kind for call in calls] == ["search", "record", "recommend", "recommend"]
    view = calls[1].message.events[0]
    assert (view.visitor_id, view.item_id, view.event_id) == ("v1", "p0002", "")
    assert not view.HasField("time")
    condition_sent = calls[0].message.filter
    assert (condition_sent.max_price, condition_sent.in_stock_only) == (500.0, True)
    assert calls[2].message.visitor_id == "v2"
    assert list(calls[3].message.item_ids) == ["p0002"]
    assert calls[3].message.sort_by == discovery_pb2.SORT_ORDER_PRICE_LOW
    assert traffic.dropped_count == 0
