"""The gRPC health service: https://github.com/grpc/grpc/blob/master/doc/health-checking.md.

``grpc_health`` has one, too. It sends to all who watch while it holds its lock, and takes the same lock
on the thread that reports what has been sent: with two watchers, one that left while the other was
told something stopped all health checks for good, and the end of the server with them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Response = health_pb2.HealthCheckResponse
_STATUS = Response.ServingStatus


class HealthChecks(health_pb2_grpc.HealthServicer):
    """Answers for the server as a whole, named "", and for each of its services.

    Args:
        services: Their names. Until ``end`` all of them are served.
    """

    def __init__(self, services: tuple[str, ...]) -> None:
        self._services = frozenset(("", *services))
        # Nothing is sent, and nobody is waited for, while this is held.
        self._lock = threading.Lock()
        self._watches: set[threading.Event] = set()
        self._is_ending = False

    def end(self) -> None:
        """Says NOT_SERVING from now on, and ends the streams of those who watch once they know."""
        with self._lock:
            self._is_ending = True
            for changed in self._watches:
                changed.set()

    def Check(self, request: Any, context: Any) -> Any:
        """The status of a service; NOT_FOUND for names that are none."""
        if request.service not in self._services:
            context.abort(grpc.StatusCode.NOT_FOUND, "service: expected one of List, received none")
        return Response(status=self._status(request.service))

    def List(self, request: Any, context: Any) -> Any:
        """The status of each service."""
        statuses = {name: Response(status=self._status(name)) for name in sorted(self._services)}
        return health_pb2.HealthListResponse(statuses=statuses)

    def Watch(self, request: Any, context: Any) -> Iterator[Any]:
        """The status of a service now, and at the end; until then it holds a thread."""
        changed = threading.Event()
        with self._lock:
            self._watches.add(changed)
        try:
            # Called when the call ends; False if it has ended already.
            if context.add_callback(changed.set):
                told = self._status(request.service)
                yield Response(status=told)
                if not self._is_ending:
                    changed.wait()
                status = self._status(request.service)
                if status != told:
                    yield Response(status=status)
        finally:
            with self._lock:
                self._watches.discard(changed)

    def _status(self, service: str) -> int:
        if service not in self._services:
            return int(_STATUS.SERVICE_UNKNOWN)
        return int(_STATUS.NOT_SERVING if self._is_ending else _STATUS.SERVING)
