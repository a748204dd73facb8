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
        ok_count: Calls answered.
        degraded_count: Answers among these that report a missing stage.
        error_counts: By status code.
        goodput: Calls per second that were answered within the deadline, counted from the
            scheduled time.
        latency_ms: By name: ``p50``, ``p90``, ``p99``, ``p99.9``, ``max``.
        shed_p99_ms: 99th percentile of the time to a refusal; 0 if none was refused.
        late_count: Answered calls that were not within the deadline.
        client_count: Client processes.
        server_cpu_ms: CPU time of the server for each call sent, in milliseconds; None where it is
            not on this machine.
        server_rss_mb: Resident memory of the server at the end, in MB of 10^6 bytes; None likewise.
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
    late_count: int = 0
    client_count: int = 1
    server_cpu_ms: float | None = None
    server_rss_mb: int | None = None


@dataclass
class LoadMeter:
    """Counts and latency histograms of one step, of one client process or merged of several.

    ``deadline_seconds`` is the latency above which an answer counts as late; ``seconds`` is the
    time from the first call to the last response.
    """

    deadline_seconds: float
    seconds: float = 0.0
    sent_count: int = 0
    ok_count: int = 0
    late_count: int = 0
    degraded_count: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latencies: Any = field(default_factory=lambda: _histogram())
    sheds: Any = field(default_factory=lambda: _histogram())

    def answered(self, seconds: float, *, is_degraded: bool) -> None:
        self.ok_count += 1
        self.late_count += seconds > self.deadline_seconds
        self.degraded_count += is_degraded
        self.latencies.record_value(_microseconds(seconds))

    def failed(self, code: str, seconds: float) -> None:
        self.errors[code] += 1
        if code == grpc.StatusCode.RESOURCE_EXHAUSTED.name:
            self.sheds.record_value(_microseconds(seconds))

    def merge(self, other: LoadMeter) -> None:
        """Adds the counts and the histograms of another process."""
        self.seconds = max(self.seconds, other.seconds)
        self.sent_count += other.sent_count
        self.ok_count += other.ok_count
        self.late_count += other.late_count
        self.degraded_count += other.degraded_count
        self.errors += other.errors
        self.latencies.add(other.latencies)
        self.sheds.add(other.sheds)

    def __getstate__(self) -> dict[str, Any]:
        """For a pipe between processes: histograms in HdrHistogram's compressed format."""
        state = dict(self.__dict__)
        for name in ("latencies", "sheds"):
            state[name] = state[name].encode()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name in ("latencies", "sheds"):
            histogram = _histogram()
            histogram.decode_and_add(state[name])
            self.__dict__[name] = histogram

    def step(
        self,
        *,
        offered_rate: float = 0.0,
        caller_count: int = 0,
        client_count: int = 1,
        server_cpu_seconds: float | None = None,
        server_rss_mb: int | None = None,
    ) -> LoadStep:
        """What was measured; ``server_cpu_seconds`` is that of all calls of the step."""
        seconds = self.seconds
        percentiles = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99.9": 99.9, "max": 100.0}
        return LoadStep(
            offered_rate=offered_rate,
            caller_count=caller_count,
            seconds=seconds,
            sent_count=self.sent_count,
            ok_count=self.ok_count,
            degraded_count=self.degraded_count,
            error_counts=dict(sorted(self.errors.items())),
            goodput=(self.ok_count - self.late_count) / seconds,
            latency_ms={
                name: self.latencies.get_value_at_percentile(percentile) / 1_000
                for name, percentile in percentiles.items()
            },
            shed_p99_ms=self.sheds.get_value_at_percentile(99.0) / 1_000,
            late_count=self.late_count,
            client_count=client_count,
            server_cpu_ms=(
                None if server_cpu_seconds is None else 1e3 * server_cpu_seconds / self.sent_count
            ),
            server_rss_mb=server_rss_mb,
        )


def _histogram() -> Any:
    """Of microseconds, to three digits."""
    return HdrHistogram(1, LATENCY_LIMIT_MICROSECONDS, 3)


def _microseconds(seconds: float) -> int:
    return min(max(1, round(seconds * 1e6)), LATENCY_LIMIT_MICROSECONDS)
