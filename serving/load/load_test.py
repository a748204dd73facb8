"""The load client: calls at a given rate (open loop), or from a number of callers (closed loop).

Open loop: calls are sent on schedule, whether or not earlier ones have been answered, and latency
is measured from the scheduled time. A client that waits for answers before it sends again would
reduce the load on a slow server and hide queueing delay (coordinated omission). Closed loop: each
caller sends its next call as soon as it has an answer, which measures the highest throughput.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from data.errors import ConfigError
from protos import discovery_pb2_grpc, events_pb2_grpc
from serving.load.load_step import LoadMeter, LoadStep
from serving.load.traffic import Traffic, sampled_calls

TICK_SECONDS = 0.001
CALL_LIMIT = 10_000_000


@dataclass(frozen=True)
class LoadSettings:
    """Deadline of each call, number of connections, and seed of the random generator."""

    deadline_seconds: float = 1.0
    connection_count: int = 4
    seed: int = 7


def run_open_loop(
    address: str,
    traffic: Traffic,
    rates: Sequence[float],
    seconds: float,
    settings: LoadSettings | None = None,
) -> list[LoadStep]:
    """Runs each of ``rates`` (calls per second) for ``seconds``, one after another.

    Each step makes exactly rate times seconds calls, at uniformly random times, as calls of
    independent shoppers arrive.

    Raises:
        ConfigError: A setting is out of range.
    """
    settings = settings or LoadSettings()
    check_load(rates, seconds)
    rng = random.Random(settings.seed)

    async def run() -> list[LoadStep]:
        async with _Caller(address, traffic, settings, rng) as caller:
            steps = []
            for rate in rates:
                count = max(1, round(rate * seconds))
                due_times = sorted(rng.uniform(0.0, seconds) for _ in range(count))
                meter = LoadMeter(sent_count=count)
                duration = await send_when_due(functools.partial(caller.call, meter), due_times)
                steps.append(meter.step(duration, offered_rate=rate))
            return steps

    return asyncio.run(run())


def run_closed_loop(
    address: str,
    traffic: Traffic,
    caller_count: int,
    seconds: float,
    settings: LoadSettings | None = None,
    *,
    call_limit: int = CALL_LIMIT,
) -> LoadStep:
    """Runs ``caller_count`` callers without pause, for ``seconds`` or ``call_limit`` calls.

    Raises:
        ConfigError: A setting is out of range.
    """
    settings = settings or LoadSettings()
    _check_positive("seconds", seconds)
    _check_positive("concurrency", caller_count)
    _check_call_count(call_limit)

    async def run() -> LoadStep:
        async with _Caller(address, traffic, settings, random.Random(settings.seed)) as caller:
            meter = LoadMeter()
            start = time.perf_counter()
            end = start + seconds

            async def ask_again_and_again() -> None:
                while time.perf_counter() < end and meter.sent_count < call_limit:
                    meter.sent_count += 1
                    await caller.call(meter, time.perf_counter())

            await asyncio.gather(*(ask_again_and_again() for _ in range(caller_count)))
            return meter.step(time.perf_counter() - start, caller_count=caller_count)

    return asyncio.run(run())


def check_load(rates: Sequence[float], seconds: float) -> None:
    """Checks rates and duration of a load test.

    Raises:
        ConfigError: A setting is out of range.
    """
    _check_positive("seconds", seconds)
    for rate in rates:
        _check_positive("rate", rate)
    _check_call_count(sum(rates) * seconds)


async def send_when_due(
    call: Callable[[float], Coroutine[Any, Any, None]], due_times: Sequence[float]
) -> float:
    """Starts a call at each due time, ascending; returns the seconds until the last has ended.

    Args:
        call: Takes the due time of the call, by ``time.perf_counter``.
        due_times: Seconds from now.
    """
    start = time.perf_counter()
    in_flight: set[asyncio.Task[None]] = set()
    for number, due_time in enumerate(due_times, 1):
        while (left := start + due_time - time.perf_counter()) > 0:
            # Short sleeps are as precise as the event loop allows; late calls are sent at once, and
            # the delay is part of their latency.
            await asyncio.sleep(max(left, TICK_SECONDS))
        task = asyncio.create_task(call(start + due_time))
        in_flight.add(task)
        task.add_done_callback(in_flight.discard)
        if number % 16 == 0:
            # While behind schedule the loop above does not sleep; yield so that responses are read.
            await asyncio.sleep(0)
    while in_flight:
        await asyncio.gather(*in_flight)
    return time.perf_counter() - start


def connections(address: str, count: int) -> list[Any]:
    """Channels to one address, each with its own connection; the caller closes them."""
    # Channels to the same address share one connection unless each has its own pool.
    options = [("grpc.use_local_subchannel_pool", 1)]
    return [grpc.aio.insecure_channel(address, options=options) for _ in range(count)]


class _Caller:
    """Connections to the service, and randomly sampled calls over them."""

    def __init__(
        self, address: str, traffic: Traffic, settings: LoadSettings, rng: random.Random
    ) -> None:
        self._address = address
        self._settings = settings
        self._calls = sampled_calls(traffic, rng)
        self._channels: list[Any] = []

    async def __aenter__(self) -> _Caller:
        self._channels = connections(self._address, self._settings.connection_count)
        self._stubs = itertools.cycle(
            [
                {
                    "search": discovery_pb2_grpc.DiscoveryStub(channel).SearchItems,
                    "recommend": discovery_pb2_grpc.DiscoveryStub(channel).RecommendItems,
                    "record": events_pb2_grpc.EventsStub(channel).RecordEvents,
                }
                for channel in self._channels
            ]
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()

    async def call(self, meter: LoadMeter, intended_time: float) -> None:
        """Makes one call and records its outcome; latency is measured from ``intended_time``."""
        kind, request = next(self._calls)
        try:
            answer = await next(self._stubs)[kind](request, timeout=self._settings.deadline_seconds)
        except grpc.aio.AioRpcError as error:
            meter.failed(error.code().name, time.perf_counter() - intended_time)
        else:
            is_degraded = kind != "record" and bool(answer.missing)
            meter.answered(time.perf_counter() - intended_time, is_degraded=is_degraded)


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{name}: expected more than 0, received {value:g}")


def _check_call_count(count: float) -> None:
    if not 1 <= count <= CALL_LIMIT:
        raise ConfigError(f"calls: expected 1 to {CALL_LIMIT:,}, received {count:,.0f}")
