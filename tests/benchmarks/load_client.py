"""A client process in a closed loop, as cheap as Python allows: bytes out, bytes in, nothing parsed.

Reads one JSON line at a time from standard input: ``address``, ``calls``, ``caller_count`` and
``seconds``; makes the calls in order, from the first one again at the end; and writes one JSON line:
latencies in seconds of answered calls, errors by code, and the seconds until the last answer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import grpc.aio

from tests.benchmarks.version_traffic import RECOMMEND, RECORD, SEARCH, Call, decoded

_DEADLINE_SECONDS = 5.0
_CHANNEL_COUNT = 4


def main() -> None:
    """Serves standard input."""
    for line in sys.stdin:
        task = json.loads(line)
        run = _one_caller if task["caller_count"] == 1 else _callers
        print(json.dumps(run(**task)), flush=True)  # noqa: T201


def _one_caller(address: str, calls: list[Call], caller_count: int, seconds: float) -> Any:
    # A single caller blocks: the event loop would be a fifth of the latency.
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    with grpc.insecure_channel(address) as channel:
        stubs, messages = _stubs(channel), itertools.cycle(list(decoded(calls)))
        grpc.channel_ready_future(channel).result(timeout=_DEADLINE_SECONDS)
        start = called = time.perf_counter()
        while called < start + seconds:
            path, message = next(messages)
            try:
                stubs[path](message, timeout=_DEADLINE_SECONDS)
            except grpc.RpcError as error:
                errors[error.code().name] += 1
            else:
                latencies.append(time.perf_counter() - called)
            called = time.perf_counter()
        return {"latencies": latencies, "errors": errors, "seconds": called - start}


def _callers(address: str, calls: list[Call], caller_count: int, seconds: float) -> Any:
    return asyncio.run(_run_callers(address, calls, caller_count, seconds))


async def _run_callers(address: str, calls: list[Call], caller_count: int, seconds: float) -> Any:
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    messages: Iterator[tuple[str, bytes]] = itertools.cycle(list(decoded(calls)))
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [
        grpc.aio.insecure_channel(address, options=options)
        for _ in range(min(caller_count, _CHANNEL_COUNT))
    ]
    await asyncio.gather(*(channel.channel_ready() for channel in channels))
    start = time.perf_counter()

    async def call_until_the_end(stubs: dict[str, Callable[..., Any]]) -> None:
        called = time.perf_counter()
        while called < start + seconds:
            path, message = next(messages)
            try:
                await stubs[path](message, timeout=_DEADLINE_SECONDS)
            except grpc.aio.AioRpcError as error:
                errors[error.code().name] += 1
            else:
                latencies.append(time.perf_counter() - called)
            called = time.perf_counter()

    stubs = itertools.cycle([_stubs(channel) for channel in channels])
    await asyncio.gather(*(call_until_the_end(next(stubs)) for _ in range(caller_count)))
    elapsed = time.perf_counter() - start
    await asyncio.gather(*(channel.close() for channel in channels))
    return {"latencies": latencies, "errors": errors, "seconds": elapsed}


def _stubs(channel: Any) -> dict[str, Callable[..., Any]]:
    return {path: channel.unary_unary(path) for path in (SEARCH, RECOMMEND, RECORD)}


if __name__ == "__main__":
    main()
