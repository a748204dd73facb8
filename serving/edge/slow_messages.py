"""The guard against calls whose message does not come: each would hold a thread for good."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc


class MessageWatch:
    """Cancels calls whose message does not come in time: gRPC itself would wait for good.

    Args:
        seconds: How long a message may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: dict[int, tuple[float, Any]] = {}
        self._is_over = threading.Event()
        threading.Thread(target=self._look, name="message-watch", daemon=True).start()

    def first(self, messages: Iterator[Any], context: Any) -> Any:
        """The message of a call; what gRPC raises where there is none is left to it."""
        key = id(context)
        self._waiting[key] = (time.monotonic() + self._seconds, context)
        try:
            for message in messages:
                return message
        finally:
            self._waiting.pop(key, None)
        return context.abort(grpc.StatusCode.INVALID_ARGUMENT, "message: expected one, received 0")

    def close(self) -> None:
        """Watches no more."""
        self._is_over.set()

    def _look(self) -> None:
        while not self._is_over.wait(self._seconds / 4):
            now = time.monotonic()
            for due_time, context in list(self._waiting.values()):
                if due_time < now:
                    context.cancel()
