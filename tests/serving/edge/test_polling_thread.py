"""The thread that polls for calls answers them: what waits meanwhile, and what does not."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from data.errors import OverloadError
from data.records import Event, EventType
from data.sources.own_log import LOG_NAME, iter_events
from protos import discovery_pb2, discovery_pb2_grpc, events_pb2, events_pb2_grpc
from serving.api.reports import RecordReport
from serving.api.requests import SearchRequest
from serving.edge.client import Client
from serving.edge.server import RunningServer, ServerSettings, serve
from serving.engine import Engine
from tests.serving.gated_engine import GatedEngine
from tests.serving.waiting import wait_for
from tests.towers import shelf
from towers.sessions.session import EVENT_LIMIT

UNRECORDED = discovery_pb2.SearchItemsRequest(query="espresso")
EVENT_COUNT = 90
"""As many as one connection may have, nearly; many more than threads, or room for calls that compute."""


@pytest.fixture
def server(engine: GatedEngine) -> Iterator[RunningServer]:
    running = serve(engine, "127.0.0.1:0")
    yield running
    engine.gate.set()
    running.stop(1.0)


@pytest.fixture
def channel(server: RunningServer) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield channel


def view(number: int) -> events_pb2.RecordEventsRequest:
    event = events_pb2.Event(event_id=f"e{number}", type=2, visitor_id="v", item_id="p0002")
    return events_pb2.RecordEventsRequest(events=[event])


def test_of_calls_whose_callers_left_while_they_waited_at_most_5_percent_are_begun(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    stub = discovery_pb2_grpc.DiscoveryStub(channel)
    begun_count = cancelled_count = 0
    for _ in range(20):
        engine.gate.clear()
        engine.seen.clear()
        first = stub.SearchItems.future(UNRECORDED, timeout=10)
        wait_for(lambda: bool(engine.seen))
        others = [stub.SearchItems.future(UNRECORDED, timeout=10) for _ in range(7)]
        # On their way to the server, whose thread is held.
        time.sleep(0.01)
        assert all(one.cancel() for one in others)
        # The server hears of it no earlier than the next packet.
        time.sleep(0.01)
        engine.gate.set()
        assert first.result().results
        assert stub.SearchItems(UNRECORDED, timeout=10).results
        begun_count += len(engine.seen) - 2
        cancelled_count += len(others)
    assert begun_count <= 0.05 * cancelled_count


def test_while_the_disk_is_slow_events_are_taken_in_and_searches_answered(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    record = events_pb2_grpc.EventsStub(channel).RecordEvents
    search = discovery_pb2_grpc.DiscoveryStub(channel).SearchItems
    # The writer stops in the middle of the first batch.
    with engine.log.applying_paused():
        calls = [record.future(view(number), timeout=30) for number in range(EVENT_COUNT)]
        wait_for(lambda: len(engine.seen) == EVENT_COUNT)
        assert search(UNRECORDED, timeout=5).results
        assert not any(call.done() for call in calls)
    assert [call.result().recorded_count for call in calls] == [1] * EVENT_COUNT
    assert engine.log.event_count == EVENT_COUNT
    assert len(engine.sessions.get("v").events) == min(EVENT_COUNT, EVENT_LIMIT)


def test_a_server_stops_while_events_wait_for_the_disk(engine: GatedEngine) -> None:
    running = serve(engine, "127.0.0.1:0")
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        record = events_pb2_grpc.EventsStub(channel).RecordEvents
        with engine.log.applying_paused():
            calls = [record.future(view(number), timeout=30) for number in range(20)]
            wait_for(lambda: len(engine.seen) == len(calls))
            calls[0].cancel()
            assert running.stop(0.2)
        assert all(call.code() is not grpc.StatusCode.OK for call in calls)
    # They were on disk, or are by now: nobody was promised anything.
    engine.log.flush()
    assert engine.log.event_count == len(calls)


def test_what_is_no_exception_in_python_ends_one_call_only(
    channel: grpc.Channel, engine: GatedEngine
) -> None:
    class Panic(BaseException):
        """What a library in Rust raises."""

    search = discovery_pb2_grpc.DiscoveryStub(channel).SearchItems
    engine.fault = Panic()
    with pytest.raises(grpc.RpcError) as caught:
        search(UNRECORDED, timeout=5)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    engine.fault = None
    assert search(UNRECORDED, timeout=5).results


def test_a_report_that_fails_is_told_and_takes_no_place(
    channel: grpc.Channel, engine: GatedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = events_pb2_grpc.EventsStub(channel).RecordEvents

    def broken(*_: object) -> None:
        raise ValueError("canary")

    with monkeypatch.context() as patch:
        patch.setattr(RecordReport, "of", broken)
        for number in range(300):
            with pytest.raises(grpc.RpcError) as caught:
                record(view(number), timeout=5)
            assert caught.value.code() is grpc.StatusCode.INTERNAL
    # More than may be in flight.
    assert record(view(300), timeout=5).recorded_count == 1


def test_large_batches_are_recorded_like_small_ones(
    server: RunningServer, engine: GatedEngine, tmp_path: Path
) -> None:
    with Client(f"127.0.0.1:{server.port}") as client:
        for count in (1, 12, 13, 400):
            now = time.time()
            batch = [
                Event(f"{count}-{number}", EventType.VIEW, "v", now, "p0002")
                for number in range(count)
            ]
            assert client.record(batch).recorded_count == count
            assert client.record(batch).duplicate_count == count
    engine.log.flush()
    logged = [event.event_id for event in iter_events(tmp_path / "state" / LOG_NAME)]
    assert len(logged) == len(set(logged)) == 426


def test_a_log_that_takes_nothing_any_more_is_told(
    server: RunningServer, engine: GatedEngine
) -> None:
    with Client(f"127.0.0.1:{server.port}", timeout_seconds=2.0) as client:
        engine.log.close()
        with pytest.raises(OverloadError, match="expected an open log"):
            client.record([Event("e", EventType.VIEW, "v", time.time(), "p0002")])
        assert client.search(SearchRequest("espresso")).results


def test_refused_calls_do_not_keep_others_waiting(engine: GatedEngine) -> None:
    """Eight callers ask again at once, with room for four: each call is answered or refused in time."""
    running = serve(engine, "127.0.0.1:0", ServerSettings(in_flight_limit=4))

    def answered_count(_: int) -> int:
        count = 0
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            search = discovery_pb2_grpc.DiscoveryStub(channel).SearchItems
            for _ in range(100):
                call = search.future(UNRECORDED, timeout=10)
                refused = grpc.StatusCode.RESOURCE_EXHAUSTED
                assert call.code() in (grpc.StatusCode.OK, refused)
                count += call.code() is grpc.StatusCode.OK
        return count

    try:
        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(answered_count, range(8)))
    finally:
        running.stop(1.0)
    assert sum(counts) == len(engine.answers)
    assert min(counts) > 0


def test_a_stopped_server_keeps_nothing_of_its_engine(tmp_path: Path) -> None:
    engine = Engine.open(shelf.bundle_folder(), tmp_path)
    running = serve(engine, "127.0.0.1:0")
    with Client(f"127.0.0.1:{running.port}") as client:
        assert client.search(SearchRequest("espresso")).results
    assert running.stop(1.0)
    engine.close()
    kept = weakref.ref(engine)
    del engine, running
    gc.collect()
    assert kept() is None
