"""Work that nobody waits for any more is not begun, and stops before its expensive stages."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest

from data.errors import AbandonedError
from protos import discovery_pb2, discovery_pb2_grpc
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.edge.server import RunningServer, ServerSettings, serve
from tests.serving.gated_engine import GatedEngine

ESPRESSO = discovery_pb2.SearchItemsRequest(query="espresso", visitor_id="v")
ROUND_COUNT, CALLS_PER_ROUND = 125, 8


@pytest.fixture
def reached(engine: GatedEngine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The expensive stages that are reached, in their order."""
    names: list[str] = []
    ranker = engine.bundle.ranker
    assert ranker.reranker is not None

    def noted(name: str, stage: Any) -> Any:
        def run(*arguments: Any) -> Any:
            names.append(name)
            return stage(*arguments)

        return run

    monkeypatch.setattr(ranker.sources, "find", noted("retrieval", ranker.sources.find))
    monkeypatch.setattr(ranker.reranker, "scores", noted("reranker", ranker.reranker.scores))
    return names


def test_of_1000_cancelled_requests_at_most_5_percent_reach_retrieval_or_the_reranker(
    engine: GatedEngine, reached: list[str]
) -> None:
    # Room for one round while the calls of the one before are dropped.
    running = serve(engine, "127.0.0.1:0", ServerSettings(thread_count=4, in_flight_limit=16))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        for _ in range(ROUND_COUNT):
            engine.gate.clear()
            engine.seen.clear()
            calls = [stub.SearchItems.future(ESPRESSO, timeout=10) for _ in range(CALLS_PER_ROUND)]
            # Half of them have begun, and half wait for a thread.
            while len(engine.seen) < CALLS_PER_ROUND // 2:
                time.sleep(0.000_5)
            assert all(one.cancel() for one in calls)
            # The server hears of it no earlier than the next packet.
            time.sleep(0.01)
            engine.gate.set()
        assert len(reached) <= 0.05 * ROUND_COUNT * CALLS_PER_ROUND
        reached.clear()
        assert stub.SearchItems(ESPRESSO, timeout=10).results
        assert {*reached} == {"retrieval", "reranker"}
    running.stop(0)


def test_a_deadline_that_passes_in_the_middle_stops_the_work(
    server: RunningServer, engine: GatedEngine, reached: list[str]
) -> None:
    engine.gate.clear()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = discovery_pb2_grpc.DiscoveryStub(channel)
        late = stub.SearchItems.future(ESPRESSO, timeout=0.1)
        assert late.exception().code() is grpc.StatusCode.DEADLINE_EXCEEDED
        engine.gate.set()
        assert stub.RecommendItems(
            discovery_pb2.RecommendItemsRequest(placement=discovery_pb2.PLACEMENT_HOME), timeout=10
        ).results
    assert engine.answers and all(answer.results for answer in engine.answers)
    assert len(engine.seen) == 2 and reached.count("reranker") == 1


@pytest.mark.parametrize("request_", [SearchRequest("espresso"), RecommendRequest(Placement.HOME)])
def test_work_is_given_up_before_retrieval_and_before_the_reranker(
    engine: GatedEngine, reached: list[str], request_: SearchRequest | RecommendRequest
) -> None:
    ask: Any = engine.search if isinstance(request_, SearchRequest) else engine.recommend
    wants: list[bool] = []

    def before_stage() -> None:
        reached.append("asked")
        if not wants.pop(0):
            raise AbandonedError("call: expected a caller that waits, received none")

    for still_wanted, expected in (
        ([False], ["asked"]),
        ([True, False], ["asked", "retrieval", "asked"]),
    ):
        reached.clear()
        wants[:] = still_wanted
        with pytest.raises(AbandonedError, match="^call: expected a caller that waits, received"):
            ask(request_, before_stage=before_stage)
        assert reached == expected
    reached.clear()
    wants[:] = [True, True]
    assert ask(request_, before_stage=before_stage).results
    assert reached[:4] == ["asked", "retrieval", "asked", "reranker"]
