"""Admission control: limits on concurrent calls; calls above a limit are refused at once.

Without it an overloaded server works through a queue of calls whose deadlines have passed. gRPC's
own limit refuses health checks as well, so a liveness probe would kill a server that is only busy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import grpc

from data.errors import ConfigError, RequestError
from serving.edge.grpc_errors import end_with
from serving.edge.slow_messages import MessageWatch

EVENTS_PREFIX = "/nextclick.v1.Events/"
CHANGES_PREFIXES = ("/nextclick.v1.Catalog/", "/nextclick.v1.Admin/")
SIDE_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

_SIDE_THREAD_COUNT = 16
_SPARE_THREAD_COUNT = 2


class CountedPool(ThreadPoolExecutor):
    """A thread pool that counts its calls in flight.

    A call counts from its submission until ``call_is_done``, or else until its future is done,
    which covers calls that were cancelled before their handler ran.
    """

    def __init__(self, thread_count: int, name: str) -> None:
        super().__init__(max_workers=thread_count, thread_name_prefix=name)
        self._count_lock = threading.Lock()
        self._in_flight_count = 0
        self._current_call = threading.local()

    @property
    def in_flight_count(self) -> int:
        """Calls that are running or waiting for a thread."""
        return self._in_flight_count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queues a call, as ``Executor.submit`` does."""
        is_held = True

        def release(_: object = None) -> None:
            nonlocal is_held
            with self._count_lock:
                self._in_flight_count -= is_held
                is_held = False

        def run() -> Any:
            self._current_call.release = release
            return fn(*args, **kwargs)

        with self._count_lock:
            self._in_flight_count += 1
        try:
            future = super().submit(run)
        except RuntimeError:
            release()
            raise
        future.add_done_callback(release)
        return future

    def call_is_done(self) -> None:
        """Stops counting this thread's call, before its response has been sent."""
        self._current_call.release()


class Lane:
    """The limits of one kind of call: how many run concurrently, and how many are in flight.

    gRPC assigns a thread to a call before its message has arrived. The pool has a few more threads
    than running slots, so that one or two slow senders do not block other calls; only a few, since
    threads that wake up take the GIL from the one that computes.

    Args:
        name: Of the kind of call, for error messages.
        at_once: Calls that run concurrently; 1 to ``limit``.
        limit: Calls in flight, running or waiting; further ones are refused.
    """

    def __init__(self, name: str, *, at_once: int, limit: int) -> None:
        if not 1 <= at_once <= limit:
            raise ConfigError(f"{name}: expected 1 to {limit} at once, received {at_once}")
        self.name, self.limit = name, limit
        self.pool = CountedPool(min(limit, at_once + _SPARE_THREAD_COUNT), name)
        # A queue, not a semaphore: that is written in Python and costs 10 % of the throughput.
        self._slots: SimpleQueue[None] = SimpleQueue()
        for _ in range(at_once):
            self._slots.put(None)

    @property
    def is_full(self) -> bool:
        """Whether the next call will be refused."""
        return self.pool.in_flight_count >= self.limit

    def in_slot(self, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """Wraps a handler so that it waits for a free running slot."""

        def wait_and_answer(request: Any, context: Any) -> Any:
            slot = self._slots.get()
            try:
                return answer(request, context)
            finally:
                self._slots.put(slot)
                # Before the response is sent: its caller may send the next call right after.
                self.pool.call_is_done()

        return wait_and_answer


class Limiter:
    """A server interceptor that refuses calls whose lane is full.

    Interceptors run on the thread that also submits calls to the pools, so no other call can be
    submitted between check and submission, and this thread must not block. Health checks and
    streams have their own threads, and refusals never wait for a message.

    Answers are bound by the GIL, events wait for the disk and share its fsyncs, and changes may
    take seconds, for example to load a bundle. Separate lanes keep one from delaying the others.

    Args:
        answers: Lane of searches, recommendations and completions.
        events: Lane of calls that record events.
        changes: Lane of catalogue changes and administration.
        message_seconds: Calls whose message has not arrived by then are cancelled.
    """

    def __init__(
        self, answers: Lane, *, events: Lane, changes: Lane, message_seconds: float
    ) -> None:
        self._answers, self._events, self._changes = answers, events, changes
        self._watch = MessageWatch(message_seconds)
        self._checking = ThreadPoolExecutor(_SIDE_THREAD_COUNT, "check")
        self._streaming = ThreadPoolExecutor(_SIDE_THREAD_COUNT, "stream")
        self._refusing = ThreadPoolExecutor(1, "refuse")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Returns the handler of a call, as gRPC's interceptor interface requires."""
        if details.method.startswith(SIDE_PREFIXES):
            return self._side_call(continuation(details), details.method)
        lane = self._answers
        if details.method.startswith(EVENTS_PREFIX):
            lane = self._events
        elif details.method.startswith(CHANGES_PREFIXES):
            lane = self._changes
        if lane.is_full:
            return self._refusal(lane)
        handler = continuation(details)
        if handler is None:
            return None
        answer = lane.in_slot(_parsing(handler, details.method))
        return self._watched(handler, answer, lane.pool)

    def close(self) -> None:
        """Shuts the pools down without waiting for running calls."""
        self._watch.close()
        pools = [lane.pool for lane in (self._answers, self._events, self._changes)]
        for pool in (*pools, self._checking, self._streaming, self._refusing):
            pool.shutdown(wait=False, cancel_futures=True)

    def _side_call(self, handler: Any, method: str) -> Any:
        if handler is None:
            return None
        read = _parser(handler, method)
        if handler.unary_unary is not None:
            return self._watched(handler, _parsing(handler, method), self._checking)
        behavior = handler.unary_stream or handler.stream_stream

        # ``send`` is passed only to handlers that send their responses through a callback.
        def stream(messages: Iterator[bytes], context: Any, *send: Any) -> Any:
            if handler.unary_stream is None:
                return behavior((read(content, context) for content in messages), context, *send)
            return behavior(read(self._watch.first(messages, context), context), context, *send)

        return grpc.stream_stream_rpc_method_handler(
            _Pooled(stream, self._streaming, like=behavior),
            response_serializer=handler.response_serializer,
        )

    def _watched(self, handler: Any, answer: Callable[[Any, Any], Any], pool: Any) -> Any:
        """Handles a unary call as a request stream, so that its message can time out."""

        def read_and_answer(messages: Iterator[Any], context: Any) -> Any:
            return answer(self._watch.first(messages, context), context)

        return grpc.stream_unary_rpc_method_handler(
            _Pooled(read_and_answer, pool), response_serializer=_serializer(handler)
        )

    def _refusal(self, lane: Lane) -> Any:
        def refuse(_: Any, context: Any) -> None:
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{lane.name} in flight: expected at most {lane.limit}, try again later",
            )

        # Does not read the message: a caller that never sends one is refused as well.
        return grpc.stream_unary_rpc_method_handler(_Pooled(refuse, self._refusing))


def _serializer(handler: Any) -> Callable[[Any], bytes]:
    """Serialises responses, of which some are bytes already."""
    serialize = handler.response_serializer
    return lambda response: response if isinstance(response, bytes) else serialize(response)


def _parser(handler: Any, method: str) -> Callable[[bytes, Any], Any]:
    """Parses messages for a handler that is registered without a deserialiser.

    When gRPC's own deserialiser fails on a message, gRPC leaks 20 kB and one of the connection's
    stream slots, so messages are parsed here instead.
    """

    def read(content: bytes, context: Any) -> Any:
        try:
            return handler.request_deserializer(content)
        except Exception:
            received = f"{len(content)} bytes that are none"
            end_with(context, RequestError("message", f"a request of {method}", received), method)

    return read


def _parsing(handler: Any, method: str) -> Callable[[bytes, Any], Any]:
    read, answer = _parser(handler, method), handler.unary_unary
    return lambda content, context: answer(read(content, context), context)


class _Pooled:
    """A handler function with the attributes from which gRPC takes the thread pool to run it on."""

    def __init__(
        self, answer: Callable[..., Any], pool: ThreadPoolExecutor, *, like: Any = None
    ) -> None:
        self._answer = answer
        self.experimental_thread_pool = pool
        self.experimental_non_blocking = getattr(like, "experimental_non_blocking", False)

    def __call__(self, *arguments: Any) -> Any:
        return self._answer(*arguments)
