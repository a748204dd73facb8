"""The admission limit: what a server takes on at once; the rest is refused without waiting.

Without one, an overloaded server works through a queue whose callers have long given up. gRPC's own
limit refuses health checks as well, so that a probe would kill a server that is merely busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc

from data.errors import ConfigError

HEALTH_PREFIX = "/grpc.health.v1.Health/"
DISCOVERY_PREFIX = "/nextclick.v1.Discovery/"


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


class Limiter:
    """A server interceptor that refuses calls once a pool holds as many as it may.

    Interceptors run on the one thread that also hands the calls to the pools, so the count cannot
    change between look and leap, and nothing slow may happen here. Refusals and health checks are
    answered by a thread of their own: behind the calls under way they would wait.

    Answers hold the interpreter; all other calls mostly wait, for the disk or for a bundle that is
    loaded. On threads of their own neither waits for the other, and many events share one sync.

    Args:
        pool: The pool of the server, for searches, recommendations and completion.
        in_flight_limit: Calls answered or waiting for a thread at once; 1 or more.
        other_pool: The pool of all other calls: events, changes of the catalogue, administration.
        other_limit: The same for these.
    """

    def __init__(
        self,
        pool: CountedPool,
        in_flight_limit: int,
        *,
        other_pool: CountedPool,
        other_limit: int,
    ) -> None:
        for name, limit in (("in_flight_limit", in_flight_limit), ("other_limit", other_limit)):
            if limit < 1:
                raise ConfigError(f"{name}: expected 1 or more, received {limit}")
        self._pool, self._in_flight_limit = pool, in_flight_limit
        self._other_pool, self._other_limit = other_pool, other_limit
        self._side_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="refuse")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The handler of a call, as gRPC asks for it."""
        if details.method.startswith(HEALTH_PREFIX):
            return _aside(continuation(details), self._side_pool)
        if not details.method.startswith(DISCOVERY_PREFIX):
            if self._other_pool.in_flight_count >= self._other_limit:
                return self._refusal(self._other_limit)
            return _aside(continuation(details), self._other_pool)
        if self._pool.in_flight_count >= self._in_flight_limit:
            return self._refusal(self._in_flight_limit)
        return continuation(details)

    def close(self) -> None:
        """Ends the threads other than the answering ones."""
        self._other_pool.shutdown(wait=True)
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
