"""The gRPC server: limits at the edge, health, and an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from types import FrameType
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from data.errors import ConfigError
from serving.edge.admission import Lane, Limiter
from serving.edge.servicers import SERVICE_NAMES, add_servicers

if TYPE_CHECKING:
    from serving.engine import Engine

DEFAULT_ADDRESS = "127.0.0.1:50051"


@dataclass(frozen=True)
class ServerSettings:
    """What a server may take on.

    Args:
        thread_count: Searches, pages and completions worked on at once. An answer holds the
            interpreter most of its time: a second one takes it away in the middle, and both
            callers wait longer. More pay where most of an answer is spent in the index, with
            millions of items.
        in_flight_limit: These calls, worked on or waiting; more are refused.
        event_thread_count: Calls that record events at once; they mostly wait for the disk, and
            all that wait share one sync.
        event_limit: The same limit for these.
        change_thread_count: Changes of the catalogue and administration at once.
        change_limit: The same limit for these.
        message_limit_bytes: A longer request is refused before it is parsed.
        metadata_limit_bytes: As above, for the headers of a call.
        stream_limit: Calls at once on one connection.
        handshake_seconds: A connection that has not spoken HTTP/2 by then is closed.
        message_seconds: A call whose message has not come by then is cancelled.
        idle_seconds: A connection without calls for so long is closed.
        keepalive_seconds: A peer with calls under way is pinged so often; one that does not answer
            for as long again is gone, and so are its calls.
        reflection: Whether the server describes its interface to whoever asks.
    """

    thread_count: int = 1
    in_flight_limit: int = 8
    event_thread_count: int = 8
    event_limit: int = 32
    change_thread_count: int = 2
    change_limit: int = 8
    message_limit_bytes: int = 256 * 1024
    metadata_limit_bytes: int = 8 * 1024
    stream_limit: int = 100
    handshake_seconds: float = 5.0
    message_seconds: float = 2.0
    idle_seconds: float = 300.0
    keepalive_seconds: float = 30.0
    reflection: bool = False


class RunningServer:
    """A server that answers, until ``stop``. ``port`` is the port it got."""

    def __init__(
        self, server: Any, limiter: Limiter, healths: health.HealthServicer, port: int
    ) -> None:
        self._server = server
        self._limiter = limiter
        self._healths = healths
        self.port = port

    def stop(self, grace_seconds: float = 10.0) -> None:
        """Takes no more calls, lets those under way end within the grace, and returns.

        Health says NOT_SERVING from the first moment. The engine is left open; a change that takes
        longer than the grace has lost its caller and goes on by itself.
        """
        self._healths.enter_graceful_shutdown()
        self._server.stop(grace_seconds).wait()
        self._limiter.close()

    def run_until_signal(
        self, when_ready: Callable[[], None], *, grace_seconds: float = 10.0
    ) -> None:
        """Waits for SIGTERM or SIGINT, then stops. Only the main thread may call it.

        ``when_ready`` is called once a signal would be heeded: whoever is told there that the
        server is up may stop it at once.
        """
        asked_to_stop = threading.Event()

        def ask(number: int, frame: FrameType | None) -> None:
            asked_to_stop.set()

        earlier = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            when_ready()
            asked_to_stop.wait()
            self.stop(grace_seconds)
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)


def serve(
    engine: Engine, address: str = DEFAULT_ADDRESS, settings: ServerSettings | None = None
) -> RunningServer:
    """Starts to answer for ``engine`` on ``address``, ``host:port``; port 0 takes any free one.

    Raises:
        ConfigError: The address is taken or none, or a setting is out of range.
    """
    settings = settings or ServerSettings()
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name.endswith(("_count", "_limit")) and value < 1:
            raise ConfigError(f"{field.name}: expected 1 or more, received {value}")
    answers = Lane("answers", at_once=settings.thread_count, limit=settings.in_flight_limit)
    limiter = Limiter(
        answers,
        events=Lane("events", at_once=settings.event_thread_count, limit=settings.event_limit),
        changes=Lane("changes", at_once=settings.change_thread_count, limit=settings.change_limit),
        message_seconds=settings.message_seconds,
    )
    server = grpc.server(answers.pool, interceptors=(limiter,), options=_options(settings))
    healths = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healths, server)
    add_servicers(engine, server)
    if settings.reflection:
        _add_reflection(server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        limiter.close()
        raise ConfigError(f"address: expected a free host:port, received {address!r}") from error
    server.start()
    for name in SERVICE_NAMES:
        healths.set(name, health_pb2.HealthCheckResponse.SERVING)
    return RunningServer(server, limiter, healths, port)


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    return [
        # On by default: two servers would share a port without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", settings.message_limit_bytes),
        ("grpc.max_metadata_size", settings.metadata_limit_bytes),
        ("grpc.absolute_max_metadata_size", settings.metadata_limit_bytes),
        ("grpc.max_concurrent_streams", settings.stream_limit),
        ("grpc.server_handshake_timeout_ms", round(settings.handshake_seconds * 1_000)),
        ("grpc.max_connection_idle_ms", round(settings.idle_seconds * 1_000)),
        ("grpc.keepalive_time_ms", round(settings.keepalive_seconds * 1_000)),
        ("grpc.keepalive_timeout_ms", round(settings.keepalive_seconds * 1_000)),
    ]


def _add_reflection(server: Any) -> None:
    from grpc_reflection.v1alpha import reflection

    names = (*SERVICE_NAMES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
