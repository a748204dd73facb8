"""Changes of the catalogue let searches pass, and come through where searches leave no pause."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest

from data.records import Item
from protos import discovery_pb2, discovery_pb2_grpc
from serving.api.requests import SearchRequest
from serving.edge.admission import Lane
from serving.edge.client import Client
from serving.edge.server import RunningServer
from tests.serving.gated_engine import GatedEngine
from towers.paced import Paced


@pytest.fixture
def new_items() -> list[Item]:
    return [
        Item(f"new-{number}", f"ristretto tin number {number}", category=("Coffee",), price=3.0)
        for number in range(30)
    ]


@pytest.fixture
def searching(server: RunningServer, engine: GatedEngine) -> Iterator[None]:
    """A search that is in flight for the whole test."""
    engine.gate.clear()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        search = stub.SearchItems.future(discovery_pb2.SearchItemsRequest(query="tin"), timeout=20)
        while not engine.seen:
            pass
        yield
        engine.gate.set()
        assert search.result().results


def test_whoever_waits_for_a_lane_goes_on_when_its_last_call_leaves() -> None:
    lane = Lane("answers", at_once=1, limit=8)
    lane.wait_until_empty(60.0)
    lane.calls |= {"first", "second"}
    went_on = threading.Event()

    def wait() -> None:
        lane.wait_until_empty(60.0)
        went_on.set()

    waiting = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    lane.leave("first")
    assert not went_on.wait(0.05)
    lane.leave("second")
    for thread in waiting:
        thread.join(30.0)
        assert not thread.is_alive()


def test_whoever_waits_for_a_lane_that_never_empties_goes_on_after_a_while() -> None:
    lane = Lane("answers", at_once=1, limit=8)
    lane.calls.add("call")
    lane.wait_until_empty(0.001)
    assert not lane._waiters


@pytest.mark.usefixtures("searching")
def test_a_change_comes_through_while_a_search_is_in_flight(
    client: Client, new_items: list[Item]
) -> None:
    assert client.update_items(new_items).added_count == len(new_items)


def test_at_every_pause_of_a_batch_searches_are_answered_in_full(
    engine: GatedEngine, new_items: list[Item]
) -> None:
    pauses = []

    def search() -> None:
        answer = engine.search(SearchRequest("ristretto tin", page_size=50, record=False))
        assert not answer.missing
        pauses.append({result.item_id for result in answer.results} & set(ids))

    ids = [item.item_id for item in new_items]
    engine.update_items(new_items, search)
    search()
    # Between any two items of every stage; and all are found in the end.
    assert len(pauses) > 4 * len(new_items)
    assert not pauses[0] and pauses[-1] == set(ids)


def test_a_paced_list_is_the_list_and_pauses_before_each_element() -> None:
    seen: list[str] = []
    paced = Paced("abc", lambda: seen.append("pause"))
    for element in paced:
        seen.append(element)
    assert seen == ["pause", "a", "pause", "b", "pause", "c"]
    assert paced == [*"abc"] and paced[1] == "b" and len(paced) == 3
