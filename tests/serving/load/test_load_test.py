"""The load client sends what it was asked to, on time, and counts all that comes back."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from data.errors import ConfigError
from data.records import Event
from protos import discovery_pb2
from serving.api.requests import RecommendRequest, SearchRequest
from serving.edge.server import RunningServer, serve
from serving.engine import Engine
from serving.load.freshness import measure_freshness
from serving.load.load_test import LoadSettings, send_when_due
from serving.load.traffic import Traffic, sampled_calls
from tests.serving.gated_engine import GatedEngine
from tests.serving.load.in_process_load import run_closed_loop, run_open_loop
from tests.towers import shelf

TRAFFIC = Traffic(["espresso", "notebook"], ["p0002", "p0012"], ["v1", "v2"], 2, 1, 1)


def address(server: RunningServer) -> str:
    return f"127.0.0.1:{server.port}"


def test_open_loop_sends_rate_times_seconds_and_counts_them(
    server: RunningServer, engine: GatedEngine
) -> None:
    steps = run_open_loop(address(server), TRAFFIC, [40, 80], 0.5)
    assert [step.sent_count for step in steps] == [20, 40]
    assert [step.ok_count for step in steps] == [20, 40]
    assert [step.error_counts for step in steps] == [{}, {}]
    assert len(engine.seen) == 60
    for step in steps:
        quantiles = [step.latency_ms[name] for name in ("p50", "p90", "p99", "p99.9", "max")]
        assert quantiles == sorted(quantiles)
        assert quantiles[0] > 0
        assert step.goodput == pytest.approx(step.ok_count / step.seconds)
    kinds = Counter(type(request) for request in engine.seen)
    assert kinds[SearchRequest] > kinds[RecommendRequest] > 0
    assert {event.item_id for batch in engine.seen if isinstance(batch, list) for event in batch}


def test_latency_counts_from_the_intended_time(server: RunningServer, engine: GatedEngine) -> None:
    # All are held for the first half second: whoever was meant to leave early waited longest.
    engine.gate.clear()

    threading.Timer(0.5, engine.gate.set).start()
    (step,) = run_open_loop(address(server), TRAFFIC, [16], 0.5, LoadSettings(deadline_seconds=5))
    assert step.sent_count == 8
    assert 300 < step.latency_ms["max"] < 1_500


def test_a_call_that_leaves_late_is_given_the_time_when_it_was_due() -> None:
    given: list[float] = []
    left: list[float] = []

    async def call(intended_time: float) -> None:
        given.append(intended_time)
        left.append(time.perf_counter())
        if len(given) == 1:
            # The client itself is held up: nothing leaves in the meantime.
            time.sleep(0.2)

    lasted = asyncio.run(send_when_due(call, [0.0, 0.05, 0.1]))
    start = given[0]
    assert [one - start for one in given] == pytest.approx([0.0, 0.05, 0.1], abs=1e-9)
    assert all(one - start >= 0.2 for one in left[1:]) and lasted >= 0.2


def test_refusals_and_deadlines_are_counted_by_code(
    server: RunningServer, engine: GatedEngine
) -> None:
    engine.gate.clear()
    settings = LoadSettings(deadline_seconds=0.5, seed=9)
    (step,) = run_open_loop(address(server), TRAFFIC, [100], 0.3, settings)
    assert step.ok_count == 0
    assert step.goodput == 0
    # Eight answers are held or wait; of the calls that record events, all are held.
    events_count = sum(isinstance(batch, list) for batch in engine.seen)
    assert events_count > 0
    assert step.error_counts == {
        "DEADLINE_EXCEEDED": 8 + events_count,
        "RESOURCE_EXHAUSTED": 22 - events_count,
    }
    assert 0 < step.shed_p99_ms < 400


def test_a_server_that_is_not_there_is_counted_and_no_crash() -> None:
    (step,) = run_open_loop("127.0.0.1:1", TRAFFIC, [50], 0.2)
    assert (step.sent_count, step.ok_count) == (10, 0)
    assert sum(step.error_counts.values()) == 10


def test_closed_loop_is_bounded_in_calls_and_in_time(server: RunningServer) -> None:
    step = run_closed_loop(address(server), TRAFFIC, 3, 30.0, call_limit=25)
    assert (step.sent_count, step.ok_count, step.caller_count) == (25, 25, 3)
    began = time.perf_counter()
    step = run_closed_loop(address(server), TRAFFIC, 2, 0.3)
    assert time.perf_counter() - began < 3
    assert step.sent_count == step.ok_count > 0


def test_answers_that_lack_a_part_are_counted(server: RunningServer, engine: GatedEngine) -> None:
    engine.bundle.ranker.reranker = None
    only_recommend = replace(TRAFFIC, search_share=0, record_share=0)
    step = run_closed_loop(address(server), only_recommend, 1, 30.0, call_limit=5)
    assert (step.ok_count, step.degraded_count) == (5, 5)


def test_the_same_seed_draws_the_same_calls() -> None:
    def drawn(seed: int) -> list[tuple[str, bytes]]:
        calls = islice(sampled_calls(TRAFFIC, random.Random(seed)), 200)
        return [(kind, request.SerializeToString()) for kind, request, _ in calls]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    kinds = Counter(kind for kind, _ in drawn(1))
    assert 70 < kinds["search"] < 130
    assert 25 < kinds["record"] < 80


def test_previews_stay_out_of_sessions_where_asked() -> None:
    silent = replace(TRAFFIC, record_searches=False, recommend_share=0, record_share=0)
    _, request, _ = next(sampled_calls(silent, random.Random(1)))
    assert isinstance(request, discovery_pb2.SearchItemsRequest)
    assert request.HasField("record")
    assert not request.record


@pytest.mark.parametrize(
    ("traffic", "message"),
    [
        (Traffic([], [], ["v"], 1, 0, 1), "^shares: expected 0 or more and one above 0"),
        (Traffic(["q"], [], ["v"], -1), "^shares: expected 0 or more and one above 0"),
        (Traffic(["q"], [], []), "^visitor_ids: expected 1 or more, received none"),
    ],
)
def test_traffic_of_nothing_is_refused(traffic: Traffic, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sampled_calls(traffic, random.Random(1))


@pytest.mark.parametrize(
    ("rates", "seconds", "message"),
    [
        ([0], 1, "^rate: expected more than 0, received 0$"),
        ([1], 0, "^seconds: expected more than 0, received 0$"),
        ([1e6], 100, "^calls: expected 1 to 10,000,000, received 100,000,000$"),
    ],
)
def test_loads_out_of_range_are_refused(rates: list[float], seconds: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_open_loop("127.0.0.1:1", TRAFFIC, rates, seconds)


def test_a_closed_loop_without_callers_is_refused() -> None:
    with pytest.raises(ConfigError, match="^concurrency: expected more than 0, received 0$"):
        run_closed_loop("127.0.0.1:1", TRAFFIC, 0, 1)


def test_freshness_counts_only_answers_that_knew_the_event_of_their_visitor(
    server: RunningServer, engine: GatedEngine
) -> None:
    report = measure_freshness(address(server), ["p0002", "p0012"], 40, 0.5)
    assert report.probe_count == report.fresh_count == 20
    assert report.error_counts == {}
    for times in (report.fresh_ms, report.ack_ms):
        assert list(times) == ["p50", "p95", "p99", "max"]
        assert 0 < times["p50"] <= times["p95"] <= times["p99"] <= times["max"] < 5_000
    asked = [request for request in engine.seen if isinstance(request, RecommendRequest)]
    told = [batch[0] for batch in engine.seen if isinstance(batch, list)]
    assert len(told) == len(asked) == 40  # the warming up included
    assert sorted(event.visitor_id for event in told) == sorted(one.visitor_id for one in asked)
    assert len({event.visitor_id for event in told}) == 40


class ForgetfulEngine(Engine):
    """Writes events to its log, and lets no session know of them."""

    def apply(self, event: Event) -> None:
        pass


def test_an_answer_that_forgot_the_event_is_stale() -> None:
    engine = ForgetfulEngine.open(shelf.bundle_folder())
    running = serve(engine, "127.0.0.1:0")
    report = measure_freshness(address(running), ["p0002"], 20, 0.5)
    assert (report.probe_count, report.fresh_count, report.fresh_ms) == (10, 0, {})
    # Half a second of warming up and half a second that counts, ten events each.
    assert engine.log.event_count == 20
    running.stop(0)
    engine.close()


def test_freshness_needs_items_and_a_rate(server: RunningServer) -> None:
    with pytest.raises(ConfigError, match="^item_ids: expected 1 or more, received none"):
        measure_freshness(address(server), [], 20, 0.5)
    with pytest.raises(ConfigError, match="^rate: expected more than 0, received 0"):
        measure_freshness(address(server), ["p0002"], 0, 0.5)
