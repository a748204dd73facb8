"""Results of one step of a load test: rates, latencies, errors by status code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from hdrh.histogram import HdrHistogram

LATENCY_LIMIT_MICROSECONDS = 60_000_000


@dataclass(frozen=True)
class LoadStep:
    """Results of one step. Latencies are of answered calls, in milliseconds.

    Args:
        offered_rate: Scheduled calls per second; 0 in a closed loop.
        caller_count: Callers of a closed loop; 0 in an open one.
        seconds: From the first call to the last response.
        sent_count: Calls made.
        ok_count: Calls answered within their deadline.
        degraded_count: Answers among these that report a missing stage.
        error_counts: By status code.
        goodput: Answered calls per second.
        latency_ms: By name: ``p50``, ``p90``, ``p99``, ``p99.9``, ``max``.
        shed_p99_ms: 99th percentile of the time to a refusal; 0 if none was refused.
    """

    offered_rate: float
    caller_count: int
    seconds: float
    sent_count: int
    ok_count: int
    degraded_count: int
    error_counts: dict[str, int]
    goodput: float
    latency_ms: dict[str, float]
    shed_p99_ms: float


@dataclass
class LoadMeter:
    """Counts and latency histograms of one step."""

    sent_count: int = 0
    ok_count: int = 0
    degraded_count: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: Any = field(default_factory=lambda: HdrHistogram(1, LATENCY_LIMIT_MICROSECONDS, 3))
    sheds: Any = field(default_factory=lambda: HdrHistogram(1, LATENCY_LIMIT_MICROSECONDS, 3))

    def answered(self, seconds: float, *, is_degraded: bool) -> None:
        self.ok_count += 1
        self.degraded_count += is_degraded
        self.latencies.record_value(_microseconds(seconds))

    def failed(self, code: str, seconds: float) -> None:
        self.errors[code] += 1
        if code == grpc.StatusCode.RESOURCE_EXHAUSTED.name:
            self.sheds.record_value(_microseconds(seconds))

    def step(self, seconds: float, *, offered_rate: float = 0.0, caller_count: int = 0) -> LoadStep:
        percentiles = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
        return LoadStep(
            offered_rate=offered_rate,
            caller_count=caller_count,
            seconds=seconds,
            sent_count=self.sent_count,
            ok_count=self.ok_count,
            degraded_count=self.degraded_count,
            error_counts=dict(sorted(self.errors.items())),
            goodput=self.ok_count / seconds,
            latency_ms={
                name: self.latencies.get_value_at_percentile(percentile) / 1_000
                for name, percentile in percentiles.items()
            },
            shed_p99_ms=self.sheds.get_value_at_percentile(99.0) / 1_000,
        )


def _microseconds(seconds: float) -> int:
    return min(max(1, round(seconds * 1e6)), LATENCY_LIMIT_MICROSECONDS)
