"""The Python client: our own types in and out, with retries of calls that are safe to repeat."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from data.errors import ConfigError, OverloadError, RequestError
from data.offers.offer import Offer
from data.records import Event, Item
from protos import (
    admin_pb2,
    admin_pb2_grpc,
    catalog_pb2,
    catalog_pb2_grpc,
    discovery_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
)
from serving.api.admin.status_codec import read_status
from serving.api.answers import Answer, Completed
from serving.api.completion_codec import read_completed, write_complete
from serving.api.offers.offer_codec import (
    read_offer_answer,
    read_report,
    write_changes,
    write_offer_request,
)
from serving.api.offers.offer_requests import OfferAnswer, OfferReport, OfferRequest
from serving.api.proto_codec import (
    read_answer,
    write_event,
    write_item,
    write_recommend,
    write_search,
)
from serving.api.reports import CatalogReport, RecordReport, Status
from serving.api.requests import CompleteRequest, RecommendRequest, SearchRequest
from serving.api.validation import BATCH_LIMIT
from serving.edge.grpc_errors import error_of
from serving.pictures.picture_codec import read_picture_answer, write_picture_search
from serving.pictures.picture_requests import PictureSearchRequest
from serving.voice.voice_codec import read_voice_answer, write_voice
from serving.voice.voice_requests import VoiceAnswer, VoiceRequest

BATCH_BYTE_LIMIT = 200 * 1024
"""Below the server's message limit, with room for the other fields of the message."""

PUBLISH_TIMEOUT_SECONDS = 300.0
RETRIED_CODES = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
"""A server that shuts down answers concurrent calls with either code."""

ATTEMPT_LIMIT = 5
"""gRPC's own upper limit on attempts."""

_RETRIED_METHODS = {
    "nextclick.v1.Discovery": (
        *("SearchItems", "RecommendItems", "Complete", "RecommendOffers"),
        # Of recordings and pictures, gRPC keeps only small ones for another attempt.
        *("SearchByVoice", "SearchByImage"),
    ),
    "nextclick.v1.Events": ("RecordEvents",),
    "nextclick.v1.Catalog": ("BatchUpdateItems", "BatchDeleteItems", "BatchUpdateOffers"),
    "nextclick.v1.Admin": ("GetStatus",),
}
"""Calls that are safe to repeat. A repeated rollback would swap the two bundles back."""

_RECONNECT_MS = (50, 200)
"""Initial and maximum backoff between connection attempts. With gRPC's default of one second, all
attempts of a call could fail although the server is back."""

T = TypeVar("T")


@dataclass(frozen=True)
class RetrySettings:
    """Maximum number of attempts, 1 to ``ATTEMPT_LIMIT``, and the wait before the second one;
    later waits double, each with a jitter of about 20 %."""

    attempt_limit: int = ATTEMPT_LIMIT
    first_wait_seconds: float = 0.05
    wait_limit_seconds: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.attempt_limit <= ATTEMPT_LIMIT:
            raise ConfigError(
                f"attempt_limit: expected 1 to {ATTEMPT_LIMIT}, received {self.attempt_limit}"
            )


class Client:
    """A connection to a server.

    Every call raises ``RequestError``, ``BundleError`` or ``OverloadError`` as the engine itself
    would, and ``NextclickError`` for any other failure.

    Args:
        address: ``host:port``.
        timeout_seconds: Of one call, including all attempts.
        retry: Retry policy of calls that are safe to repeat.
    """

    def __init__(
        self, address: str, *, timeout_seconds: float = 10.0, retry: RetrySettings | None = None
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._channel = grpc.insecure_channel(address, _options(retry or RetrySettings()))
        self._discovery = discovery_pb2_grpc.DiscoveryStub(self._channel)
        self._events = events_pb2_grpc.EventsStub(self._channel)
        self._catalog = catalog_pb2_grpc.CatalogStub(self._channel)
        self._admin = admin_pb2_grpc.AdminStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def search(self, request: SearchRequest) -> Answer:
        """Searches. A retried attempt may record the search twice in the session."""
        message = _written(write_search, request)
        return read_answer(self._call(self._discovery.SearchItems, message), message)

    def search_by_voice(self, request: VoiceRequest) -> VoiceAnswer:
        """Searches by voice. The first one after a start waits for the speech model."""
        message = _written(write_voice, request)
        return read_voice_answer(self._call(self._discovery.SearchByVoice, message), message)

    def search_by_image(self, request: PictureSearchRequest) -> Answer:
        """Searches by picture; retried as ``search`` is."""
        message = _written(write_picture_search, request)
        return read_picture_answer(self._call(self._discovery.SearchByImage, message))

    def recommend(self, request: RecommendRequest) -> Answer:
        """Requests the items of a browse page."""
        message = _written(write_recommend, request)
        return read_answer(self._call(self._discovery.RecommendItems, message), message)

    def complete(self, request: CompleteRequest) -> Completed:
        """Requests completions of a typed text."""
        message = _written(write_complete, request)
        return read_completed(self._call(self._discovery.Complete, message))

    def recommend_offers(self, request: OfferRequest) -> OfferAnswer:
        """Requests the offers for a visitor."""
        message = _written(write_offer_request, request)
        return read_offer_answer(self._call(self._discovery.RecommendOffers, message))

    def record(self, events: Sequence[Event]) -> RecordReport:
        """Records events, in as many batches as needed; they are on disk on return.

        Events without an id get one here, so that a retried attempt counts once.
        """
        named = [event if event.event_id else _with_new_id(event) for event in events]
        recorded = duplicate = unknown = 0
        for batch in _batches([_written(write_event, event) for event in named]):
            request = events_pb2.RecordEventsRequest(events=batch)
            response = self._call(self._events.RecordEvents, request)
            recorded += response.recorded_count
            duplicate += response.duplicate_count
            unknown += response.unknown_item_count
        return RecordReport(recorded, duplicate, unknown)

    def update_items(self, items: Sequence[Item]) -> CatalogReport:
        """Adds or replaces items, in as many batches as needed."""
        added = updated = 0
        for batch in _batches([_written(write_item, item) for item in items]):
            request = catalog_pb2.BatchUpdateItemsRequest(items=batch)
            response = self._call(self._catalog.BatchUpdateItems, request)
            added += response.added_count
            updated += response.updated_count
        return CatalogReport(added, updated, 0)

    def delete_items(self, item_ids: Sequence[str]) -> CatalogReport:
        """Deletes items from the catalogue, in as many batches as needed."""
        removed = 0
        for start in range(0, len(item_ids), BATCH_LIMIT):
            request = catalog_pb2.BatchDeleteItemsRequest(
                item_ids=item_ids[start : start + BATCH_LIMIT]
            )
            removed += self._call(self._catalog.BatchDeleteItems, request).removed_count
        return CatalogReport(0, 0, removed)

    def update_offers(
        self, offers: Sequence[Offer], deleted_ids: Sequence[str] = ()
    ) -> OfferReport:
        """Adds or replaces offers and deletes others, in one batch, all or none."""
        message = _written(lambda changed: write_changes(changed, deleted_ids), offers)
        return read_report(self._call(self._catalog.BatchUpdateOffers, message))

    def publish(self, path: str) -> Status:
        """Makes the bundle in ``path``, a folder on the server's machine, the active one."""
        request = admin_pb2.PublishBundleRequest(path=path)
        return read_status(self._call_long(self._admin.PublishBundle, request))

    def rollback(self) -> Status:
        """Makes the previous bundle the active one again."""
        request = admin_pb2.RollbackBundleRequest()
        return read_status(self._call_long(self._admin.RollbackBundle, request))

    def interleave(self, path: str, share: float) -> Status:
        """Compares the bundle in ``path``, a folder on the server's machine, with the active one.

        Args:
            share: Of the visitors, above 0 to 1.
        """
        request = admin_pb2.InterleaveBundleRequest(path=path, share=share)
        return read_status(self._call_long(self._admin.InterleaveBundle, request))

    def stop_interleaving(self) -> Status:
        """Ends the comparison."""
        request = admin_pb2.StopInterleavingRequest()
        return read_status(self._call(self._admin.StopInterleaving, request))

    def status(self) -> Status:
        """The state of the server."""
        return read_status(self._call(self._admin.GetStatus, admin_pb2.GetStatusRequest()))

    def wait_until_serving(self, seconds: float = 30.0) -> None:
        """Returns once the server's health check reports SERVING.

        Raises:
            OverloadError: It did not within ``seconds``.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                reply = self._health.Check(
                    health_pb2.HealthCheckRequest(), timeout=left, wait_for_ready=True
                )
            except grpc.RpcError:
                reply = health_pb2.HealthCheckResponse()
            if reply.status == health_pb2.HealthCheckResponse.SERVING:
                return
            time.sleep(min(0.02, max(0.0, end - time.monotonic())))
        raise OverloadError(f"health: expected SERVING within {seconds:g} s, received none")

    def _call(self, method: Any, request: Any) -> Any:
        """Makes a call; gRPC retries it within the timeout where the retry policy allows."""
        return _made(method, request, self._timeout_seconds)

    def _call_long(self, method: Any, request: Any) -> Any:
        return _made(method, request, max(self._timeout_seconds, PUBLISH_TIMEOUT_SECONDS))


def _options(retry: RetrySettings) -> list[tuple[str, Any]]:
    first_ms, most_ms = _RECONNECT_MS
    options: list[tuple[str, Any]] = [
        ("grpc.initial_reconnect_backoff_ms", first_ms),
        ("grpc.min_reconnect_backoff_ms", first_ms),
        ("grpc.max_reconnect_backoff_ms", most_ms),
    ]
    if retry.attempt_limit == 1:
        return options
    policy = {
        "maxAttempts": retry.attempt_limit,
        "initialBackoff": f"{retry.first_wait_seconds:.3f}s",
        "maxBackoff": f"{retry.wait_limit_seconds:.3f}s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": [code.name for code in RETRIED_CODES],
    }
    names = [
        {"service": service, "method": method}
        for service, methods in _RETRIED_METHODS.items()
        for method in methods
    ]
    config = {"methodConfig": [{"name": names, "retryPolicy": policy}]}
    return [*options, ("grpc.service_config", json.dumps(config))]


def _made(method: Any, request: Any, timeout_seconds: float) -> Any:
    try:
        return method(request, timeout=timeout_seconds)
    except grpc.RpcError as error:
        raise error_of(error) from error


def _written(write: Callable[[T], Any], value: T) -> Any:
    try:
        return write(value)
    except (ValueError, TypeError) as error:
        # Numbers beyond 32 bits or invalid Unicode: protobuf cannot represent the message.
        raise RequestError("request", "values that the wire can carry", str(error)) from error


def _with_new_id(event: Event) -> Event:
    return replace(event, event_id=uuid.uuid4().hex)


def _batches(messages: Sequence[Any]) -> Iterator[list[Any]]:
    """Splits messages into consecutive batches that fit into one request each."""
    batch: list[Any] = []
    byte_count = 0
    for message in messages:
        # Room for the message's tag and length.
        size = message.ByteSize() + 8
        if batch and (len(batch) == BATCH_LIMIT or byte_count + size > BATCH_BYTE_LIMIT):
            yield batch
            batch, byte_count = [], 0
        batch.append(message)
        byte_count += size
    if batch:
        yield batch
