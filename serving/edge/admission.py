"""Admission control: limits on calls in flight; calls above a limit are refused at once.

Without it an overloaded server works through a queue of calls whose deadlines have passed. gRPC's
own limit refuses health checks as well, so a liveness probe would kill a server that is only busy.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import grpc

from data.errors import ConfigError
from serving.edge.grpc_errors import Failure

logger = logging.getLogger(__name__)

_SLICE_SECONDS = 0.001
_PATIENCE_SECONDS = 0.010
_EXIT_SECONDS = 10.0
"""Longer than the largest picture or recording takes."""


def let_pass(urgent: Lane, slice_end: float) -> float:
    """Waits until no call of an urgent lane is in flight, but not for long, once a slice has passed.

    Args:
        slice_end: By ``time.perf_counter``.

    Returns:
        The end of the slice of time that the caller has now.
    """
    if time.perf_counter() < slice_end:
        return slice_end
    urgent.wait_until_empty(_PATIENCE_SECONDS)
    return time.perf_counter() + _SLICE_SECONDS


class Lane:
    """One kind of call: how many run concurrently, and how many are in flight.

    Answers are bound by the GIL, events wait for the disk and share its fsyncs, and changes may
    take seconds, for example to load a bundle. Separate lanes keep one from delaying the others.
    A call is in flight from the arrival of its message until its response is sent; one that records
    events, until they are on disk. One that is
    cancelled while it waits is so until its turn, which bounds the messages that are kept.

    Args:
        name: Of the kind of call, for error messages.
        at_once: Threads of its own, each for a call at a time, up to ``limit``. 0: the thread that
            polls for calls answers them one by one.
        limit: Calls in flight, running or waiting; further ones are refused.
        gives_way_to: A lane whose calls are more urgent; None where there is none.
        counts_waiting: Whether a call is in flight from its beginning on, before its message is there:
            for messages so large that even those on their way have to be bounded.
        exit_seconds: How long the end of the process waits for running calls.
    """

    def __init__(
        self,
        name: str,
        *,
        at_once: int,
        limit: int,
        gives_way_to: Lane | None = None,
        counts_waiting: bool = False,
        exit_seconds: float = _EXIT_SECONDS,
    ) -> None:
        if not 0 <= at_once <= limit:
            raise ConfigError(f"{name}: expected 0 to {limit} at once, received {at_once}")
        self.limit = limit
        self.gives_way_to = gives_way_to
        self._exit_seconds = exit_seconds
        self.counts_waiting = counts_waiting
        # Calls whose message is on its way; used by the polling thread alone.
        self.waiting_count = 0
        # Calls enter on the polling thread and leave on whichever answers; both is atomic.
        self.calls: set[Any] = set()
        self._waiters: deque[threading.Lock] = deque()
        message = f"{name} in flight: expected at most {limit}, try again later"
        self.refusal = Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, message).status
        # ``ThreadPoolExecutor`` makes futures, which nobody reads: 7 microseconds a call.
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(at_once)
        ]

    @property
    def has_threads(self) -> bool:
        """Whether calls run on threads of the lane's own."""
        return bool(self._threads)

    @property
    def is_full(self) -> bool:
        """Whether the next call will be refused."""
        waiting_count = self.waiting_count if self.counts_waiting else 0
        return len(self.calls) + waiting_count >= self.limit

    def leave(self, call: Any) -> None:
        """Takes a call out, whose response is about to be sent."""
        self.calls.discard(call)
        while self._waiters and not self.calls:
            # Appended before the calls were looked at, so that none waits for a lane that is empty.
            with contextlib.suppress(IndexError):
                self._waiters.popleft().release()

    def wait_until_empty(self, seconds: float) -> None:
        """Returns once no call is in flight, or after ``seconds``."""
        if not self.calls:
            return
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        if self.calls:
            waiter.acquire(timeout=seconds)
        with contextlib.suppress(ValueError):
            self._waiters.remove(waiter)

    def submit(self, answer: Callable[[], None]) -> None:
        """Runs ``answer`` on a thread of the lane as soon as one is free."""
        self._queue.put(answer)

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()
        # A process must not end inside native code that is still running.
        atexit.register(self._join)

    def close(self) -> None:
        """Ends the threads, each after its running call, and does not wait for them."""
        for _ in self._threads:
            self._queue.put(None)

    def _join(self) -> None:
        self.close()
        end_time = time.monotonic() + self._exit_seconds
        for thread in self._threads:
            thread.join(max(0.0, end_time - time.monotonic()))

    def _run(self) -> None:
        while (answer := self._queue.get()) is not None:
            try:
                answer()
            except Exception:
                logger.exception("a call: expected to end with a status")
            # Kept while waiting, it would keep its call.
            del answer
