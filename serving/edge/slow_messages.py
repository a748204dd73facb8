"""Cancels calls whose request message does not arrive, each of which would block a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc


class MessageWatch:
    """Cancels calls whose message does not arrive in time; gRPC itself has no such timeout.

    Args:
        seconds: Time limit for the message to arrive.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[int, tuple[float, Any]] = {}
        self._is_closed = threading.Event()
        threading.Thread(target=self._cancel_overdue, name="message-watch", daemon=True).start()

    def first(self, messages: Iterator[Any], context: Any) -> Any:
        """The first message of a call; errors of gRPC while waiting are passed on."""
        key = id(context)
        self._waiting[key] = (time.monotonic() + self._seconds, context)
        try:
            for message in messages:
                return message
        finally:
            self._waiting.pop(key, None)
        return context.abort(grpc.StatusCode.INVALID_ARGUMENT, "message: expected one, received 0")

    def close(self) -> None:
        """Stops watching."""
        self._is_closed.set()

    def _cancel_overdue(self) -> None:
        while not self._is_closed.wait(self._seconds / 4):
            now = time.monotonic()
            for due_time, context in list(self._waiting.values()):
                if due_time < now:
                    context.cancel()
