"""Bytes that are no message cost a server neither memory nor the connection that they came on."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from data.records import Event, EventType, Item
from serving.api.requests import CompleteRequest, Placement, RecommendRequest, SearchRequest
from serving.edge.client import Client
from serving.edge.servicers import SERVICE_NAMES
from tests.serving.server_process import server_process

NO_MESSAGE = b"\xff\xff\xff"
CALL_COUNT = 300
WARM_COUNT = 100
LEAK_LIMIT_KIB = 1_000
"""A quarter of what 200 messages of 20 kB would leave."""

METHODS = (
    *(f"nextclick.v1.Discovery/{name}" for name in ("SearchItems", "RecommendItems", "Complete")),
    "nextclick.v1.Discovery/RecommendOffers",
    "nextclick.v1.Events/RecordEvents",
    *(f"nextclick.v1.Catalog/{name}" for name in ("BatchUpdateItems", "BatchDeleteItems")),
    "nextclick.v1.Catalog/BatchUpdateOffers",
    *(f"nextclick.v1.Admin/{name}" for name in ("PublishBundle", "RollbackBundle", "GetStatus")),
    *(f"nextclick.v1.Admin/{name}" for name in ("InterleaveBundle", "StopInterleaving")),
    *(f"grpc.health.v1.Health/{name}" for name in ("Check", "Watch", "List")),
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)


def resident_kib(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def refuse_all(channel: grpc.Channel, method: str, count: int) -> None:
    ask = channel.unary_stream(f"/{method}")
    for _ in range(count):
        with pytest.raises(grpc.RpcError) as caught:
            list(ask(NO_MESSAGE, timeout=5))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT, method
        told = f"message: expected a request of /{method}, received '3 bytes that are none'"
        assert caught.value.details() == told


def test_unparsable_messages_of_each_method_leave_memory_and_connection_as_they_were(
    tmp_path: Path,
) -> None:
    with (
        server_process(tmp_path, "--reflection") as (process, address),
        grpc.insecure_channel(address) as channel,
        Client(address) as client,
    ):
        for method in METHODS:
            # By then the threads of its lane and their room are there.
            refuse_all(channel, method, WARM_COUNT)
            before = resident_kib(process)
            refuse_all(channel, method, CALL_COUNT - WARM_COUNT)
            grown = resident_kib(process) - before
            assert grown < LEAK_LIMIT_KIB, (method, grown)
        # The same connection goes on, for whatever is asked on it.
        health = health_pb2_grpc.HealthStub(channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=5)
        assert next(watch).status == serving
        watch.cancel()
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == serving
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        (reply,) = reflection.ServerReflectionInfo(iter([asked]), timeout=5)
        names = {service.name for service in reply.list_services_response.service}
        assert set(SERVICE_NAMES) <= names
        ask = channel.unary_unary("/nextclick.v1.Admin/GetStatus")
        assert ask(b"", timeout=5)
        assert client.search(SearchRequest("espresso")).results
        assert client.recommend(RecommendRequest(Placement.HOME)).results
        assert client.complete(CompleteRequest("espr")).suggestions
        event = Event("e", EventType.VIEW, "v", time.time(), "p0002")
        assert client.record([event]).recorded_count == 1
        assert client.update_items([Item("n1", "Nut milk")]).added_count == 1
