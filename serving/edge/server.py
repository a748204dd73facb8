"""The gRPC server: resource limits, health checks, and graceful shutdown."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from queue import Empty, SimpleQueue
from types import FrameType
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from data.errors import ConfigError
from serving.edge.admission import Lane
from serving.edge.servicers import SERVICE_NAMES, handlers_of
from serving.edge.side_calls import SideCalls
from serving.edge.unary_calls import CallQueue, Method
from towers.speech.recording import BYTE_LIMIT

if TYPE_CHECKING:
    from serving.engine import Engine

logger = logging.getLogger(__name__)

DEFAULT_ADDRESS = "127.0.0.1:50051"
_CANCEL_SECONDS = 5.0
"""For gRPC to end calls that it has cancelled; it takes milliseconds."""
_JOIN_SECONDS = 1.0
_SIGNAL_SECONDS = 0.5
"""Between looks for a signal that another thread was given."""
_BY_IMAGE = "/nextclick.v1.Discovery/SearchByImage"
_EVENTS, _CATALOG, _ADMIN = (f"nextclick.v1.{name}" for name in ("Events", "Catalog", "Admin"))
_BY_VOICE = "/nextclick.v1.Discovery/SearchByVoice"
_LARGE = (_BY_VOICE, _BY_IMAGE)
_RECORD = f"/{_EVENTS}/RecordEvents"
_BRIEF_BYTES = 1_024
"""A dozen events, which are read in half a millisecond."""


@dataclass(frozen=True)
class ServerSettings:
    """Resource limits of a server.

    Args:
        thread_count: Searches, recommendations and completions that run concurrently. An answer
            holds the GIL most of the time, so a second thread makes both callers wait longer; with
            one, the thread that polls for calls answers them.
            More threads help where the index takes most of the time, with millions of items.
        in_flight_limit: Such calls running or waiting; further ones are refused.
        event_thread_count: Large batches of events that are read concurrently. No thread waits for
            the disk; calls that wait for it together share one fsync.
        event_limit: In-flight limit of calls that record events: as many as come while a busy disk
            takes its time for one write.
        change_thread_count: Concurrent catalogue changes and administration calls.
        change_limit: In-flight limit of these calls.
        voice_thread_count: Recordings that are taken in concurrently; they are heard one at a time.
        voice_limit: In-flight limit of these calls, each of which takes about a second of all cores.
        picture_limit: In-flight limit of searches by picture, of which one runs at a time: decoding the
            largest takes a third of a second, which must not delay other answers.
        picture_limit_bytes: Larger messages of theirs are refused before parsing.
        message_limit_bytes: Larger request messages are refused before parsing, but for recordings and
            pictures.
        metadata_limit_bytes: The same for the headers of a call.
        stream_limit: Concurrent calls per connection.
        handshake_seconds: A connection without an HTTP/2 handshake by then is closed.
        message_seconds: A call whose message has not arrived by then is cancelled; until then it
            counts as in flight in no lane.
        large_message_seconds: The same for recordings and pictures, of up to 4 MiB over a slow uplink;
            these count as in flight from their beginning on.
        waiting_limit: Calls whose message has not arrived; beyond, the oldest of them is ended.
        idle_seconds: A connection is closed after this time without calls.
        keepalive_seconds: Interval of pings to a peer with calls in flight; a peer that does not
            answer within the same time is disconnected and its calls are cancelled.
        reflection: Whether to enable gRPC server reflection.
    """

    thread_count: int = 1
    in_flight_limit: int = 8
    event_thread_count: int = 2
    event_limit: int = 256
    change_thread_count: int = 2
    change_limit: int = 8
    voice_thread_count: int = 1
    voice_limit: int = 3
    picture_limit: int = 4
    picture_limit_bytes: int = 4 * 1024 * 1024 + 64 * 1024
    message_limit_bytes: int = 256 * 1024
    metadata_limit_bytes: int = 8 * 1024
    stream_limit: int = 100
    handshake_seconds: float = 5.0
    message_seconds: float = 2.0
    large_message_seconds: float = 20.0
    waiting_limit: int = 128
    idle_seconds: float = 300.0
    keepalive_seconds: float = 30.0
    reflection: bool = False


class RunningServer:
    """A running server. ``port`` is the port it is bound to."""

    def __init__(
        self, server: Any, calls: CallQueue, lanes: Sequence[Lane], side: SideCalls, port: int
    ) -> None:
        self._server = server
        self._calls = calls
        self._lanes = lanes
        self._side = side
        self.port = port

    def stop(self, grace_seconds: float = 10.0) -> bool:
        """Stops accepting calls, waits up to ``grace_seconds`` for those in flight, and returns.

        Health reports NOT_SERVING at once. The engine stays open; a change that takes longer than
        the grace period continues for as long as the process does, but its caller gets no response.

        Returns:
            Whether gRPC came to an end; if not within 6 seconds after the grace period, False.
        """
        self._side.health.end()
        # By then gRPC has cancelled all calls; should it not come to an end, the process still does.
        is_over: bool = self._server.stop(grace_seconds).wait(grace_seconds + _CANCEL_SECONDS)
        if not is_over:
            logger.error("server: expected an end of its calls in time, received none")
        self._calls.join(_JOIN_SECONDS)
        for lane in self._lanes:
            lane.close()
        self._side.close()
        return is_over


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], None]]:
    """Takes SIGTERM and SIGINT while the block runs, however often they come; for the main thread.

    Yields:
        Waits for the first of them.
    """
    # Unlike an event, it may be put to while the same thread is inside ``get``.
    received: SimpleQueue[int] = SimpleQueue()

    def take(number: int, frame: FrameType | None) -> None:
        received.put(number)

    def wait() -> None:
        # A signal that the system hands to another thread does not end a wait of this one.
        while True:
            with contextlib.suppress(Empty):
                received.get(timeout=_SIGNAL_SECONDS)
                return

    earlier = {number: signal.signal(number, take) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield wait
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def serve(
    engine: Engine, address: str = DEFAULT_ADDRESS, settings: ServerSettings | None = None
) -> RunningServer:
    """Starts a server for ``engine`` on ``address``, ``host:port``; port 0 picks a free port.

    Raises:
        ConfigError: The address is invalid or in use, or a setting is out of range.
    """
    settings = settings or ServerSettings()
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name.endswith(("_count", "_limit")) and value < 1:
            raise ConfigError(f"{field.name}: expected 1 or more, received {value}")
    thread_count = settings.thread_count if settings.thread_count > 1 else 0
    answers = Lane("answers", at_once=thread_count, limit=settings.in_flight_limit)
    events = Lane("events", at_once=settings.event_thread_count, limit=settings.event_limit)
    changes = Lane(
        "changes",
        at_once=settings.change_thread_count,
        limit=settings.change_limit,
        gives_way_to=answers,
    )
    voice = Lane(
        "recordings",
        at_once=settings.voice_thread_count,
        limit=settings.voice_limit,
        counts_waiting=True,
    )
    pictures = Lane("pictures", at_once=1, limit=settings.picture_limit, counts_waiting=True)
    lanes = {
        _EVENTS: events,
        _CATALOG: changes,
        _ADMIN: changes,
        _BY_VOICE: voice,
        _BY_IMAGE: pictures,
    }
    methods = [
        Method(
            path,
            handler,
            lanes.get(path) or lanes.get(path.split("/")[1], answers),
            _message_limit(settings, path),
            settings.large_message_seconds if path in _LARGE else settings.message_seconds,
            _BRIEF_BYTES if path == _RECORD else 0,
        )
        for path, handler in handlers_of(engine).items()
    ]
    side = SideCalls(settings.message_seconds, settings.message_limit_bytes, SERVICE_NAMES)
    server = grpc.server(side.checking, interceptors=(side,), options=_options(settings))
    health_pb2_grpc.add_HealthServicer_to_server(side.health, server)
    if settings.reflection:
        _add_reflection(server)
    calls = CallQueue(server, methods, waiting_limit=settings.waiting_limit)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        side.close()
        raise ConfigError(f"address: expected a free host:port, received {address!r}") from error
    server.start()
    all_lanes = answers, events, changes, voice, pictures
    for lane in all_lanes:
        lane.start()
    calls.start()
    return RunningServer(server, calls, all_lanes, side, port)


def _message_limit(settings: ServerSettings, path: str) -> int:
    if path == _BY_IMAGE:
        return settings.picture_limit_bytes
    # Besides the recording, a spoken search has what others have.
    return settings.message_limit_bytes + (BYTE_LIMIT if path == _BY_VOICE else 0)


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    return [
        # On by default, which would let two servers share a port silently.
        ("grpc.so_reuseport", 0),
        # The largest of any method; the others are checked once they are there.
        ("grpc.max_receive_message_length", max(_message_limit(settings, one) for one in _LARGE)),
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

    health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    names = (*SERVICE_NAMES, health, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
