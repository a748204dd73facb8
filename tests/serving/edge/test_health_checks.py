"""Health checks of a real server: what is told, to how many, and that nobody can stop them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from serving.edge.server import RunningServer, serve
from serving.edge.servicers import SERVICE_NAMES
from tests.serving.gated_engine import GatedEngine

SERVING, NOT_SERVING, SERVICE_UNKNOWN = (
    health_pb2.HealthCheckResponse.ServingStatus.Value(name)
    for name in ("SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
)
WATCHER_COUNT = 40


def asked(service: str = "") -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


def connection(server: RunningServer) -> grpc.Channel:
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.insecure_channel(f"127.0.0.1:{server.port}", options=options)


def test_each_service_and_the_server_itself_are_told(server: RunningServer) -> None:
    with connection(server) as channel:
        health = HealthStub(channel)
        told = health.List(health_pb2.HealthListRequest(), timeout=5).statuses
        assert {name: told[name].status for name in told} == dict.fromkeys(
            ("", *SERVICE_NAMES), SERVING
        )
        for name in told:
            assert health.Check(asked(name), timeout=5).status == SERVING
        with pytest.raises(grpc.RpcError) as caught:
            health.Check(asked("nextclick.v1.Discover"), timeout=5)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_who_watches_is_told_the_end_and_does_not_delay_it(engine: GatedEngine) -> None:
    server = serve(engine, "127.0.0.1:0")
    with connection(server) as channel:
        health = HealthStub(channel)
        watches = [health.Watch(asked(SERVICE_NAMES[0]), timeout=30) for _ in range(WATCHER_COUNT)]
        unknown = health.Watch(asked("none"), timeout=30)
        assert {next(watch).status for watch in watches} == {SERVING}
        assert next(unknown).status == SERVICE_UNKNOWN
        began = time.perf_counter()
        server.stop(10.0)
        assert time.perf_counter() - began < 5.0
        assert [[reply.status for reply in watch] for watch in watches] == [
            [NOT_SERVING]
        ] * WATCHER_COUNT
        assert list(unknown) == []


def test_watchers_that_come_and_go_stop_neither_checks_nor_the_end(engine: GatedEngine) -> None:
    """With the service of ``grpc_health`` some of these get no answer, and the server never ends."""
    server = serve(engine, "127.0.0.1:0")

    def come_and_go(_: int) -> None:
        with connection(server) as channel:
            for _ in range(50):
                watch = HealthStub(channel).Watch(asked(), timeout=10)
                assert next(watch).status == SERVING
                watch.cancel()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    with connection(server) as channel:
        assert HealthStub(channel).Check(asked(), timeout=5).status == SERVING
    ended: SimpleQueue[bool] = SimpleQueue()
    threading.Thread(target=lambda: ended.put(server.stop(1.0)), daemon=True).start()
    assert ended.get(timeout=20)
