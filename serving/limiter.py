"""The admission limit: what a server takes on at once; the rest is refused without waiting.

Without one, an overloaded server works through a queue whose callers have long given up. gRPC's own
limit refuses health checks as well, so that a probe would kill a server that is merely busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc

from data.errors import ConfigError

HEALTH_PREFIX = "/grpc.health.v1.Health/"
EVENTS_PREFIX = "/nextclick.v1.Events/"
CHANGES_PREFIXES = ("/nextclick.v1.Catalog/", "/nextclick.v1.Admin/")


class CountedPool(ThreadPoolExecutor):
    """Threads that answer, and how many calls they hold.

    A call counts from the moment it is submitted until its future is done. That holds as well
    for calls that were cancelled before their handler ran, which no code of a handler could count.
    """

    def __init__(self, thread_count: int, name: str = "answer") -> None:
        super().__init__(max_workers=thread_count, thread_name_prefix=name)
        self._count_lock = threading.Lock()
        self._in_flight_count = 0

    @property
    def in_flight_count(self) -> int:
        """Calls that are being answered or wait for a thread."""
        return self._in_flight_count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queues a call, as every executor does."""
        with self._count_lock:
            self._in_flight_count += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except RuntimeError:
            self._leave()
            raise
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: Future[Any] | None = None) -> None:
        with self._count_lock:
            self._in_flight_count -= 1


@dataclass(frozen=True)
class Lane:
    """Threads for calls of one kind, and how many such calls may be answered or wait at once.

    Raises:
        ConfigError: The limit is below 1.
    """

    pool: CountedPool
    limit: int

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigError(f"limit: expected 1 or more, received {self.limit}")

    @property
    def is_full(self) -> bool:
        """Whether the next call is to be refused."""
        return self.pool.in_flight_count >= self.limit


class Limiter:
    """A server interceptor that refuses calls once their lane holds as many as it may.

    Interceptors run on the one thread that also hands the calls to the pools, so the count cannot
    change between look and leap, and nothing slow may happen here. Refusals and health checks are
    answered by a thread of their own: behind the calls under way they would wait.

    Answers hold the interpreter, events wait for the disk and share its syncs, and changes may take
    seconds, as when a bundle is loaded: in lanes of their own none waits for another.

    Args:
        answers: For searches, recommendations and completion, on the pool of the server.
        events: For calls that record events.
        changes: For changes of the catalogue and for administration.
    """

    def __init__(self, answers: Lane, *, events: Lane, changes: Lane) -> None:
        self._answers, self._events, self._changes = answers, events, changes
        self._side_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refuse")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The handler of a call, as gRPC asks for it."""
        if details.method.startswith(HEALTH_PREFIX):
            return _aside(continuation(details), self._side_pool)
        lane = self._answers
        if details.method.startswith(EVENTS_PREFIX):
            lane = self._events
        elif details.method.startswith(CHANGES_PREFIXES):
            lane = self._changes
        if lane.is_full:
            return self._refusal(lane.limit)
        handler = continuation(details)
        return handler if lane is self._answers else _aside(handler, lane.pool)

    def close(self) -> None:
        """Ends the threads other than the answering ones."""
        self._events.pool.shutdown(wait=True)
        self._changes.pool.shutdown(wait=True)
        self._side_pool.shutdown(wait=True)

    def _refusal(self, limit: int) -> Any:
        def refuse(_: bytes, context: Any) -> None:
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"calls in flight: expected at most {limit}, try again later",
            )

        return grpc.unary_unary_rpc_method_handler(_Aside(refuse, self._side_pool))


def _aside(handler: Any, pool: ThreadPoolExecutor) -> Any:
    """The handler, to be run on another pool than the server's; streams stay where they are."""
    if handler is None or handler.unary_unary is None:
        return handler
    return handler._replace(unary_unary=_Aside(handler.unary_unary, pool))


class _Aside:
    """A handler's function with the name under which gRPC looks for a pool other than its own."""

    def __init__(self, answer: Callable[[Any, Any], Any], pool: ThreadPoolExecutor) -> None:
        self._answer = answer
        self.experimental_thread_pool = pool

    def __call__(self, request: Any, context: Any) -> Any:
        return self._answer(request, context)
