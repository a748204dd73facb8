"""Unary calls, taken from gRPC's completion queue and answered once their message is there.

``grpc.server`` assigns a thread to a call before its message has arrived. The thread then waits for
the polling thread twice, and a call whose message never comes occupies it. Here the polling thread
alone sees a call until its message is there. Calls of a lane without threads it answers as well, after
all that has come: two threads of one interpreter would only take turns, each call waiting for the
other thread several times.

This is the only file that uses gRPC's private ``cygrpc``, the layer under ``grpc.server``, whose
version is pinned. The queue belongs to a core server made by ``grpc.server``, which goes on to
handle all methods that are not registered here.
"""

from __future__ import annotations

import atexit
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
from serving.edge.admission import Lane, let_pass
from serving.edge.grpc_errors import Failure, failure_of

logger = logging.getLogger(__name__)

_NO_FLAGS = 0
_OK = grpc.StatusCode.OK.value[0]
_NO_MESSAGE = Failure(grpc.StatusCode.INVALID_ARGUMENT, "message: expected one, received 0").status
_POLL_SECONDS = 0.25
_EXIT_SECONDS = 10.0
"""Longer than any answer takes."""
_EVENT_LIMIT = 64
"""Events handled before an answer at most: a flood of refused calls must not keep answers waiting. The
end of calls that wait is among them, of eight in flight: each has three events before its answer."""
_OVERTAKEN = Failure(
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    "message: expected before those of many others, received none",
).status


class Method(NamedTuple):
    """A unary method: its path, its ``grpc.RpcMethodHandler``, its lane, and limits of its message.

    A call whose message has not arrived after ``message_seconds`` is cancelled; gRPC itself has no such
    timeout. The handler may return the response's bytes, or None, if it calls ``finish`` of its context
    later, on whatever thread. Its errors are mapped to statuses. The server itself refuses messages
    beyond the largest of all methods.

    Messages below ``brief_bytes`` are handled by the polling thread at once: for handlers that wait
    for nobody.
    """

    path: str
    handler: Any
    lane: Lane
    message_limit_bytes: int
    message_seconds: float
    brief_bytes: int = 0


class UnaryCall:
    """A call, and the context of its handler."""

    __slots__ = ("_call", "_deadline", "_queue", "_slice_end", "due_time", "is_open", "method")

    def __init__(self, queue: CallQueue, method: Method, event: Any) -> None:
        self._queue, self.method = queue, method
        self._call, self._deadline = event.call, event.call_details.deadline
        self.due_time = self._slice_end = 0.0
        self.is_open = True

    def raise_if_abandoned(self) -> None:
        """Raises ``AbandonedError`` if the caller has gone or its deadline has passed.

        In a lane without threads a caller that goes during its answer is not noticed.
        """
        if not self.is_open or self._deadline <= time.time():
            raise AbandonedError("call: expected a caller that waits, received none")

    def give_way(self) -> None:
        """Lets calls of a more urgent lane pass, if this one has run for a millisecond.

        They wait for the GIL each time that they have left it, some ten times a search. Under a load
        that leaves no pause, this call still gets a tenth of the time.
        """
        urgent = self.method.lane.gives_way_to
        if urgent is not None:
            self._slice_end = let_pass(urgent, self._slice_end)

    def answer(self, message: bytes) -> None:
        """Runs the handler, and sends its response if it has one by then."""
        try:
            self.raise_if_abandoned()
            request = _parsed(message, self.method)
            response = self.method.handler.unary_unary(request, self)
        except Exception as error:
            response = error
        except BaseException as error:
            # A panic of a library in Rust is no ``Exception``; it must not end the thread.
            response = RuntimeError(f"{type(error).__name__} in {self.method.path}")
            response.__cause__ = error
        if response is not None:
            self.finish(response)

    def finish(self, response: Any) -> None:
        """Sends the response, or the status for an error; on whatever thread, once."""
        try:
            if isinstance(response, Exception):
                raise response
            if not isinstance(response, bytes):
                response = self.method.handler.response_serializer(response)
        except Exception as error:
            self.end(failure_of(error, self.method.path).status)
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
        self.method.lane.leave(self)
        if self.is_open:
            metadata = cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS)
            self._call.start_server_batch((metadata, *operations), _ignore)


class CallQueue:
    """A completion queue of a core server, and the thread that polls it.

    Args:
        server: Made by ``grpc.server``, not started yet.
        methods: The unary methods that are handled here.
        waiting_limit: Calls of the same ``message_seconds`` whose message has not arrived; with a
            further one, the oldest of them is ended. gRPC buffers what has come of each message.
    """

    def __init__(self, server: Any, methods: Sequence[Method], *, waiting_limit: int) -> None:
        self._core = server._cy_server
        self._events = cygrpc.CompletionQueue()
        self._core.register_completion_queue(self._events)
        for method in methods:
            self._core.register_method(method.path)
        self._methods = methods
        self._waiting_limit = waiting_limit
        # All of these are used by the polling thread alone.
        self._requested_count = 0
        self._is_leaving = False
        self._open_calls: set[UnaryCall] = set()
        self._ready: deque[tuple[UnaryCall, bytes]] = deque()
        # By the time that they have, in the order of their due times.
        self._waiting: dict[float, dict[UnaryCall, None]] = {
            method.message_seconds: {} for method in methods
        }
        self._polling = threading.Thread(target=self._poll, name="poll", daemon=True)

    def start(self) -> None:
        """Starts to take calls, once the server has been started."""
        self._polling.start()
        # A process must not end inside native code that is still running.
        atexit.register(self._leave)

    def join(self, seconds: float) -> None:
        """Waits for the polling thread, which ends with the last call of a stopped server."""
        self._polling.join(seconds)
        if not self._polling.is_alive():
            # Else all that handlers refer to would stay until the process ends.
            atexit.unregister(self._leave)

    def closed(self, call: UnaryCall, event: Any) -> None:
        """Handles the end of a call, whether it was answered or cancelled."""
        call.is_open = False
        self._stop_waiting(call)
        self._open_calls.discard(call)

    def received(self, call: UnaryCall, event: Any) -> None:
        """Handles the message of a call, or its absence."""
        self._stop_waiting(call)
        message, lane = event.batch_operations[0].message(), call.method.lane
        if not call.is_open:
            return
        if message is None:
            call.end(_NO_MESSAGE)
        elif len(message) > call.method.message_limit_bytes:
            call.end(_too_large(len(message), call.method.message_limit_bytes))
        elif lane.is_full:
            call.end(lane.refusal)
        else:
            lane.calls.add(call)
            if not lane.has_threads:
                self._ready.append((call, message))
            elif len(message) < call.method.brief_bytes:
                call.answer(message)
            else:
                lane.submit(partial(call.answer, message))

    @property
    def _is_over(self) -> bool:
        """Whether the server has been stopped and all calls have ended, or the process ends."""
        return self._is_leaving or not (self._requested_count or self._open_calls)

    def _leave(self) -> None:
        self._is_leaving = True
        self._polling.join(_EXIT_SECONDS)

    def _poll(self) -> None:
        for method in self._methods:
            self._request(method)
        while not self._is_over:
            self._take_events()
            if self._ready:
                call, message = self._ready.popleft()
                try:
                    call.answer(message)
                except Exception:
                    logger.exception("a call: expected to end with a status")
                    call.method.lane.leave(call)
                # Kept while polling, it would keep what it holds.
                del call

    def _take_events(self) -> None:
        """Handles what has come; waits for something to come only if no call is ready."""
        for _ in range(_EVENT_LIMIT):
            event = self._events.poll(0.0 if self._ready else time.time() + _POLL_SECONDS)
            is_last = event.completion_type == cygrpc.CompletionType.queue_timeout
            if not is_last:
                try:
                    event.tag(event)
                except Exception:
                    logger.exception("an event of a call: expected to be handled")
            # Kept while polling, it would keep its call.
            del event
            self._cancel_overdue()
            if is_last or self._is_over:
                return

    def _cancel_overdue(self) -> None:
        for waiting in self._waiting.values():
            while waiting:
                call = next(iter(waiting))
                if call.due_time > time.monotonic():
                    break
                self._stop_waiting(call)
                call.cancel()

    def _wait_for_message(self, call: UnaryCall) -> None:
        method = call.method
        call.due_time = time.monotonic() + method.message_seconds
        waiting = self._waiting[method.message_seconds]
        if len(waiting) >= self._waiting_limit:
            oldest = next(iter(waiting))
            self._stop_waiting(oldest)
            oldest.end(_OVERTAKEN)
            # Its message may still come.
            oldest.is_open = False
        waiting[call] = None
        method.lane.waiting_count += 1
        call.receive()

    def _stop_waiting(self, call: UnaryCall) -> None:
        waiting = self._waiting[call.method.message_seconds]
        if call in waiting:
            del waiting[call]
            call.method.lane.waiting_count -= 1

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
        """Handles a new call, or the end of the server."""
        self._requested_count -= 1
        if not event.success:
            return
        self._request(method)
        call = UnaryCall(self, method, event)
        self._open_calls.add(call)
        if method.lane.is_full:
            call.refuse(method.lane.refusal)
            return
        self._wait_for_message(call)


def _parsed(message: bytes, method: Method) -> Any:
    try:
        return method.handler.request_deserializer(message)
    except Exception:
        received = f"{len(message)} bytes that are none"
        # Without the parser's error, which may quote the message.
        raise RequestError("message", f"a request of {method.path}", received) from None


def _too_large(byte_count: int, limit: int) -> status_pb2.Status:
    """The status that gRPC itself gives messages beyond the server's limit."""
    message = f"message: expected at most {limit:,} bytes, received {byte_count:,}"
    return Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, message).status


def _sent(status: status_pb2.Status) -> Any:
    """The operation that sends an error."""
    found = rpc_status.to_status(status)
    code, details = found.code.value[0], found.details.encode()
    return cygrpc.SendStatusFromServerOperation(found.trailing_metadata, code, details, _NO_FLAGS)


def _ignore(event: Any) -> None:
    """The response has been sent."""
