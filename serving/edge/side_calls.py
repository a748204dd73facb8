"""Health checks and reflection: never refused, and apart from the calls of our own services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from data.errors import RequestError
from serving.edge.grpc_errors import end_with
from serving.edge.health_checks import HealthChecks
from serving.edge.slow_messages import MessageWatch

_CHECK_COUNT = 16
_STREAM_COUNT = 512
"""Clients that watch the health of their servers hold a stream each, and do not call without one."""


class SideCalls:
    """A server interceptor that parses and times out messages, and keeps streams apart.

    Checks and streams have threads of their own, since a stream holds one until it ends.

    Args:
        message_seconds: Calls whose message has not arrived by then are cancelled.
        message_limit_bytes: Larger messages are refused before parsing.
        services: Names of the services whose health is told.
    """

    def __init__(
        self, message_seconds: float, message_limit_bytes: int, services: tuple[str, ...]
    ) -> None:
        self._limit = message_limit_bytes
        self.health = HealthChecks(services)
        self._watch = MessageWatch(message_seconds)
        self.checking = ThreadPoolExecutor(_CHECK_COUNT, "check")
        self._streaming = ThreadPoolExecutor(_STREAM_COUNT, "stream")

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        """Returns the handler of a call, as gRPC's interceptor interface requires."""
        handler = continuation(details)
        if handler is None:
            return None
        read = _parser(handler, details.method, self._limit)
        if handler.unary_unary is not None:
            return self._unary(handler, read)
        behavior = handler.unary_stream or handler.stream_stream

        def stream(messages: Iterator[bytes], context: Any) -> Any:
            if handler.unary_stream is None:
                return behavior((read(content, context) for content in messages), context)
            return behavior(read(self._watch.first(messages, context), context), context)

        return grpc.stream_stream_rpc_method_handler(
            _Pooled(stream, self._streaming),
            response_serializer=handler.response_serializer,
        )

    def close(self) -> None:
        """Ends the threads without waiting for running calls."""
        self._watch.close()
        for pool in (self.checking, self._streaming):
            pool.shutdown(wait=False, cancel_futures=True)

    def _unary(self, handler: Any, read: Callable[[bytes, Any], Any]) -> Any:
        """Handles a unary call as a request stream, so that its message can time out."""

        def answer(messages: Iterator[bytes], context: Any) -> Any:
            content = self._watch.first(messages, context)
            return handler.unary_unary(read(content, context), context)

        return grpc.stream_unary_rpc_method_handler(
            answer, response_serializer=handler.response_serializer
        )


def _parser(handler: Any, method: str, limit: int) -> Callable[[bytes, Any], Any]:
    """Parses messages for a handler that is registered without a deserialiser.

    When gRPC's own deserialiser fails on a message, gRPC leaks 20 kB and one of the connection's
    stream slots, so messages are parsed here instead.
    """

    def read(content: bytes, context: Any) -> Any:
        if len(content) > limit:
            expected = f"at most {limit} bytes"
            end_with(context, RequestError("message", expected, len(content)), method)
        try:
            return handler.request_deserializer(content)
        except Exception:
            received = f"{len(content)} bytes that are none"
            end_with(context, RequestError("message", f"a request of {method}", received), method)

    return read


class _Pooled:
    """A handler function with the attributes from which gRPC takes the thread pool to run it on."""

    def __init__(self, answer: Callable[..., Any], pool: ThreadPoolExecutor) -> None:
        self._answer = answer
        self.experimental_thread_pool = pool

    def __call__(self, *arguments: Any) -> Any:
        return self._answer(*arguments)
