"""The edge of a real server: limits, health, errors, and an orderly end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from data.errors import ConfigError, OverloadError
from data.records import Event, EventType
from data.sources.own_log import LOG_NAME, iter_events
from protos import (
    admin_pb2,
    admin_pb2_grpc,
    catalog_pb2,
    discovery_pb2,
    discovery_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    offers_pb2,
)
from serving.api.requests import SearchRequest
from serving.edge.admission import Lane
from serving.edge.client import Client
from serving.edge.server import RunningServer, ServerSettings, serve
from tests.serving.gated_engine import GatedEngine
from tests.serving.server_process import ROOT, printed_by, server_process
from tests.serving.waiting import wait_for
from tests.towers import shelf

ESPRESSO = discovery_pb2.SearchItemsRequest(query="espresso")
A_VIEW = events_pb2.RecordEventsRequest(
    events=[events_pb2.Event(type=2, visitor_id="v", item_id="p0002")]
)
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def channel(server: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def held_searches(stub: Any, engine: GatedEngine) -> list[Any]:
    """As many searches as are held at most, four of them worked on until ``engine.gate`` is set."""
    engine.gate.clear()
    held = [stub.SearchItems.future(ESPRESSO, timeout=10) for _ in range(8)]
    wait_for(lambda: len(engine.seen) == 4)
    # A call is in flight once its message has arrived.
    wait_for(lambda: refuses(stub))
    return held


def refuses(stub: Any) -> bool:
    """Whether a search is refused at once."""
    refused = grpc.StatusCode.RESOURCE_EXHAUSTED
    return bool(stub.SearchItems.future(ESPRESSO, timeout=0.2).code() is refused)


def call(channel: grpc.Channel, method: str, request: Any, **options: Any) -> bytes:
    """Calls ``Service/Method`` with a message, or with bytes that are none."""
    content = request if isinstance(request, bytes) else request.SerializeToString()
    reply: bytes = channel.unary_unary(f"/nextclick.v1.{method}")(content, timeout=5, **options)
    return reply


def refusal(channel: grpc.Channel, method: str, request: Any, **options: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call(channel, method, request, **options)
    return caught.value


@pytest.mark.parametrize(
    ("method", "request_", "field"),
    [
        ("Discovery/SearchItems", discovery_pb2.SearchItemsRequest(query=" "), "query"),
        (
            "Discovery/SearchItems",
            discovery_pb2.SearchItemsRequest(query="q", page_token="x"),
            "page_token",
        ),
        ("Discovery/RecommendItems", discovery_pb2.RecommendItemsRequest(), "placement"),
        ("Events/RecordEvents", events_pb2.RecordEventsRequest(), "events"),
        (
            "Events/RecordEvents",
            events_pb2.RecordEventsRequest(events=[events_pb2.Event(type=2)] * 1_001),
            "events",
        ),
        (
            "Events/RecordEvents",
            events_pb2.RecordEventsRequest(
                events=[
                    events_pb2.Event(type=2, visitor_id="v", item_id="p0002"),
                    events_pb2.Event(type=8, visitor_id="v", item_id="p0002", rating=6),
                ]
            ),
            "events[1].rating",
        ),
        ("Catalog/BatchUpdateItems", catalog_pb2.BatchUpdateItemsRequest(), "items"),
        (
            "Catalog/BatchUpdateItems",
            catalog_pb2.BatchUpdateItemsRequest(items=[catalog_pb2.Item(item_id="i", price=-1)]),
            "items[0].price",
        ),
        ("Catalog/BatchDeleteItems", catalog_pb2.BatchDeleteItemsRequest(), "item_ids"),
        ("Catalog/BatchUpdateOffers", offers_pb2.BatchUpdateOffersRequest(), "offers"),
        ("Discovery/RecommendOffers", offers_pb2.RecommendOffersRequest(limit=-1), "limit"),
        ("Admin/PublishBundle", b"", "path"),
        ("Admin/InterleaveBundle", admin_pb2.InterleaveBundleRequest(path="b"), "share"),
        ("Admin/InterleaveBundle", admin_pb2.InterleaveBundleRequest(share=0.5), "path"),
    ],
)
def test_a_wrong_field_is_named(
    channel: grpc.Channel, engine: GatedEngine, method: str, request_: Any, field: str
) -> None:
    error = refusal(channel, method, request_)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith(f"{field}: expected ")
    (detail,) = rpc_status.from_call(error).details
    (violation,) = BadRequest.FromString(detail.value).field_violations
    assert violation.field == field
    assert f"{field}: {violation.description}" == error.details()
    assert engine.log.event_count == 0


def test_what_goes_wrong_inside_stays_inside(
    channel: grpc.Channel, engine: GatedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.fault = ValueError("visitor canary bought it")
    request = discovery_pb2.SearchItemsRequest(query="espresso", visitor_id="canary")
    error = refusal(channel, "Discovery/SearchItems", request)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "canary" not in f"{error.details()}{error.trailing_metadata()}{caplog.text}"
    assert error.details().split()[-1] in caplog.text
    assert "SearchItems" in caplog.text


@pytest.mark.parametrize("content", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe", b"\x0a\xff\xff\xff\x7f"])
def test_bytes_that_are_no_message_are_refused(
    channel: grpc.Channel, client: Client, content: bytes
) -> None:
    error = refusal(channel, "Discovery/SearchItems", content)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    expected = "message: expected a request of /nextclick.v1.Discovery/SearchItems, received "
    assert error.details() == f"{expected}'{len(content)} bytes that are none'"
    assert client.search(SearchRequest("espresso")).results


def test_a_message_beyond_the_limit_is_refused_unparsed(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    error = refusal(channel, "Discovery/SearchItems", b"\x0a" + b"x" * 300_000)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    metadata = (("x-long", "y" * 20_000),)
    error = refusal(channel, "Discovery/SearchItems", ESPRESSO, metadata=metadata)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert engine.seen == []


def test_the_next_answer_knows_an_acked_event(client: Client) -> None:
    for number in range(20):
        visitor, item_id = f"v{number}", f"p{number:04}"
        asked = SearchRequest("espresso", visitor, page_size=3, explain=True, record=False)
        # What is asked now is the newest event of the session that it is asked in.
        assert client.search(asked).session_event_count == 1
        client.record([Event("", EventType.VIEW, visitor, time.time(), item_id)])
        after = client.search(asked)
        assert after.session_event_count == 2
        for result in after.results:
            told = {(effect.event_type, effect.item_id) for effect in result.event_effects}
            assert told == {("view", item_id), ("search", "")}


def test_work_whose_caller_has_gone_is_not_begun(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    engine.gate.clear()
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    busy = [stub.SearchItems.future(ESPRESSO, timeout=5) for _ in range(4)]
    wait_for(lambda: len(engine.seen) == 4)
    late = [stub.SearchItems.future(ESPRESSO, timeout=0.2) for _ in range(4)]
    assert all(one.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED for one in late)
    engine.gate.set()
    assert all(one.result().results for one in busy)
    # The slots of those who left are free again.
    assert all(stub.SearchItems.future(ESPRESSO, timeout=5).result() for _ in range(20))
    assert len(engine.seen) == 4 + 20


def test_overload_is_refused_at_once_and_health_goes_on(
    channel: grpc.Channel, engine: GatedEngine, server: RunningServer
) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    held = held_searches(stub, engine)
    began = time.perf_counter()
    shed = [stub.SearchItems.future(ESPRESSO, timeout=10) for _ in range(40)]
    codes = {one.exception().code() for one in shed}
    took = time.perf_counter() - began
    assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    # Those that wait for a thread would have to wait for the held ones: ten seconds.
    assert took < 5.0
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "nextclick.v1.Discovery"):
        reply = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=1)
        assert reply.status == SERVING
    engine.gate.set()
    assert all(one.result().results for one in held)
    assert stub.SearchItems(ESPRESSO, timeout=1).results


def test_cancelled_calls_give_their_slots_back(channel: grpc.Channel, engine: GatedEngine) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    for _ in range(100):
        stub.SearchItems.future(ESPRESSO, timeout=5).cancel()
    wait_for(lambda: bool(stub.SearchItems(ESPRESSO, timeout=5).results), patience=5)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: stub.SearchItems(ESPRESSO, timeout=5), range(8)))
    assert all(reply.results for reply in replies)


def test_cancelled_calls_that_still_wait_are_bounded_by_the_limit(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    for waiting in held_searches(stub, engine):
        waiting.cancel()
    time.sleep(0.1)
    # Their messages are kept until a thread is free, and so no others are taken.
    one_more = stub.SearchItems.future(ESPRESSO, timeout=5)
    assert one_more.exception().code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    engine.gate.set()
    wait_for(lambda: bool(stub.SearchItems(ESPRESSO, timeout=5).results))


def test_limits_out_of_range_are_refused(engine: GatedEngine) -> None:
    with pytest.raises(ConfigError, match="^answers: expected 0 to 3 at once, received 4$"):
        Lane("answers", at_once=4, limit=3)
    for name in (
        "thread_count",
        "in_flight_limit",
        "event_thread_count",
        "event_limit",
        "change_thread_count",
        "change_limit",
    ):
        with pytest.raises(ConfigError, match=f"^{name}: expected 1 or more, received 0$"):
            serve(engine, "127.0.0.1:0", ServerSettings(**{name: 0}))


class HalfOpen:
    """A call whose message never comes, until it is cancelled."""

    def __init__(self, channel: grpc.Channel, method: str) -> None:
        self._silence = threading.Event()
        self.call = channel.stream_unary(method).future(self._say_nothing(), timeout=30)

    def _say_nothing(self) -> Iterator[bytes]:
        self._silence.wait()
        yield from ()

    def end(self) -> None:
        self.call.cancel()
        self._silence.set()


def test_calls_whose_message_is_slow_to_come_stop_nobody(engine: GatedEngine) -> None:
    # As a server is started: one thread works.
    running = serve(engine, "127.0.0.1:0", ServerSettings(reflection=True, message_seconds=30.0))
    address = f"127.0.0.1:{running.port}"
    with grpc.insecure_channel(address) as silent, grpc.insecure_channel(address) as channel:
        # More than may be in flight, of each kind.
        methods = ["/nextclick.v1.Discovery/SearchItems"] * 20
        methods += ["/nextclick.v1.Events/RecordEvents"] * 33
        methods += ["/nextclick.v1.Admin/GetStatus"] * 9 + ["/grpc.health.v1.Health/Check"] * 3
        methods += ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] * 16
        open_calls = [HalfOpen(silent, method) for method in methods]
        time.sleep(0.2)
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: stub.SearchItems(ESPRESSO, timeout=5), range(8)))
        assert all(reply.results for reply in replies)
        assert call(channel, "Events/RecordEvents", A_VIEW)
        assert call(channel, "Admin/GetStatus", b"")
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING
        for one in open_calls:
            one.end()
    running.stop(0)


def test_calls_whose_message_never_comes_are_let_go(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0", ServerSettings(message_seconds=0.2))
    address = f"127.0.0.1:{running.port}"
    with grpc.insecure_channel(address) as silent, grpc.insecure_channel(address) as channel:
        # More than may be in flight, and as many as there are threads for checks.
        open_calls = [HalfOpen(silent, "/nextclick.v1.Discovery/SearchItems") for _ in range(20)]
        open_calls += [HalfOpen(silent, "/grpc.health.v1.Health/Check") for _ in range(16)]
        assert {one.call.code() for one in open_calls} == {grpc.StatusCode.CANCELLED}
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        assert stub.SearchItems(
            discovery_pb2.SearchItemsRequest(query="espresso"), timeout=5
        ).results
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == SERVING
        assert len(engine.seen) == 1
        for one in open_calls:
            one.end()
    running.stop(0)


def test_a_large_message_has_longer_and_counts_from_its_beginning_on(engine: GatedEngine) -> None:
    settings = ServerSettings(message_seconds=0.1, picture_limit=2, voice_limit=1)
    running = serve(engine, "127.0.0.1:0", settings)
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        by_image, by_voice = (
            f"/nextclick.v1.Discovery/SearchBy{one}" for one in ("Image", "Voice")
        )
        open_calls = [HalfOpen(channel, path) for path in (by_image, by_image, by_voice)]
        time.sleep(0.1)
        for path in (by_image, by_voice):
            refused = HalfOpen(channel, path)
            assert refused.call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "in flight: expected at most" in refused.call.details()
            refused.end()
        # An ordinary call is let go meanwhile, and these are not.
        ordinary = HalfOpen(channel, "/nextclick.v1.Discovery/SearchItems")
        assert ordinary.call.code() is grpc.StatusCode.CANCELLED
        assert not any(one.call.done() for one in open_calls)
        ordinary.end()
        for one in open_calls:
            one.end()
        # Their slots come back.
        wait_for(lambda: refusal_code(channel, by_image) is grpc.StatusCode.INVALID_ARGUMENT)
    running.stop(0)


def refusal_code(channel: grpc.Channel, path: str) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"", timeout=5)
    return caught.value.code()


def test_of_too_many_calls_without_a_message_the_oldest_is_ended(engine: GatedEngine) -> None:
    settings = ServerSettings(message_seconds=30.0, waiting_limit=3)
    running = serve(engine, "127.0.0.1:0", settings)
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        open_calls = []
        for _ in range(5):
            open_calls.append(HalfOpen(channel, "/nextclick.v1.Discovery/SearchItems"))
            time.sleep(0.05)
        for overtaken in open_calls[:2]:
            assert overtaken.call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert overtaken.call.details().startswith("message: expected before those of many")
        assert not any(one.call.done() for one in open_calls[2:])
        # One that sends its message is answered.
        assert discovery_pb2_grpc.DiscoveryStub(channel).SearchItems(ESPRESSO, timeout=5).results
        for one in open_calls:
            one.end()
    running.stop(0)


def test_a_call_that_ends_without_a_message_is_refused(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary("/nextclick.v1.Discovery/SearchItems")(iter(()), timeout=5)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == "message: expected one, received 0"


def test_a_call_without_a_deadline_is_answered(channel: grpc.Channel) -> None:
    assert discovery_pb2_grpc.DiscoveryStub(channel).SearchItems(ESPRESSO).results


def test_a_message_that_comes_when_its_lane_has_filled_up_is_refused(
    channel: grpc.Channel, server: RunningServer, engine: GatedEngine
) -> None:
    late = threading.Event()

    def send_late() -> Iterator[bytes]:
        late.wait(timeout=10)
        yield ESPRESSO.SerializeToString()

    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as slow:
        method = slow.stream_unary("/nextclick.v1.Discovery/SearchItems")
        opened = method.future(send_late(), timeout=10)
        # The server has heard of it before the lane is full.
        time.sleep(0.1)
        held = held_searches(discovery_pb2_grpc.DiscoveryStub(channel), engine)
        late.set()
        assert opened.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert opened.details() == "answers in flight: expected at most 8, try again later"
    engine.gate.set()
    assert all(one.result().results for one in held)


def test_a_process_ends_after_running_calls_though_its_lanes_were_not_closed() -> None:
    code = (
        "import time; from serving.edge.admission import Lane;"
        "lane = Lane('answers', at_once=2, limit=2); lane.start();"
        "lane.submit(lambda: print(time.sleep(0.2)))"
    )
    assert printed_by(code) == "None\n"


def test_a_process_does_not_wait_for_a_call_without_end() -> None:
    code = (
        "import threading; from serving.edge.admission import Lane;"
        "lane = Lane('answers', at_once=2, limit=2, exit_seconds=0.1); lane.start();"
        "lane.submit(threading.Event().wait); lane.submit(threading.Event().wait)"
    )
    printed_by(code)


def test_a_refusal_does_not_wait_for_the_message(
    channel: grpc.Channel, server: RunningServer, engine: GatedEngine
) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    held = held_searches(stub, engine)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as silent:
        open_call = HalfOpen(silent, "/nextclick.v1.Discovery/SearchItems")
        assert open_call.call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert open_call.call.details() == "answers in flight: expected at most 8, try again later"
        open_call.end()
        one_more = stub.SearchItems.future(ESPRESSO, timeout=5)
        assert one_more.exception().code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    engine.gate.set()
    assert all(one.result().results for one in held)


def test_as_many_callers_as_the_limit_are_never_refused(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0", ServerSettings(in_flight_limit=4))

    def ask_again_and_again(_: int) -> int:
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            stub = discovery_pb2_grpc.DiscoveryStub(channel)
            return sum(bool(stub.SearchItems(ESPRESSO, timeout=10).results) for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask_again_and_again, range(4))) == [200] * 4
    running.stop(0)


def test_a_change_that_takes_long_does_not_hold_up_the_end(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0")
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        engine.gate.clear()
        stub = admin_pb2_grpc.AdminStub(channel)
        slow = [stub.GetStatus.future(admin_pb2.GetStatusRequest(), timeout=60) for _ in range(2)]
        wait_for(lambda: len(engine.seen) == 2)
        began = time.perf_counter()
        running.stop(0.2)
        assert time.perf_counter() - began < 5.0
        assert all(one.exception() is not None for one in slow)
        engine.gate.set()


def test_events_are_taken_in_while_all_that_answers_is_busy(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    held = held_searches(discovery_pb2_grpc.DiscoveryStub(channel), engine)
    acked = events_pb2_grpc.EventsStub(channel).RecordEvents.future(A_VIEW, timeout=10)
    wait_for(lambda: len(engine.seen) == 5)
    assert [event.item_id for event in engine.seen[4]] == ["p0002"]
    engine.gate.set()
    assert acked.result().recorded_count == 1
    assert all(one.result().results for one in held)


def test_changes_that_take_long_keep_neither_events_nor_answers_waiting(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    engine.gate.clear()
    stub = admin_pb2_grpc.AdminStub(channel)
    slow = [stub.GetStatus.future(admin_pb2.GetStatusRequest(), timeout=10) for _ in range(8)]
    wait_for(lambda: len(engine.seen) == 2)
    one_more = stub.GetStatus.future(admin_pb2.GetStatusRequest(), timeout=10)
    assert one_more.exception().code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    acked = events_pb2_grpc.EventsStub(channel).RecordEvents.future(A_VIEW, timeout=10)
    wait_for(lambda: len(engine.seen) == 3)
    found = discovery_pb2_grpc.DiscoveryStub(channel).SearchItems.future(ESPRESSO, timeout=10)
    wait_for(lambda: len(engine.seen) == 4)
    engine.gate.set()
    assert acked.result().recorded_count == 1 and found.result().results
    assert all(one.result().item_count for one in slow)


def test_two_servers_do_not_share_a_port(server: RunningServer, engine: GatedEngine) -> None:
    address = f"127.0.0.1:{server.port}"
    with pytest.raises(ConfigError, match=f"^address: expected a free host:port, .*'{address}'"):
        serve(engine, address)


def test_a_connection_that_says_nothing_is_closed(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0", ServerSettings(handshake_seconds=0.3))
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as silent:
        while silent.recv(1_024):
            pass
    running.stop(0)


def test_reflection_is_off_unless_asked_for(channel: grpc.Channel, engine: GatedEngine) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.ServerReflectionInfo(iter([asked]), timeout=5))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    running = serve(engine, "127.0.0.1:0", ServerSettings(reflection=True))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as open_channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(open_channel)
        (reply,) = stub.ServerReflectionInfo(iter([asked]), timeout=5)
    names = {service.name for service in reply.list_services_response.service}
    assert {"nextclick.v1.Discovery", "nextclick.v1.Admin", "grpc.health.v1.Health"} <= names
    running.stop(0)


def test_stopping_says_not_serving_and_lets_calls_under_way_end(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0")
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == SERVING
        engine.gate.clear()
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        under_way = stub.SearchItems.future(ESPRESSO, timeout=10)
        wait_for(lambda: len(engine.seen) == 1)
        stopping = threading.Thread(target=running.stop, args=(10.0,))
        stopping.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        engine.gate.set()
        assert under_way.result().results
        stopping.join(10)
        assert not stopping.is_alive()


def test_sigterm_drains_and_exits_with_0(tmp_path: Path) -> None:
    view = Event("e", EventType.VIEW, "v", time.time(), item_id="p0002")
    with server_process(tmp_path) as (process, address), Client(address) as client:
        client.wait_until_serving(10)
        assert client.record([view]).recorded_count == 1
        assert client.search(SearchRequest("espresso", "v")).session_event_count == 2
        process.send_signal(signal.SIGTERM)
        # Neither cuts the first one's work short.
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=15) == 0
        with Client(address, timeout_seconds=2) as late, pytest.raises(OverloadError):
            late.status()
    # The search was not acked as written: it had to be brought in on the way out.
    acked, searched = iter_events(tmp_path / LOG_NAME)
    assert (acked, searched.query, searched.visitor_id) == (view, "espresso", "v")


def test_the_server_does_not_import_tensorflow_nor_arrow() -> None:
    code = (
        "import sys, serving.edge.server, serving.edge.client, serving.engine;"
        "print([name for name in ('tensorflow', 'pyarrow', 'pandas') if name in sys.modules])"
    )
    assert printed_by(code).strip() == "[]"


def test_a_process_that_hangs_in_its_end_says_where_and_ends(tmp_path: Path) -> None:
    code = (
        "import sys, threading; import serving.cli.commands.serve as command;"
        "from serving.edge.server import RunningServer; command._END_SECONDS = 0.5;"
        "RunningServer.stop = lambda self: threading.Event().wait(); command.serve(sys.argv[1:])"
    )
    words = [
        str(shelf.bundle_folder()),
        "--state",
        str(tmp_path),
        "--address",
        "127.0.0.1:0",
        "--json",
    ]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "address" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Timeout" in told and "in wait" in told
