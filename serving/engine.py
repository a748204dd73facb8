"""The engine: answers requests, takes in events and items, swaps bundles. It knows no gRPC."""

from __future__ import annotations

import random
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from data.errors import BundleError, OverloadError
from data.records import Event, Item
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.answering.pipeline import answered, impression_of
from serving.answering.rank_requests import (
    recommend_rank_request,
    search_event,
    search_rank_request,
)
from serving.answering.rule_file import RuleFile
from serving.api.answers import Answer, Completed
from serving.api.reports import CatalogReport, RecordReport, Status
from serving.api.requests import CompleteRequest, RecommendRequest, SearchRequest
from serving.api.validation import check_attributes
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from serving.state.session_store import SessionStore
from serving.state.state_lock import StateLock
from towers.bundle.bundle import Bundle
from towers.retrieval.rank_request import RankRequest
from towers.search_box.popular_queries import Searches
from towers.sessions.session import Session
from towers.text.query_rewriter import clear_caches

_VERSIONED = ("nextclick", "scann", "ai-edge-litert", "tantivy", "grpcio", "numpy")


class Engine:
    """Both stages, the sessions and the log of one service.

    Made by ``open``. Every method may be called from many threads.
    """

    def __init__(
        self,
        served: ActiveBundle,
        folder: Path,
        *,
        rules: RuleFile,
        log_feature_share: float,
        clock: Callable[[], float],
        seed: int,
    ) -> None:
        self._served = served
        self._previous_path = ""
        self._publishing = threading.Lock()
        self._changing_items = threading.Lock()
        # Items that changed while another bundle is being brought up; None: none is.
        self._meanwhile: dict[str, Item | None] | None = None
        self._clock = clock
        self._begun = clock()
        self._log_feature_share = log_feature_share
        self._rng = random.Random(seed)
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._unknown_item_events = 0
        self._rules = rules
        self.sessions = SessionStore()
        # Nobody has to know the key: it only keeps visitors apart.
        self._searches = Searches(uuid.uuid4().bytes)
        served.bundle.completion.searches = self._searches
        self._is_closed = False
        self._lock = StateLock(folder)
        try:
            self._items = ItemLog(folder / ITEM_LOG_NAME)
            self.log = EventLog(folder / LOG_NAME, after_commit=self.apply)
            self._restore()
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def open(
        cls,
        bundle: Path,
        state: Path | None = None,
        *,
        rules: Path | None = None,
        log_feature_share: float = 0.0,
        clock: Callable[[], float] = time.time,
        seed: int = 7,
    ) -> Engine:
        """Loads a bundle, and the state that an earlier engine left.

        Args:
            bundle: Folder of the bundle.
            state: Folder of the log and of live changes; made if it is not there. None: nothing
                outlives the engine.
            rules: File of the query rules, read again when it changes; None: no rules.
            log_feature_share: Share of answers whose features are logged, 0 to 1. An answer that
                rules have shaped is none of them: training does not learn from it.
            clock: Seconds since 1970, UTC.
            seed: Of the choice which answers are logged with their features.

        Raises:
            BundleError: The bundle must not be served.
            ConfigError: The rules are no rules, or another engine has the state folder.
            InputError: The state cannot be read.
        """
        rule_file = RuleFile(rules)
        temporary = None
        if state is None:
            temporary = tempfile.TemporaryDirectory(prefix="nextclick-")
            state = Path(temporary.name)
        try:
            state.mkdir(parents=True, exist_ok=True)
            engine = cls(
                ActiveBundle.load(bundle),
                state,
                rules=rule_file,
                log_feature_share=log_feature_share,
                clock=clock,
                seed=seed,
            )
        except BaseException:
            if temporary is not None:
                temporary.cleanup()
            raise
        engine._temporary = temporary
        return engine

    @property
    def bundle(self) -> Bundle:
        """The bundle that answers now."""
        return self._served.bundle

    def search(self, request: SearchRequest) -> Answer:
        """Answers the search box; a recorded search is the newest event of its session.

        Raises:
            RequestError: The catalogue does not know an attribute that is asked for.
        """
        served, now = self._served, self._clock()
        check_attributes(request, served.bundle.catalog.attributes)
        if request.record and request.visitor_id and not request.offset:
            event = search_event(request, uuid.uuid4().hex, now)
            session = self._remember(event)
            self.log.enqueue_event(event)
        else:
            session = self.sessions.get(request.visitor_id)
        rank_request = search_rank_request(request, session, now, served.bundle.catalog)
        return self._answer(served, rank_request, request, surface="search")

    def recommend(self, request: RecommendRequest) -> Answer:
        """Answers a browse page.

        Raises:
            RequestError: The catalogue does not know an attribute that is asked for.
        """
        served, now = self._served, self._clock()
        check_attributes(request, served.bundle.catalog.attributes)
        session = self.sessions.get(request.visitor_id)
        rank_request = recommend_rank_request(request, session, now, served.bundle.catalog)
        return self._answer(served, rank_request, request, surface=request.placement.name.lower())

    def complete(self, request: CompleteRequest) -> Completed:
        """Suggests what may be meant by what is being typed; nothing of it is remembered."""
        bundle = self._served.bundle
        suggestions, corrected = bundle.completion.complete(
            request.text, request.max_results, kinds=request.kinds, time=self._clock()
        )
        return Completed(tuple(suggestions), corrected, bundle.manifest.bundle_id)

    def record(self, events: Sequence[Event]) -> RecordReport:
        """Takes in events; on return they are on disk, and the next answer knows them.

        Raises:
            OverloadError: The disk is full or failing; none of them counts.
        """
        news = self.log.append_events(events)
        row_of = self._served.bundle.catalog.row_of
        unknown = sum(
            is_new and bool(event.item_id) and event.item_id not in row_of
            for event, is_new in zip(events, news, strict=True)
        )
        return RecordReport(sum(news), len(news) - sum(news), unknown)

    def apply(self, event: Event) -> None:
        """Lets sessions and counts know an event, without writing it to the log."""
        self._remember(event)
        if not self._served.count(event):
            self._unknown_item_events += 1

    def clear_queries(self) -> None:
        """Forgets every query text that is kept only to answer it faster the next time.

        What the log and the sessions hold stays.
        """
        bundle = self._served.bundle
        if bundle.ranker.sources.lexical is not None:
            bundle.ranker.sources.lexical.clear()
        bundle.completion.clear()
        clear_caches()

    def update_items(self, items: Sequence[Item]) -> CatalogReport:
        """Adds or replaces items, all or none; the next answer knows them.

        Raises:
            OverloadError: A disk is full or failing; nothing has changed.
        """
        with self._changing_items:
            added, updated = self._served.live.update(
                items, lambda: self._items.put(items, self._clock())
            )
            if self._meanwhile is not None:
                self._meanwhile.update({item.item_id: item for item in items})
        return CatalogReport(added, updated, 0)

    def delete_items(self, item_ids: Sequence[str]) -> CatalogReport:
        """Takes items out of every later answer, all or none.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        with self._changing_items:
            self._items.delete(item_ids, self._clock())
            if self._meanwhile is not None:
                self._meanwhile.update(dict.fromkeys(item_ids))
            return CatalogReport(0, 0, self._served.live.delete(item_ids))

    def publish(self, path: str) -> Status:
        """Loads another bundle, checks it, and answers from it from now on.

        It counts every event of the log once: up to a sequence number from the log, and each one
        after it as it comes in. The number stands still while the two bundles are exchanged.

        Raises:
            BundleError: It must not be served; the old one goes on.
            OverloadError: The engine was closed while another bundle was being loaded.
        """
        with self._publishing:
            self._check_open()
            served = ActiveBundle.load(Path(path))
            self._check_open()
            served.bundle.completion.searches = self._searches
            with self._changing_items:
                self._meanwhile = {}
            try:
                self._hand_over(served, self._meanwhile)
            finally:
                self._meanwhile = None
        return self.status()

    def rollback(self) -> Status:
        """Answers from the bundle before again.

        Raises:
            BundleError: There is none, or it is not what it was.
        """
        if not self._previous_path:
            raise BundleError("rollback: expected an earlier bundle, received none")
        return self.publish(self._previous_path)

    def status(self) -> Status:
        """What is served, and what is held."""
        served = self._served
        catalog = served.bundle.catalog
        return Status(
            bundle_id=served.bundle.manifest.bundle_id,
            bundle_path=served.path,
            previous_bundle_path=self._previous_path,
            item_count=int(np.count_nonzero(catalog.listed[: catalog.count])),
            live_item_count=served.live.changed_count,
            visitor_count=self.sessions.visitor_count,
            logged_event_count=self.log.event_count,
            unknown_item_event_count=self._unknown_item_events,
            uptime_seconds=max(0.0, self._clock() - self._begun),
            rules_version=self._rules.current(self._clock()).version,
            rules_error=self._rules.error,
            versions={name: version(name) for name in _VERSIONED},
        )

    def close(self) -> None:
        """Writes what waits and closes the files; a second time does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.log.close()
        self._items.close()
        self._lock.release()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _hand_over(self, served: ActiveBundle, meanwhile: Mapping[str, Item | None]) -> None:
        # The number before the items, so that the item of an event up to it is known.
        counted = self.log.applied_sequence
        served.change_items(self._items.since(served.bundle.facts.items_time))
        served.count_events(self.log, until_sequence=counted)
        # The long work is done: only what came meanwhile keeps live changes waiting.
        with self._changing_items:
            served.change_items(meanwhile.items())
            late = self.log.applied_sequence
            served.count_events(self.log, after_sequence=counted, until_sequence=late)
            with self.log.applying_paused() as until:
                served.count_events(self.log, after_sequence=late, until_sequence=until)
                self._previous_path = self._served.path
                self._served = served

    def _check_open(self) -> None:
        if self._is_closed:
            raise OverloadError("publish: expected an open engine, received a call after close")

    def _restore(self) -> None:
        """Sessions, counts and live changes as an earlier engine left them."""
        served = self._served

        def remember(event: Event) -> None:
            self._remember(event)
            row_of = served.bundle.catalog.row_of
            self._unknown_item_events += bool(event.item_id) and event.item_id not in row_of

        # Items first, so that the events of those that came in live are known.
        served.change_items(self._items.since(served.bundle.facts.items_time))
        served.count_events(self.log, until_sequence=self.log.applied_sequence, also=remember)

    def _remember(self, event: Event) -> Session:
        """The visitor's session after ``event``, which counts towards what others search for."""
        session = self.sessions.apply(event)
        self._searches.record(event, session.search_text)
        return session

    def _answer(
        self,
        served: ActiveBundle,
        rank_request: RankRequest,
        request: SearchRequest | RecommendRequest,
        *,
        surface: str,
    ) -> Answer:
        rules = self._rules.current(rank_request.time)
        done = answered(served.bundle, rules, rank_request, request, uuid.uuid4().hex)
        with_features = done.is_the_models_own and self._rng.random() < self._log_feature_share
        impression = impression_of(
            done, served.bundle, request, surface=surface, with_features=with_features
        )
        self.log.enqueue_impression(impression)
        return done.answer
