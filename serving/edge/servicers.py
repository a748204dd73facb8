"""The gRPC services: parse and validate the message, call the engine, write the response."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import grpc

from protos import (
    admin_pb2_grpc,
    catalog_pb2,
    catalog_pb2_grpc,
    discovery_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
)
from serving.api.completion_codec import read_complete, write_completed
from serving.api.proto_codec import (
    read_event,
    read_item,
    read_recommend,
    read_search,
    write_answer,
    write_status,
)
from serving.api.validation import (
    BATCH_LIMIT,
    check_count,
    checked_complete,
    checked_event,
    checked_item,
    checked_item_ids,
    checked_path,
    checked_recommend,
    checked_search,
)
from serving.edge.grpc_errors import end_with

if TYPE_CHECKING:
    from serving.engine import Engine

SERVICE_NAMES = tuple(
    f"nextclick.v1.{name}" for name in ("Discovery", "Events", "Catalog", "Admin")
)


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class _Servicer:
    """State of every servicer: the engine, the clock, and a generator of event ids."""

    engine: Engine
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = _new_id


def _edge(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Any], Any]:
    """Wraps a method: skips calls whose deadline has passed, and maps errors to statuses."""

    @wraps(method)
    def answer(self: Any, request: Any, context: Any) -> Any:
        left_seconds = context.time_remaining()
        if not context.is_active() or (left_seconds is not None and left_seconds <= 0):
            # The deadline passed, or the caller cancelled, while the call waited for a thread.
            context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the caller's deadline has passed")
        try:
            return method(self, request)
        except Exception as error:
            failed = error
        # Outside the handler, so that the exception of ``abort`` has no context to leak.
        end_with(context, failed, method.__qualname__)

    return answer


class DiscoveryServicer(_Servicer):
    """Search, recommendations and completion."""

    @_edge
    def SearchItems(self, request: Any) -> Any:
        """Answers a search."""
        return write_answer(self.engine.search(checked_search(read_search(request))), request)

    @_edge
    def RecommendItems(self, request: Any) -> Any:
        """Answers a recommendation request of a browse page."""
        asked = checked_recommend(read_recommend(request))
        return write_answer(self.engine.recommend(asked), request)

    @_edge
    def Complete(self, request: Any) -> Any:
        """Completes a typed text."""
        return write_completed(self.engine.complete(checked_complete(read_complete(request))))


class EventsServicer(_Servicer):
    """Recording of shoppers' events."""

    @_edge
    def RecordEvents(self, request: Any) -> Any:
        """Records a batch of events, all or none."""
        check_count("events", len(request.events), 1, BATCH_LIMIT)
        now = self.clock()
        events = []
        for position, message in enumerate(request.events):
            prefix = f"events[{position}]."
            event = read_event(message, prefix, now=now, new_id=self.new_id)
            events.append(checked_event(event, prefix, now=now))
        report = self.engine.record(events)
        return events_pb2.RecordEventsResponse(
            recorded_count=report.recorded_count,
            duplicate_count=report.duplicate_count,
            unknown_item_count=report.unknown_item_count,
        )


class CatalogServicer(_Servicer):
    """Live changes of the catalogue."""

    @_edge
    def BatchUpdateItems(self, request: Any) -> Any:
        """Adds or replaces a batch of items, all or none."""
        check_count("items", len(request.items), 1, BATCH_LIMIT)
        prefixes = [f"items[{position}]." for position in range(len(request.items))]
        items = [
            checked_item(read_item(message, prefix), prefix)
            for message, prefix in zip(request.items, prefixes, strict=True)
        ]
        report = self.engine.update_items(items)
        return catalog_pb2.BatchUpdateItemsResponse(
            added_count=report.added_count, updated_count=report.updated_count
        )

    @_edge
    def BatchDeleteItems(self, request: Any) -> Any:
        """Deletes a batch of items from the catalogue."""
        report = self.engine.delete_items(checked_item_ids(request.item_ids))
        return catalog_pb2.BatchDeleteItemsResponse(removed_count=report.removed_count)


class AdminServicer(_Servicer):
    """Publishing, rolling back, status."""

    @_edge
    def PublishBundle(self, request: Any) -> Any:
        """Makes another bundle the active one."""
        return write_status(self.engine.publish(checked_path(request.path)))

    @_edge
    def RollbackBundle(self, request: Any) -> Any:
        """Makes the previous bundle the active one again."""
        return write_status(self.engine.rollback())

    @_edge
    def GetStatus(self, request: Any) -> Any:
        """Reports the active bundle and the engine's counts."""
        return write_status(self.engine.status())


def add_servicers(engine: Engine, server: Any, *, clock: Callable[[], float] = time.time) -> None:
    """Registers all services with a gRPC server; event times are checked against ``clock``."""
    discovery_pb2_grpc.add_DiscoveryServicer_to_server(DiscoveryServicer(engine, clock), server)
    events_pb2_grpc.add_EventsServicer_to_server(EventsServicer(engine, clock), server)
    catalog_pb2_grpc.add_CatalogServicer_to_server(CatalogServicer(engine, clock), server)
    admin_pb2_grpc.add_AdminServicer_to_server(AdminServicer(engine, clock), server)
