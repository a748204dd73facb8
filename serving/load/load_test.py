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
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import grpc
import grpc.aio

from data.errors import ConfigError
from protos import discovery_pb2_grpc, events_pb2_grpc
from serving.load.calls import WHOLE, Call, CallSource, Share
from serving.load.load_step import LoadMeter

TICK_SECONDS = 0.001
CALL_LIMIT = 10_000_000


@dataclass(frozen=True)
class LoadSettings:
    """Deadline of each call, number of connections, and seed of the random generator."""

    deadline_seconds: float = 1.0
    connection_count: int = 4
    seed: int = 7


@dataclass(frozen=True)
class StepPlan:
    """One step: either a rate, open loop, or a number of callers, closed loop.

    Args:
        seconds: Duration.
        rate: Calls per second; 0 in a closed loop.
        caller_count: Callers; 0 in an open loop.
        call_limit: Maximum number of calls of a closed loop.
        number: Of the step, so that none repeats the calls of another.
    """

    seconds: float
    rate: float = 0.0
    caller_count: int = 0
    call_limit: int = CALL_LIMIT
    number: int = 0

    def shares(self, count: int) -> list[StepPlan]:
        """The same load divided among ``count`` client processes; without those left idle."""
        if self.caller_count:
            count = min(count, self.caller_count)
            return [
                replace(
                    self,
                    caller_count=len(range(index, self.caller_count, count)),
                    call_limit=len(range(index, self.call_limit, count)),
                )
                for index in range(count)
            ]
        return [replace(self, rate=self.rate / count) for _ in range(count)]


def step_plans(
    rates: Sequence[float], caller_counts: Sequence[int], seconds: float, call_limit: int
) -> list[StepPlan]:
    """A step for each rate, then one for each number of callers.

    Raises:
        ConfigError: A setting is out of range.
    """
    if rates:
        check_load(rates, seconds)
    for count in caller_counts:
        check_callers(count, seconds, call_limit)
    plans = [StepPlan(seconds, rate=rate) for rate in rates]
    plans += [
        StepPlan(seconds, caller_count=count, call_limit=call_limit) for count in caller_counts
    ]
    return [replace(plan, number=number) for number, plan in enumerate(plans)]


def run_step(
    address: str,
    source: CallSource,
    plan: StepPlan,
    settings: LoadSettings,
    *,
    share: Share = WHOLE,
    start_time: float = 0.0,
) -> LoadMeter:
    """Runs a step in this process.

    Args:
        address: ``host:port`` of the server.
        source: What calls are sent.
        plan: The load of this process.
        settings: Deadline, connections and seed.
        share: Of this process, among all that run the step.
        start_time: When to begin, by ``time.perf_counter``, which on Linux is the same in every
            process; in the past: at once.
    """

    async def run() -> LoadMeter:
        rng = random.Random(f"{settings.seed}-{plan.number}-{share.index}")
        calls = source.calls(rng, share)
        async with _Caller(address, calls, settings) as caller:
            await asyncio.sleep(max(0.0, start_time - time.perf_counter()))
            if plan.caller_count:
                return await _closed_loop(caller, plan, settings)
            count = max(1, round(plan.rate * plan.seconds))
            due_times = sorted(rng.uniform(0.0, plan.seconds) for _ in range(count))
            meter = LoadMeter(settings.deadline_seconds, sent_count=count)
            meter.seconds = await send_when_due(functools.partial(caller.call, meter), due_times)
            return meter

    return asyncio.run(run())


async def _closed_loop(caller: _Caller, plan: StepPlan, settings: LoadSettings) -> LoadMeter:
    meter = LoadMeter(settings.deadline_seconds)
    start = time.perf_counter()
    end = start + plan.seconds

    async def call_until_the_end() -> None:
        while time.perf_counter() < end and meter.sent_count < plan.call_limit:
            meter.sent_count += 1
            await caller.call(meter, time.perf_counter())

    await asyncio.gather(*(call_until_the_end() for _ in range(plan.caller_count)))
    meter.seconds = time.perf_counter() - start
    return meter


def check_callers(caller_count: int, seconds: float, call_limit: int = CALL_LIMIT) -> None:
    """Checks callers, duration and number of calls of a closed loop.

    Raises:
        ConfigError: A setting is out of range.
    """
    _check_positive("seconds", seconds)
    _check_positive("concurrency", caller_count)
    _check_call_count(call_limit)


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
    """Connections to the service, and the calls to make over them."""

    def __init__(self, address: str, calls: Iterator[Call], settings: LoadSettings) -> None:
        self._address = address
        self._settings = settings
        self._calls = calls
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
        kind, message, on_response = next(self._calls)
        try:
            answer = await next(self._stubs)[kind](message, timeout=self._settings.deadline_seconds)
        except grpc.aio.AioRpcError as error:
            answer = None
            meter.failed(error.code().name, time.perf_counter() - intended_time)
        else:
            is_degraded = kind != "record" and bool(answer.missing)
            meter.answered(time.perf_counter() - intended_time, is_degraded=is_degraded)
        if on_response is not None:
            on_response(answer)


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{name}: expected more than 0, received {value:g}")


def _check_call_count(count: float) -> None:
    if not 1 <= count <= CALL_LIMIT:
        raise ConfigError(f"calls: expected 1 to {CALL_LIMIT:,}, received {count:,.0f}")
