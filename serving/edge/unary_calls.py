"""Unary calls, taken from gRPC's completion queue by the threads that answer them.

``grpc.server`` polls its queue on one thread, assigns another thread to a call before its message
has arrived, and hands the GIL to and fro between the two, a dozen context switches a call. Here a
thread polls, takes every event that has come, answers one call, and polls again: nothing is handed
over, and a call whose message never comes occupies no thread.

This is the only file that uses gRPC's private ``cygrpc``, the layer under ``grpc.server``, whose
version is pinned. The queue belongs to a core server made by ``grpc.server``, which goes on to
handle all methods that are not registered here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import grpc
from google.rpc import status_pb2
from grpc._cython import cygrpc
from grpc_status import rpc_status

from data.errors import AbandonedError, RequestError
from serving.edge.admission import Lane
from serving.edge.grpc_errors import Failure, failure_of

logger = logging.getLogger(__name__)

_NO_FLAGS = 0
_OK = grpc.StatusCode.OK.value[0]
_NO_MESSAGE = Failure(grpc.StatusCode.INVALID_ARGUMENT, "message: expected one, received 0").status
_POLL_SECONDS = _JOIN_SECONDS = 1.0
_WATCH_SECONDS = 0.005
_EVENT_LIMIT = 16
"""Events taken before an answer at most: a flood of refused calls must not keep answers waiting."""


class Method(NamedTuple):
    """A unary method: its path, its ``grpc.RpcMethodHandler``, and its lane.

    The handler may return the response's bytes. Its errors are mapped to statuses.
    """

    path: str
    handler: Any
    lane: Lane


class UnaryCall:
    """A call, and the context of its handler."""

    __slots__ = ("_call", "_deadline", "_queue", "due_time", "is_open", "method")

    def __init__(self, queue: CallQueue, method: Method, event: Any) -> None:
        self._queue, self.method = queue, method
        self._call, self._deadline = event.call, event.call_details.deadline
        self.due_time = 0.0
        self.is_open = True

    def raise_if_abandoned(self) -> None:
        """Takes the events that have come, such as the end of this call.

        Raises:
            AbandonedError: The caller has gone, or its deadline has passed.
        """
        self._queue.take_events()
        if not self.is_open or self._deadline <= time.time():
            raise AbandonedError("call: expected a caller that waits, received none")

    def answer(self, message: bytes) -> None:
        """Runs the handler and sends its response, or the status for its error."""
        handler, path = self.method.handler, self.method.path
        try:
            self.raise_if_abandoned()
            request = _parsed(message, self.method)
            response = handler.unary_unary(request, self)
            if not isinstance(response, bytes):
                response = handler.response_serializer(response)
        except Exception as error:
            self.end(failure_of(error, path).status)
            return
        self._send(
            cygrpc.SendMessageOperation(response, _NO_FLAGS),
            cygrpc.SendStatusFromServerOperation(None, _OK, b"", _NO_FLAGS),
        )

    def receive(self) -> None:
        """Starts to wait for the message, and for the end of the call."""
        close = cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)
        self._call.start_server_batch((close,), partial(self._queue.closed, self))
        message = cygrpc.ReceiveMessageOperation(_NO_FLAGS)
        self._call.start_server_batch((message,), partial(self._queue.received, self))

    def refuse(self, status: status_pb2.Status) -> None:
        """Ends the call without waiting for its message."""
        self._call.start_server_batch(
            (
                cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS),
                cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),
                _sent(status),
            ),
            partial(self._queue.closed, self),
        )

    def end(self, status: status_pb2.Status) -> None:
        """Ends the call with an error."""
        self._send(_sent(status))

    def cancel(self) -> None:
        """Cancels the call; its end is an event."""
        self._call.cancel()

    def _send(self, *operations: Any) -> None:
        # Before the response is sent: its caller may send the next call right after.
        self.method.lane.calls.discard(self)
        if self.is_open:
            metadata = cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS)
            self._call.start_server_batch((metadata, *operations), _ignore)


class CallQueue:
    """A completion queue of a core server, and the threads that take calls from it.

    One thread polls at a time. While all of them answer, a watch takes events every few
    milliseconds, so that calls are refused, cancelled and passed to other lanes in the meantime.

    Args:
        server: Made by ``grpc.server``, not started yet.
        methods: The unary methods that are handled here.
        thread_count: Calls of lanes without threads of their own that are answered concurrently.
        message_seconds: A call whose message has not arrived by then is cancelled; gRPC itself has
            no such timeout.
    """

    def __init__(
        self, server: Any, methods: Sequence[Method], *, thread_count: int, message_seconds: float
    ) -> None:
        self._core = server._cy_server
        self._events = cygrpc.CompletionQueue()
        self._core.register_completion_queue(self._events)
        for method in methods:
            self._core.register_method(method.path)
        self._methods = methods
        self._message_seconds = message_seconds
        self._polling = threading.Lock()
        self._ready: deque[tuple[UnaryCall, bytes]] = deque()
        self._waiting: dict[UnaryCall, None] = {}
        self._open_calls: set[UnaryCall] = set()
        self._requested_count = 0
        self._threads = [
            threading.Thread(target=self._answer_calls, name=f"answer-{number}", daemon=True)
            for number in range(thread_count)
        ]
        self._threads.append(threading.Thread(target=self._watch, name="call-watch", daemon=True))

    def start(self) -> None:
        """Starts to take calls, once the server has been started."""
        with self._polling:
            for method in self._methods:
                self._request(method)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Ends the threads, once the server has been stopped; does not wait for calls that go on."""
        end = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        for method in self._methods:
            method.lane.close()

    def take_events(self) -> None:
        """Handles the events that have come, unless another thread does so."""
        if self._polling.acquire(blocking=False):
            try:
                self._take_events(0.0)
            finally:
                self._polling.release()

    def closed(self, call: UnaryCall, event: Any) -> None:
        """Handles the end of a call, whether it was answered or cancelled."""
        call.is_open = False
        call.method.lane.calls.discard(call)
        self._waiting.pop(call, None)
        self._open_calls.discard(call)

    def received(self, call: UnaryCall, event: Any) -> None:
        """Handles the message of a call, or its absence."""
        self._waiting.pop(call, None)
        message, lane = event.batch_operations[0].message(), call.method.lane
        if not call.is_open:
            return
        if message is None:
            call.end(_NO_MESSAGE)
        elif lane.is_full:
            call.end(lane.refusal)
        else:
            lane.calls.add(call)
            if lane.pool is None:
                self._ready.append((call, message))
            else:
                lane.pool.submit(call.answer, message)

    @property
    def _is_over(self) -> bool:
        """Whether the server has been stopped and all calls have ended."""
        return not self._requested_count and not self._open_calls

    def _request(self, method: Method) -> None:
        """Asks for the next call of a method."""
        try:
            self._core.request_registered_call(
                self._events, self._events, method.path, partial(self._begin, method)
            )
        except ValueError:
            # The server is shutting down.
            return
        self._requested_count += 1

    def _begin(self, method: Method, event: Any) -> None:
        if event.success:
            self._request(method)
        self._requested_count -= 1
        if not event.success:
            return
        call = UnaryCall(self, method, event)
        self._open_calls.add(call)
        if method.lane.is_full:
            call.refuse(method.lane.refusal)
            return
        call.due_time = time.monotonic() + self._message_seconds
        self._waiting[call] = None
        call.receive()

    def _answer_calls(self) -> None:
        while (next_call := self._next_call()) is not None:
            call, message = next_call
            try:
                call.answer(message)
            except Exception:
                logger.exception("%s: expected to end", call.method.path)
            # Not kept until the next one comes.
            del call, message, next_call

    def _next_call(self) -> tuple[UnaryCall, bytes] | None:
        """The next call to answer, after other events that have come; None at the end."""
        with self._polling:
            while not self._is_over:
                self._take_events(0.0 if self._ready else _POLL_SECONDS)
                while self._ready:
                    call, message = self._ready.popleft()
                    if call.is_open:
                        return call, message
        return None

    def _take_events(self, seconds: float) -> None:
        """Handles the events that have come; waits up to ``seconds`` for the first."""
        deadline = time.time() + seconds if seconds else 0.0
        for _ in range(_EVENT_LIMIT):
            event = self._events.poll(deadline)
            if event.completion_type == cygrpc.CompletionType.queue_timeout:
                return
            try:
                event.tag(event)
            except Exception:
                logger.exception("event of a call: expected to be handled")
            # An event that is kept while polling keeps its call.
            del event
            deadline = 0.0

    def _watch(self) -> None:
        while not self._is_over:
            time.sleep(_WATCH_SECONDS)
            self.take_events()
            if self._waiting:
                now = time.monotonic()
                for call in list(self._waiting):
                    if call.due_time < now:
                        call.cancel()


def _parsed(message: bytes, method: Method) -> Any:
    try:
        return method.handler.request_deserializer(message)
    except Exception:
        received = f"{len(message)} bytes that are none"
        # Without the parser's error, which may quote the message.
        raise RequestError("message", f"a request of {method.path}", received) from None


def _sent(status: status_pb2.Status) -> Any:
    """The operation that sends an error."""
    found = rpc_status.to_status(status)
    code, details = found.code.value[0], found.details.encode()
    trailers = found.trailing_metadata if status.details else None
    return cygrpc.SendStatusFromServerOperation(trailers, code, details, _NO_FLAGS)


def _ignore(event: Any) -> None:
    """The response has been sent."""
