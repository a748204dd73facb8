"""A load test from several client processes, whose histograms are merged.

One Python process can only send so much, and queues of its own would be taken for the server's. Each
process has its share of the rate or of the callers, its own seed and its own visitors.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any

from data.errors import NextclickError
from serving.load.calls import CallSource, Share
from serving.load.load_step import LoadMeter, LoadStep
from serving.load.load_test import LoadSettings, StepPlan, run_step
from serving.load.process_usage import cpu_seconds, listening_pid, resident_mb

_START_DELAY_SECONDS = 0.2
"""Time for every process to connect, before the first call of a step is due."""


def paying_client_count(address: str) -> int:
    """How many client processes pay: one per core; half of the cores where the server is local."""
    cores = len(os.sched_getaffinity(0))
    return cores if listening_pid(address) is None else max(1, cores // 2)


def run_steps(
    address: str,
    source: CallSource,
    plans: Sequence[StepPlan],
    settings: LoadSettings,
    *,
    client_count: int = 1,
) -> Iterator[LoadStep]:
    """Runs steps one after another, each from ``client_count`` processes.

    Where the server is on this machine, its CPU time and memory are measured too.

    Raises:
        ConfigError: A setting is out of range.
        NextclickError: A client process ended.
    """
    pid = listening_pid(address)
    with ExitStack() as stack:
        # A single client needs no process of its own.
        pipes = [
            stack.enter_context(_client(address, source, settings, Share(index, client_count)))
            for index in range(client_count if client_count > 1 else 0)
        ]
        for plan in plans:
            cpu_start = 0.0 if pid is None else cpu_seconds(pid)
            meter = (
                _run(pipes, plan, settings) if pipes else run_step(address, source, plan, settings)
            )
            yield meter.step(
                offered_rate=plan.rate,
                caller_count=plan.caller_count,
                client_count=client_count,
                server_cpu_seconds=None if pid is None else cpu_seconds(pid) - cpu_start,
                server_rss_mb=None if pid is None else resident_mb(pid),
            )


def _run(pipes: Sequence[Connection], plan: StepPlan, settings: LoadSettings) -> LoadMeter:
    shares = plan.shares(len(pipes))
    start_time = time.perf_counter() + _START_DELAY_SECONDS
    merged = LoadMeter(settings.deadline_seconds)
    for pipe, share in zip(pipes, shares, strict=False):
        pipe.send((share, start_time))
    for pipe in pipes[: len(shares)]:
        merged.merge(_received(pipe))
    return merged


def _received(pipe: Connection) -> Any:
    try:
        result = pipe.recv()
    except EOFError as error:
        raise NextclickError("client process: expected its results, received none") from error
    if isinstance(result, NextclickError):
        raise result
    return result


@contextmanager
def _client(
    address: str, source: CallSource, settings: LoadSettings, share: Share
) -> Iterator[Connection]:
    # Spawned, since gRPC does not survive a fork.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, address, source, settings, share))
    process.start()
    theirs.close()
    try:
        # Ready once imports are done, so that every process starts a step on time.
        _received(ours)
        yield ours
    finally:
        ours.close()
        process.join()


def _serve(
    pipe: Connection, address: str, source: CallSource, settings: LoadSettings, share: Share
) -> None:
    """The client process: runs a step for each plan, until the pipe is closed."""
    try:
        pipe.send(None)
        while True:
            plan, start_time = pipe.recv()
            result: Any
            try:
                result = run_step(
                    address, source, plan, settings, share=share, start_time=start_time
                )
            except NextclickError as error:
                result = error
            pipe.send(result)
    except (EOFError, BrokenPipeError):
        # The load test is over, or has failed in another process.
        return
