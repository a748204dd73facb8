"""The gRPC services: parse and validate the message, call the engine, write the response.

Errors are raised as they come; ``unary_calls`` maps them to statuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from protos import (
    admin_pb2_grpc,
    catalog_pb2,
    catalog_pb2_grpc,
    discovery_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
)
from serving.api.admin.status_codec import write_status
from serving.api.completion_codec import read_complete, write_completed
from serving.api.offers.offer_codec import (
    read_offer,
    read_offer_request,
    write_offer_answer,
    write_report,
)
from serving.api.proto_codec import (
    read_event,
    read_item,
    read_recommend,
    read_search,
    write_answer,
)
from serving.api.random_ids import RandomIds
from serving.api.reports import RecordReport
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
    checked_share,
)
from serving.edge.interpreter import long_lived
from serving.offers.offer_validation import check_offers, checked_offer_request
from serving.pictures.picture_codec import read_picture_search, write_picture_answer
from serving.pictures.picture_requests import checked_picture_search
from serving.voice.voice_codec import read_voice, write_voice_answer
from serving.voice.voice_search import VoiceSearch
from towers.paced import Paced

if TYPE_CHECKING:
    from serving.engine import Engine

SERVICE_NAMES = tuple(
    f"nextclick.v1.{name}" for name in ("Discovery", "Events", "Catalog", "Admin")
)


@dataclass(frozen=True)
class _Servicer:
    """State of every servicer: the engine, the clock, and a generator of event ids."""

    engine: Engine
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = field(default_factory=lambda: RandomIds().next)


@dataclass(frozen=True)
class DiscoveryServicer(_Servicer):
    """Search, recommendations and completion."""

    voice: VoiceSearch = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "voice", VoiceSearch(self.engine))

    def SearchItems(self, request: Any, context: Any) -> Any:
        """Answers a search."""
        asked = checked_search(read_search(request))
        answer = self.engine.search(asked, before_stage=context.raise_if_abandoned)
        return write_answer(answer, request)

    def RecommendItems(self, request: Any, context: Any) -> Any:
        """Answers a recommendation request of a browse page."""
        asked = checked_recommend(read_recommend(request))
        answer = self.engine.recommend(asked, before_stage=context.raise_if_abandoned)
        return write_answer(answer, request)

    def SearchByImage(self, request: Any, context: Any) -> Any:
        """Answers a search by picture."""
        asked = checked_picture_search(read_picture_search(request))
        answer = self.engine.pictures.search(asked, before_stage=context.raise_if_abandoned)
        return write_picture_answer(answer)

    def Complete(self, request: Any, context: Any) -> Any:
        """Completes a typed text."""
        return write_completed(self.engine.complete(checked_complete(read_complete(request))))

    def RecommendOffers(self, request: Any, context: Any) -> Any:
        """Answers a request for offers."""
        asked = checked_offer_request(read_offer_request(request))
        return write_offer_answer(self.engine.offers.recommend(asked))

    def SearchByVoice(self, request: Any, context: Any) -> Any:
        """Answers a spoken search."""
        asked = read_voice(request)
        answer = self.voice.search(asked, before_stage=context.raise_if_abandoned)
        return write_voice_answer(answer, request)


class EventsServicer(_Servicer):
    """Recording of shoppers' events."""

    def RecordEvents(self, request: Any, context: Any) -> None:
        """Records a batch of events, all or none; the response follows once they are on disk."""
        check_count("events", len(request.events), 1, BATCH_LIMIT)
        now = self.clock()
        events = []
        for position, message in enumerate(request.events):
            prefix = f"events[{position}]."
            event = read_event(message, prefix, now=now, new_id=self.new_id)
            events.append(checked_event(event, prefix, now=now))

        def finish(report: RecordReport | Exception) -> None:
            context.finish(report if isinstance(report, Exception) else _recorded(report))

        self.engine.record_then(events, finish)


class CatalogServicer(_Servicer):
    """Live changes of the catalogue."""

    def BatchUpdateItems(self, request: Any, context: Any) -> Any:
        """Adds or replaces a batch of items, all or none."""
        check_count("items", len(request.items), 1, BATCH_LIMIT)
        items = []
        for position, message in enumerate(Paced(request.items, context.give_way)):
            prefix = f"items[{position}]."
            items.append(checked_item(read_item(message, prefix), prefix))
        report = self.engine.update_items(items, context.give_way)
        return catalog_pb2.BatchUpdateItemsResponse(
            added_count=report.added_count, updated_count=report.updated_count
        )

    def BatchDeleteItems(self, request: Any, context: Any) -> Any:
        """Deletes a batch of items from the catalogue."""
        report = self.engine.delete_items(checked_item_ids(request.item_ids))
        return catalog_pb2.BatchDeleteItemsResponse(removed_count=report.removed_count)

    def BatchUpdateOffers(self, request: Any, context: Any) -> Any:
        """Adds, replaces and deletes a batch of offers, all or none."""
        check_count("offers", len(request.offers), 0, BATCH_LIMIT)
        offers = [
            read_offer(message, f"offers[{position}].")
            for position, message in enumerate(request.offers)
        ]
        deleted_ids = tuple(request.deleted_offer_ids)
        check_offers(offers, deleted_ids, now=self.clock())
        return write_report(self.engine.offers.update(offers, deleted_ids))


class AdminServicer(_Servicer):
    """Publishing, rolling back, comparing bundles, status."""

    def PublishBundle(self, request: Any, context: Any) -> Any:
        """Makes another bundle the active one."""
        path = checked_path(request.path)
        with long_lived():
            return write_status(self.engine.publish(path))

    def RollbackBundle(self, request: Any, context: Any) -> Any:
        """Makes the previous bundle the active one again."""
        with long_lived():
            return write_status(self.engine.rollback())

    def InterleaveBundle(self, request: Any, context: Any) -> Any:
        """Compares another bundle with the active one."""
        path, share = checked_path(request.path), checked_share(request.share)
        with long_lived():
            return write_status(self.engine.interleave(path, share))

    def StopInterleaving(self, request: Any, context: Any) -> Any:
        """Ends the comparison."""
        return write_status(self.engine.stop_interleaving())

    def GetStatus(self, request: Any, context: Any) -> Any:
        """Reports the active bundle and the engine's counts."""
        return write_status(self.engine.status())


def _recorded(report: RecordReport) -> Any:
    return events_pb2.RecordEventsResponse(
        recorded_count=report.recorded_count,
        duplicate_count=report.duplicate_count,
        unknown_item_count=report.unknown_item_count,
    )


def add_servicers(engine: Engine, server: Any, *, clock: Callable[[], float] = time.time) -> None:
    """Registers all services with a gRPC server; event times are checked against ``clock``."""
    discovery_pb2_grpc.add_DiscoveryServicer_to_server(DiscoveryServicer(engine, clock), server)
    events_pb2_grpc.add_EventsServicer_to_server(EventsServicer(engine, clock), server)
    catalog_pb2_grpc.add_CatalogServicer_to_server(CatalogServicer(engine, clock), server)
    admin_pb2_grpc.add_AdminServicer_to_server(AdminServicer(engine, clock), server)


def handlers_of(engine: Engine) -> dict[str, Any]:
    """The ``grpc.RpcMethodHandler`` of every method by its path."""
    registry = _Registry()
    add_servicers(engine, registry)
    return registry.handlers


class _Registry:
    """Takes the place of a gRPC server while servicers are added."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same handlers come by name as well."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        self.handlers |= {f"/{service}/{name}": one for name, one in handlers.items()}
