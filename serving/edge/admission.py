"""The admission limit: what a server takes on at once; the rest is refused without waiting.

Without one, an overloaded server works through a queue whose callers have long given up. gRPC's own
limit refuses health checks as well, so that a probe would kill a server that is merely busy.
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
ASIDE_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")

_ASIDE_THREAD_COUNT = 16
_SPARE_THREAD_COUNT = 2


class CountedPool(ThreadPoolExecutor):
    """Threads that hold calls, and how many they hold.

    A call counts from the moment it is submitted until it says that it is done, or else until its
    future is. The latter holds as well for calls that were cancelled before their handler ran.
    """

    def __init__(self, thread_count: int, name: str) -> None:
        super().__init__(max_workers=thread_count, thread_name_prefix=name)
        self._count_lock = threading.Lock()
        self._in_flight_count = 0
        self._here = threading.local()

    @property
    def in_flight_count(self) -> int:
        """Calls that are being answered or wait for a thread."""
        return self._in_flight_count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Queues a call, as every executor does."""
        is_held = True

        def give_back(_: object = None) -> None:
            nonlocal is_held
            with self._count_lock:
                self._in_flight_count -= is_held
                is_held = False

        def run() -> Any:
            self._here.give_back = give_back
            return fn(*args, **kwargs)

        with self._count_lock:
            self._in_flight_count += 1
        try:
            future = super().submit(run)
        except RuntimeError:
            give_back()
            raise
        future.add_done_callback(give_back)
        return future

    def call_is_done(self) -> None:
        """The call that this thread holds counts no more, though its answer has still to leave."""
        self._here.give_back()


class Lane:
    """What is done for calls of one kind: so many are held, and some of those worked on at once.

    gRPC gives a call a thread before its message has arrived. There are more threads than turns to
    work, so that a caller or two who are slow to send it do not stop the others; not many more,
    since threads that wake take the interpreter away from the one that works.

    Args:
        name: Of the kind, for refusals.
        at_once: Calls that are worked on at the same time; 1 to ``limit``.
        limit: Calls that are held at most; more are refused.
    """

    def __init__(self, name: str, *, at_once: int, limit: int) -> None:
        if not 1 <= at_once <= limit:
            raise ConfigError(f"{name}: expected 1 to {limit} at once, received {at_once}")
        self.name, self.limit = name, limit
        self.pool = CountedPool(min(limit, at_once + _SPARE_THREAD_COUNT), name)
        # A semaphore, written in Python, costs a tenth of all calls a second.
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(at_once):
            self._turns.put(None)

    @property
    def is_full(self) -> bool:
        """Whether the next call is to be refused."""
        return self.pool.in_flight_count >= self.limit

    def in_turn(self, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """A handler's function that waits for its turn."""

        def wait_and_answer(request: Any, context: Any) -> Any:
            turn = self._turns.get()
            try:
                return answer(request, context)
            finally:
                self._turns.put(turn)
                # Not when the answer has left: by then its caller may have sent the next call.
                self.pool.call_is_done()

        return wait_and_answer


class Limiter:
    """A server interceptor that refuses calls once their lane holds as many as it may.

    Interceptors run on the one thread that also hands the calls to the pools, so the count cannot
    change between look and leap, and nothing slow may happen here. Health checks and streams have
    threads of their own, and refusals never wait for a message.

    Answers hold the interpreter, events wait for the disk and share its syncs, and changes may take
    seconds, as when a bundle is loaded: in lanes of their own none waits for another.

    Args:
        answers: For searches, recommendations and completion.
        events: For calls that record events.
        changes: For changes of the catalogue and for administration.
        message_seconds: A call whose message has not come by then is cancelled.
    """

    def __init__(
        self, answers: Lane, *, events: Lane, changes: Lane, message_seconds: float
    ) -> None:
        self._answers, self._events, self._changes = answers, events, changes
        self._watch = MessageWatch(message_seconds)
        self._checking = ThreadPoolExecutor(_ASIDE_THREAD_COUNT, "check")
        self._streaming = ThreadPoolExecutor(_ASIDE_THREAD_COUNT, "stream")
        self._refusing = ThreadPoolExecutor(1, "refuse")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """The handler of a call, as gRPC asks for it."""
        if details.method.startswith(ASIDE_PREFIXES):
            return self._aside(continuation(details), details.method)
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
        answer = lane.in_turn(_parsing(handler, details.method))
        return self._watched(handler, answer, lane.pool)

    def close(self) -> None:
        """Takes no more calls; does not wait for those that are still worked on."""
        self._watch.close()
        pools = [lane.pool for lane in (self._answers, self._events, self._changes)]
        for pool in (*pools, self._checking, self._streaming, self._refusing):
            pool.shutdown(wait=False, cancel_futures=True)

    def _aside(self, handler: Any, method: str) -> Any:
        if handler is None:
            return None
        read = _parser(handler, method)
        if handler.unary_unary is not None:
            return self._watched(handler, _parsing(handler, method), self._checking)
        behavior = handler.unary_stream or handler.stream_stream

        # ``send`` is there for a behaviour that gives its replies as they come up.
        def stream(messages: Iterator[bytes], context: Any, *send: Any) -> Any:
            if handler.unary_stream is None:
                return behavior((read(content, context) for content in messages), context, *send)
            return behavior(read(self._watch.first(messages, context), context), context, *send)

        return grpc.stream_stream_rpc_method_handler(
            _Pooled(stream, self._streaming, like=behavior),
            response_serializer=handler.response_serializer,
        )

    def _watched(self, handler: Any, answer: Callable[[Any, Any], Any], pool: Any) -> Any:
        """The handler of one message, taken as a stream: of a stream one need not wait for ever."""

        def read_and_answer(messages: Iterator[Any], context: Any) -> Any:
            return answer(self._watch.first(messages, context), context)

        return grpc.stream_unary_rpc_method_handler(
            _Pooled(read_and_answer, pool), response_serializer=handler.response_serializer
        )

    def _refusal(self, lane: Lane) -> Any:
        def refuse(_: Any, context: Any) -> None:
            context.abort(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"{lane.name} in flight: expected at most {lane.limit}, try again later",
            )

        # No message is read: a caller who sends none is refused as well.
        return grpc.stream_unary_rpc_method_handler(_Pooled(refuse, self._refusing))


def _parser(handler: Any, method: str) -> Callable[[bytes, Any], Any]:
    """Reads the messages of a handler, which is registered for plain bytes.

    A message that its deserialiser cannot read costs gRPC 20 kB for good and its place among the
    streams of the connection, so gRPC itself is given no deserialiser.
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
    """A handler's function with the names under which gRPC looks for how to run it."""

    def __init__(
        self, answer: Callable[..., Any], pool: ThreadPoolExecutor, *, like: Any = None
    ) -> None:
        self._answer = answer
        self.experimental_thread_pool = pool
        self.experimental_non_blocking = getattr(like, "experimental_non_blocking", False)

    def __call__(self, *arguments: Any) -> Any:
        return self._answer(*arguments)
