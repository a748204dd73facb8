"""Several client processes send what one would, and their histograms add up."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError
from serving.edge.server import RunningServer
from serving.load.client_processes import run_steps
from serving.load.latency_chart import draw_latency
from serving.load.load_step import LoadMeter
from serving.load.load_test import LoadSettings, StepPlan, step_plans
from serving.load.recorded_traffic import read_traffic
from serving.load.traffic import Traffic
from tests.serving.gated_engine import GatedEngine
from tests.serving.server_process import server_process

TRAFFIC = Traffic(["espresso", "notebook"], ["p0002", "p0012"], ["v1", "v2"], 2, 1, 1)


def test_meters_of_several_processes_add_up_to_the_percentiles_of_all_calls() -> None:
    rng = np.random.default_rng(1)
    latencies = rng.lognormal(-5.0, 1.0, (3, 4_000))
    merged = LoadMeter(0.05)
    for seconds, part in enumerate(latencies, 1):
        meter = LoadMeter(0.05, seconds=float(seconds), sent_count=4_001)
        for latency in part:
            meter.answered(float(latency), is_degraded=False)
        meter.failed("RESOURCE_EXHAUSTED", 0.002)
        merged.merge(pickle.loads(pickle.dumps(meter)))
    step = merged.step(caller_count=3, client_count=3)
    assert (step.sent_count, step.ok_count, step.seconds) == (12_003, 12_000, 3.0)
    assert step.error_counts == {"RESOURCE_EXHAUSTED": 3}
    assert step.shed_p99_ms == pytest.approx(2.0, rel=0.01)
    for name, percentile in (("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9)):
        expected = float(np.percentile(latencies, percentile)) * 1_000
        assert step.latency_ms[name] == pytest.approx(expected, rel=0.01)
    late_count = int((latencies > 0.05).sum())
    assert step.late_count == late_count > 0
    assert step.goodput == pytest.approx((12_000 - late_count) / 3.0)


def test_the_load_is_divided_without_a_call_too_many_or_too_few() -> None:
    closed = StepPlan(1.0, caller_count=5, call_limit=11).shares(3)
    assert [share.caller_count for share in closed] == [2, 2, 1]
    assert sum(share.call_limit for share in closed) == 11
    idle = StepPlan(1.0, caller_count=2, call_limit=7).shares(4)
    assert [share.call_limit for share in idle] == [4, 3]
    assert sum(share.rate for share in StepPlan(1.0, rate=90.0).shares(4)) == 90.0


def test_two_processes_send_the_whole_load_to_a_local_server(tmp_path: Path) -> None:
    with server_process(tmp_path) as (_, address):
        plans = step_plans([40.0], (), 0.5, 1) + step_plans((), [4], 30.0, 50)
        steps = list(run_steps(address, TRAFFIC, plans, LoadSettings(), client_count=2))
    assert [(step.sent_count, step.ok_count) for step in steps] == [(20, 20), (50, 50)]
    for step in steps:
        assert step.error_counts == {}
        assert step.client_count == 2
        assert step.server_cpu_ms is not None and 0 < step.server_cpu_ms < 1_000
        assert step.server_rss_mb is not None and step.server_rss_mb > 30
    chart = tmp_path / "latency.png"
    draw_latency(chart, steps)
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_an_error_of_a_client_process_is_raised_here(
    server: RunningServer, engine: GatedEngine
) -> None:
    one_visitor = read_traffic(['{"search": {"query": "q", "visitor_id": "v"}}'], "calls.jsonl")
    plans = step_plans((), [2], 1.0, 10)
    with pytest.raises(ConfigError, match="^recorded calls: expected 1 or more visitors"):
        list(
            run_steps(
                f"127.0.0.1:{server.port}", one_visitor, plans, LoadSettings(), client_count=2
            )
        )
