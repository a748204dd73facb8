"""A small shop behind a real server: an engine that keeps what it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import BundleError
from data.records import Event, EventType, Item
from data.sources.own_log import LOG_NAME, Impression
from serving.api.answers import (
    Answer,
    Completed,
    EventEffect,
    FeatureEffect,
    Result,
    SourceHit,
    Suggestion,
)
from serving.api.reports import CatalogReport, RecordReport, Status
from serving.api.requests import CompleteRequest, RecommendRequest, SearchRequest, SuggestionKind
from serving.edge.client import Client
from serving.edge.server import RunningServer, ServerSettings, serve
from serving.state.event_log import EventLog
from serving.state.session_store import SessionStore

SHELF = (
    Item("m1", "Whole milk", category=("Dairy", "Milk"), brand="Farm", price=1.5),
    Item("m2", "Oat milk", category=("Dairy", "Milk"), brand="Oaty", price=2.5),
    Item("b1", "Rye bread", category=("Bakery",), brand="Mill", price=3.0),
    Item("c1", "全脂牛奶", category=("乳制品",), brand="农场", price=12.0, currency="CNY"),
)


class ShelfEngine:
    """Answers with the items whose title holds the query, those of the session first.

    It is not the engine: it stands behind the edge where the edge is what is tested. ``fault`` is
    raised by every call, ``hold`` makes each wait until it is set.
    """

    def __init__(self, state: Path) -> None:
        self.items = {item.item_id: item for item in SHELF}
        self.sessions = SessionStore()
        self.log = EventLog(state / LOG_NAME, after_commit=self.sessions.apply)
        self.fault: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.seen: list[SearchRequest | RecommendRequest | Sequence[Event]] = []
        self.bundles = ["first"]

    def search(self, request: SearchRequest) -> Answer:
        self._enter(request)
        found = [item for item in self.items.values() if request.query in item.title.lower()]
        answer = self._answer(found, request)
        if request.record and request.visitor_id:
            id_ = f"search-{len(self.seen)}"
            self.log.append_events(
                [Event(id_, EventType.SEARCH, request.visitor_id, time.time(), query=request.query)]
            )
        return answer

    def recommend(self, request: RecommendRequest) -> Answer:
        self._enter(request)
        return self._answer(list(self.items.values()), request)

    def complete(self, request: CompleteRequest) -> Completed:
        found = [item for item in self.items.values() if request.text in item.title.lower()]
        suggestions = [
            Suggestion(SuggestionKind.ITEM, item.title, item.item_id, item.category)
            for item in found[: request.max_results]
        ]
        return Completed(tuple(suggestions), "", self.bundles[-1])

    def record(self, events: Sequence[Event]) -> RecordReport:
        self._enter(events)
        news = self.log.append_events(events)
        unknown = sum(
            new and bool(event.item_id) and event.item_id not in self.items
            for event, new in zip(events, news, strict=True)
        )
        return RecordReport(sum(news), len(news) - sum(news), unknown)

    def update_items(self, items: Sequence[Item]) -> CatalogReport:
        added = len({item.item_id for item in items} - set(self.items))
        self.items.update({item.item_id: item for item in items})
        return CatalogReport(added, len(items) - added, 0)

    def delete_items(self, item_ids: Sequence[str]) -> CatalogReport:
        removed = [self.items.pop(item_id, None) for item_id in item_ids]
        return CatalogReport(0, 0, sum(item is not None for item in removed))

    def publish(self, path: str) -> Status:
        if path == "damaged":
            raise BundleError("manifest.json: expected a manifest, received nothing")
        self.bundles.append(path)
        return self.status()

    def rollback(self) -> Status:
        if len(self.bundles) < 2:
            raise BundleError("rollback: expected an earlier bundle, received none")
        self.bundles.pop()
        return self.status()

    def status(self) -> Status:
        self._enter(())
        return Status(
            bundle_id=self.bundles[-1],
            bundle_path=self.bundles[-1],
            previous_bundle_path=self.bundles[-2] if len(self.bundles) > 1 else "",
            item_count=len(self.items),
            live_item_count=0,
            visitor_count=self.sessions.visitor_count,
            logged_event_count=self.log.event_count,
            unknown_item_event_count=0,
            uptime_seconds=1.5,
            versions={"nextclick": "0"},
        )

    def close(self) -> None:
        self.log.close()

    def _enter(self, request: SearchRequest | RecommendRequest | Sequence[Event]) -> None:
        self.seen.append(request)
        if self.fault is not None:
            raise self.fault
        self.hold.wait(timeout=10)

    def _answer(self, items: list[Item], request: SearchRequest | RecommendRequest) -> Answer:
        session = self.sessions.get(request.visitor_id)
        touched = {event.item_id for event in session.events}
        ordered = sorted(items, key=lambda item: item.item_id not in touched)
        end = request.offset + request.page_size
        shown = tuple(
            _result(item, 1.0 / (1 + rank), request.explain)
            for rank, item in enumerate(ordered[request.offset : end])
        )
        token = f"answer-{len(self.seen)}"
        self.log.enqueue_impression(
            Impression(
                attribution_token=token,
                visitor_id=request.visitor_id,
                time=time.time(),
                surface="search" if isinstance(request, SearchRequest) else "home",
                query=getattr(request, "query", ""),
                bundle_id=self.bundles[-1],
                item_ids=tuple(result.item_id for result in shown),
                offset=request.offset,
            )
        )
        next_offset = end if end < len(ordered) else None
        seen_count = len(session.events)
        return Answer(shown, token, self.bundles[-1], next_offset, session_event_count=seen_count)


def _result(item: Item, score: float, explain: bool) -> Result:
    result = Result(
        item.item_id, item.title, item.category, item.brand, item.price, item.in_stock, score
    )
    if not explain:
        return replace(result, sources=(SourceHit("lexical", 1),))
    return replace(
        result,
        sources=(SourceHit("lexical", 1), SourceHit("learnt", 3)),
        event_effects=(EventEffect("add_to_cart", "m2", "", 0.25),),
        feature_effects=(FeatureEffect("price", 1.5, -0.125),),
    )


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[ShelfEngine]:
    engine = ShelfEngine(tmp_path)
    yield engine
    engine.hold.set()
    engine.close()


@pytest.fixture
def server(engine: ShelfEngine) -> Iterator[RunningServer]:
    settings = ServerSettings(thread_count=4)
    running = serve(engine, "127.0.0.1:0", settings)  # type: ignore[arg-type]
    yield running
    engine.hold.set()
    running.stop(grace_seconds=1.0)


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    with Client(f"127.0.0.1:{server.port}", timeout_seconds=5.0) as client:
        yield client
