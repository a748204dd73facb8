"""The client brings our own values over, and tries again where that is safe."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from data.errors import BundleError, ConfigError, NextclickError, OverloadError, RequestError
from data.records import Event, EventType, Item
from protos import admin_pb2, discovery_pb2, events_pb2
from serving.api.answers import SourceHit
from serving.api.offers.offer_requests import OfferRequest
from serving.api.requests import (
    CompleteRequest,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from serving.edge.client import Client, RetrySettings
from serving.edge.server import serve
from serving.voice.voice_requests import VoiceRequest
from tests.serving.gated_engine import GatedEngine
from tests.towers import shelf

FAST = RetrySettings(attempt_limit=4, first_wait_seconds=0.01)


def view(number: int, **fields: Any) -> Event:
    return Event(f"e{number}", EventType.VIEW, "v", time.time(), item_id="p0002", **fields)


class StumblingServer:
    """A gRPC server whose methods fail with the given codes first, and then answer."""

    def __init__(self) -> None:
        self.codes: list[grpc.StatusCode] = []
        self.requests: list[tuple[str, bytes]] = []
        self.replies: dict[str, Any] = {
            "SearchItems": discovery_pb2.SearchItemsResponse(attribution_token="t"),
            "RecordEvents": events_pb2.RecordEventsResponse(recorded_count=1),
            "RollbackBundle": admin_pb2.Status(bundle_id="b"),
        }
        self.server = grpc.server(ThreadPoolExecutor(2), handlers=(self,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]

        def answer(request: bytes, context: Any) -> bytes:
            self.requests.append((name, request))
            if self.codes:
                context.abort(self.codes.pop(0), "stumbled")
            reply: bytes = self.replies[name].SerializeToString()
            return reply

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def stumbling() -> Iterator[StumblingServer]:
    stumbling = StumblingServer()
    yield stumbling
    stumbling.server.stop(0).wait()


@pytest.fixture
def patient(stumbling: StumblingServer) -> Iterator[Client]:
    with Client(f"127.0.0.1:{stumbling.port}", timeout_seconds=5, retry=FAST) as client:
        yield client


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_call_is_tried_again_with_the_same_event_id(
    stumbling: StumblingServer, patient: Client, code: grpc.StatusCode
) -> None:
    stumbling.codes = [code, code]
    assert patient.record([replace(view(1), event_id="")]).recorded_count == 1
    contents = [content for _, content in stumbling.requests]
    assert len(contents) == 3
    assert len(set(contents)) == 1
    assert len(events_pb2.RecordEventsRequest.FromString(contents[0]).events[0].event_id) == 32


def test_it_gives_up_after_its_attempts(stumbling: StumblingServer, patient: Client) -> None:
    stumbling.codes = [grpc.StatusCode.UNAVAILABLE] * 9
    with pytest.raises(OverloadError, match="^UNAVAILABLE: stumbled$"):
        patient.search(SearchRequest("milk"))
    assert len(stumbling.requests) == 4


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, OverloadError),
        (grpc.StatusCode.INTERNAL, NextclickError),
        (grpc.StatusCode.INVALID_ARGUMENT, RequestError),
        (grpc.StatusCode.FAILED_PRECONDITION, BundleError),
    ],
)
def test_other_failures_are_told_at_once(
    stumbling: StumblingServer,
    patient: Client,
    code: grpc.StatusCode,
    kind: type[Exception],
) -> None:
    stumbling.codes = [code]
    with pytest.raises(kind, match="stumbled"):
        patient.search(SearchRequest("milk"))
    assert len(stumbling.requests) == 1


def test_a_rollback_is_never_tried_again(stumbling: StumblingServer, patient: Client) -> None:
    stumbling.codes = [grpc.StatusCode.UNAVAILABLE]
    with pytest.raises(OverloadError):
        patient.rollback()
    assert [name for name, _ in stumbling.requests] == ["RollbackBundle"]


def test_the_time_of_all_attempts_together_is_bounded(stumbling: StumblingServer) -> None:
    slow = RetrySettings(first_wait_seconds=0.3)
    stumbling.codes = [grpc.StatusCode.UNAVAILABLE] * 9
    for port in (1, stumbling.port):
        with Client(f"127.0.0.1:{port}", timeout_seconds=0.5, retry=slow) as client:
            began = time.monotonic()
            with pytest.raises(OverloadError):
                client.search(SearchRequest("milk"))
            assert time.monotonic() - began < 2.0
    # All waits together would have taken 0.3 + 0.6 + 1 + 1 seconds.
    assert len(stumbling.requests) < 5


def test_a_call_is_made_once_where_no_other_attempt_is_asked_for(
    stumbling: StumblingServer,
) -> None:
    stumbling.codes = [grpc.StatusCode.UNAVAILABLE]
    once = RetrySettings(attempt_limit=1)
    with Client(f"127.0.0.1:{stumbling.port}", retry=once) as client, pytest.raises(OverloadError):
        client.search(SearchRequest("milk"))
    assert len(stumbling.requests) == 1


@pytest.mark.parametrize("limit", [0, 6])
def test_more_attempts_than_grpc_makes_are_refused(limit: int) -> None:
    with pytest.raises(ConfigError, match=f"^attempt_limit: expected 1 to 5, received {limit}$"):
        RetrySettings(attempt_limit=limit)


def test_every_method_that_is_tried_again_is_one_of_the_interface(
    stumbling: StumblingServer, patient: Client
) -> None:
    asked = {
        "SearchItems": lambda: patient.search(SearchRequest("milk")),
        "RecommendItems": lambda: patient.recommend(RecommendRequest(Placement.HOME)),
        "Complete": lambda: patient.complete(CompleteRequest("mi")),
        "SearchByVoice": lambda: patient.search_by_voice(VoiceRequest(b"a", SearchRequest(""))),
        "RecordEvents": lambda: patient.record([view(1)]),
        "BatchUpdateItems": lambda: patient.update_items([Item("m1", "Milk")]),
        "BatchDeleteItems": lambda: patient.delete_items(["m1"]),
        "RecommendOffers": lambda: patient.recommend_offers(OfferRequest("v")),
        "BatchUpdateOffers": lambda: patient.update_offers([], ["o1"]),
        "GetStatus": patient.status,
        "PublishBundle": lambda: patient.publish("second"),
        "RollbackBundle": patient.rollback,
        "InterleaveBundle": lambda: patient.interleave("second", 0.5),
        "StopInterleaving": patient.stop_interleaving,
    }
    for name, ask in asked.items():
        stumbling.codes, stumbling.requests = [grpc.StatusCode.CANCELLED] * 9, []
        with pytest.raises(OverloadError, match="^CANCELLED: stumbled$"):
            ask()
        attempts = 1 if "Bundle" in name or name == "StopInterleaving" else 4
        assert [made for made, _ in stumbling.requests] == [name] * attempts


def test_waiting_for_a_server_that_never_comes_ends() -> None:
    never = pytest.raises(OverloadError, match=r"^health: expected SERVING within 0\.2 s, rec")
    with Client("127.0.0.1:1") as client, never:
        client.wait_until_serving(0.2)


def test_every_answer_comes_back_as_the_engine_gave_it(client: Client, engine: GatedEngine) -> None:
    client.record([view(1), replace(view(2), type=EventType.ADD_TO_CART, item_id="p0050")])
    request = SearchRequest(
        "moccado espresso", "v", page_size=6, filter=Filter(brands=("Moccado",)), explain=True
    )
    pages = [client.search(request)]
    assert engine.seen[-1] == request
    pages.append(client.search(replace(request, offset=pages[0].next_offset or 0, record=False)))
    assert pages == engine.answers
    # Ten of the shop's items are of the brand, and stand on two pages in some order.
    moccado = {item.item_id: item for item in shelf.items() if item.brand == "Moccado"}
    results = [result for page in pages for result in page.results]
    assert len(moccado) == 10 and [len(page.results) for page in pages] == [6, 4]
    assert [page.next_offset for page in pages] == [6, None]
    assert {result.item_id for result in results} == set(moccado)
    for result in results:
        item = moccado[result.item_id]
        facts = item.title, item.category, item.brand, item.price, item.in_stock
        told = result.title, result.category, result.brand, result.price, result.in_stock
        assert told == facts
        done = {(effect.event_type, effect.item_id) for effect in result.event_effects}
        assert done == {("view", "p0002"), ("add_to_cart", "p0050"), ("search", "")}
        assert len({effect.feature for effect in result.feature_effects}) == 5

    recommended = RecommendRequest(Placement.CART, "v", ("p0002", "p0012"), page_size=3)
    answer = client.recommend(recommended)
    assert engine.seen[-1] == recommended and engine.answers[-1] == answer
    # The two events, the search, and each item of the cart as a look at it.
    assert len(answer.results) == 3 and answer.session_event_count == 2 + 1 + 2

    typed = CompleteRequest("moc", max_results=3)
    assert client.complete(typed) == engine.complete(typed)


def test_every_change_reaches_the_engine_and_its_report_comes_back(
    client: Client, engine: GatedEngine, tmp_path: Path
) -> None:
    report = client.record([view(1), view(2), replace(view(3), item_id="unheard-of")])
    assert (report.recorded_count, report.duplicate_count, report.unknown_item_count) == (3, 0, 1)
    assert client.record([view(1)]).duplicate_count == 1

    changes = client.update_items([Item("p0002", "Goat milk"), Item("n1", "Nut milk")])
    assert (changes.added_count, changes.updated_count) == (1, 1)
    assert client.delete_items(["n1", "never-was"]).removed_count == 1
    found = client.search(SearchRequest("milk")).results
    titles = {result.item_id: result.title for result in found}
    assert titles["p0002"] == "Goat milk" and "n1" not in titles

    first, second = engine.status().bundle_path, tmp_path / "second"
    with pytest.raises(BundleError, match="^rollback: expected an earlier bundle"):
        client.rollback()
    shutil.copytree(first, second)
    assert client.publish(str(second)).previous_bundle_path == first
    (tmp_path / "damaged").mkdir()
    with pytest.raises(BundleError, match=r"^damaged: expected a bundle with a manifest\.json"):
        client.publish(str(tmp_path / "damaged"))
    assert client.status().bundle_path == str(second)
    assert client.rollback().bundle_path == first

    began, told, ended = engine.status(), client.status(), engine.status()
    assert began.uptime_seconds <= told.uptime_seconds <= ended.uptime_seconds
    assert replace(told, uptime_seconds=0.0) == replace(ended, uptime_seconds=0.0)
    assert (told.logged_event_count, told.unknown_item_event_count, told.item_count) == (3, 1, 240)


def test_chinese_queries_find_chinese_items(client: Client) -> None:
    answer = client.search(SearchRequest("云帆智能手机", "访客", page_size=100))
    best = next(one for one in answer.results if SourceHit("lexical", 1) in one.sources)
    item = {item.item_id: item for item in shelf.items()}[best.item_id]
    assert "云帆" in best.title and "智能手机" in best.title
    assert (best.title, best.brand) == (item.title, "云帆")
    assert best.category == ("手机", "智能手机")


def test_large_batches_are_cut_to_what_a_message_holds(client: Client, engine: GatedEngine) -> None:
    long = [
        replace(view(number), type=EventType.REVIEW, rating=5, text="x" * 8_000)
        for number in range(60)
    ]
    short = [view(number) for number in range(100, 2_600)]
    assert client.record(long + short).recorded_count == 2_560
    sizes = [len(batch) for batch in engine.seen if isinstance(batch, list)]
    assert sum(sizes) == 2_560
    assert max(sizes) <= 1_000
    items = [Item(str(number), "t" * 1_000) for number in range(500)]
    assert client.update_items(items).added_count == 500
    assert client.delete_items([item.item_id for item in items] * 3).removed_count == 500
    assert client.record([]).recorded_count == 0
    assert engine.log.event_count == 2_560 and engine.status().item_count == 240


def test_what_no_message_can_hold_is_a_request_error(client: Client) -> None:
    with pytest.raises(RequestError, match="^request: expected values that the wire can carry"):
        client.search(SearchRequest("milk", page_size=2**40))
    with pytest.raises(RequestError, match="^request: expected values that the wire can carry"):
        client.search(SearchRequest("\ud800"))


def test_no_event_is_lost_or_counted_twice_over_restarts(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0")
    address = f"127.0.0.1:{running.port}"
    acked = 0
    stop = threading.Event()

    def shop() -> None:
        nonlocal acked
        retry = RetrySettings(first_wait_seconds=0.2)
        with Client(address, timeout_seconds=20, retry=retry) as client:
            while not stop.is_set():
                acked += client.record([replace(view(0), event_id="")]).recorded_count
                time.sleep(0.002)

    thread = threading.Thread(target=shop)
    thread.start()
    for _ in range(3):
        time.sleep(0.15)
        running.stop(0.05)
        running = serve(engine, address)
    time.sleep(0.15)
    stop.set()
    thread.join(20)
    running.stop(1)
    assert acked > 0
    # A retry of a batch that was written but not acked counts as a duplicate, hence at most.
    assert acked <= engine.log.event_count <= acked + 3
