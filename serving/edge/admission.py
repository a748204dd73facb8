"""Admission control: limits on calls in flight; calls above a limit are refused at once.

Without it an overloaded server works through a queue of calls whose deadlines have passed. gRPC's
own limit refuses health checks as well, so a liveness probe would kill a server that is only busy.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from data.errors import ConfigError
from serving.edge.grpc_errors import Failure


class Lane:
    """One kind of call: how many run concurrently, and how many are in flight.

    Answers are bound by the GIL, events wait for the disk and share its fsyncs, and changes may
    take seconds, for example to load a bundle. Separate lanes keep one from delaying the others.
    A call is in flight from the arrival of its message until its response is sent or its caller
    has gone.

    Args:
        name: Of the kind of call, for error messages.
        at_once: Calls that run concurrently; 1 to ``limit``.
        limit: Calls in flight, running or waiting; further ones are refused.
        has_threads: Whether calls run on threads of the lane; else on those that poll for calls.
    """

    def __init__(self, name: str, *, at_once: int, limit: int, has_threads: bool) -> None:
        if not 1 <= at_once <= limit:
            raise ConfigError(f"{name}: expected 1 to {limit} at once, received {at_once}")
        self.at_once, self.limit = at_once, limit
        self.pool = ThreadPoolExecutor(at_once, name) if has_threads else None
        # Calls enter on one thread at a time and leave on any: ``discard`` is atomic.
        self.calls: set[Any] = set()
        message = f"{name} in flight: expected at most {limit}, try again later"
        self.refusal = Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, message).status

    @property
    def is_full(self) -> bool:
        """Whether the next call will be refused."""
        return len(self.calls) >= self.limit

    def close(self) -> None:
        """Ends the threads without waiting for running calls."""
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)
