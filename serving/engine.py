"""The engine: answers requests, ingests events and items, swaps bundles. Independent of gRPC."""

from __future__ import annotations

import random
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from data.errors import BundleError, OverloadError
from data.records import Event, Item
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.answering.merchandising import hidden_from_completion
from serving.answering.pipeline import answered, impression_of
from serving.answering.rank_request_builders import search_event, search_rank_request
from serving.answering.rule_file import RuleFile
from serving.api.answers import Answer, Completed
from serving.api.random_ids import RandomIds
from serving.api.reports import CatalogReport, RecordReport, Status, installed_versions
from serving.api.requests import CompleteRequest, RecommendRequest, SearchRequest
from serving.api.validation import check_attributes
from serving.offers.offer_desk import OfferDesk
from serving.paging.kept_orders import KeptOrders
from serving.pictures.picture_search import PictureSearch
from serving.placements.placement_list import page_plan
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from serving.state.session_store import SessionStore
from serving.state.state_lock import StateLock
from towers.bundle.bundle import Bundle
from towers.ranking.ranker import Check, no_check
from towers.retrieval.rank_request import RankRequest
from towers.search_box.popular_queries import PopularQueries
from towers.sessions.session import Session


class Engine:
    """Retrieval and ranking, the sessions and the logs of one service.

    Created by ``open``. Every method is thread-safe.
    """

    def __init__(
        self,
        active: ActiveBundle,
        folder: Path,
        *,
        rules: RuleFile,
        log_feature_share: float,
        clock: Callable[[], float],
        seed: int,
    ) -> None:
        self._active, self._previous_path = active, ""
        self._publishing, self._changing_items = threading.Lock(), threading.Lock()
        # Items changed while another bundle is loading; None while none is.
        self._changed_meanwhile: dict[str, Item | None] | None = None
        self._clock, self._start_time = clock, clock()
        self._log_feature_share = log_feature_share
        self._rng, self._ids = random.Random(seed), RandomIds()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._unknown_item_events, self._rules = 0, rules
        self._orders, self.sessions = KeptOrders(), SessionStore()
        # A random key: hashes only need to be equal for the same visitor within this process.
        self._searches = PopularQueries(secrets.token_bytes(16))
        active.bundle.completion.searches = self._searches
        self._is_closed = False
        self._lock = StateLock(folder)
        try:
            self._items = ItemLog(folder / ITEM_LOG_NAME)
            self.offers = OfferDesk(folder, lambda: self._active, self.sessions, clock)
            self.log = EventLog(folder / LOG_NAME, after_commit=self.apply)
            parts = (rules, self.sessions, self.log, self._remember, clock)
            self.pictures = PictureSearch(lambda: self._active, *parts)
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
        """Loads a bundle, and restores the state of an earlier engine.

        Args:
            bundle: Folder of the bundle.
            state: Folder of the event log and of live changes; created if it does not exist.
                None: a temporary folder, so that nothing outlives the engine.
            rules: File of the query rules, reloaded when it changes; None: no rules.
            log_feature_share: Share of answers whose features are logged, 0 to 1. Answers changed
                by rules are never among them, so that training does not learn from them.
            clock: Seconds since 1970, UTC.
            seed: Of the sampling of answers whose features are logged.

        Raises:
            BundleError: The bundle is damaged, or fails its golden queries.
            ConfigError: The rules file is not valid, or another engine uses the state folder.
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
        """The active bundle."""
        return self._active.bundle

    def search(self, request: SearchRequest, before_stage: Check = no_check) -> Answer:
        """Answers a search; a recorded search becomes the newest event of its session.

        ``before_stage`` is called before retrieval and before the reranker; it may raise.

        Raises:
            RequestError: The catalogue does not know an attribute that is asked for.
        """
        active, now = self._active, self._clock()
        check_attributes(request, active.bundle.catalog.attributes)
        if request.record and request.visitor_id and not request.offset:
            event = search_event(request, self._ids.next(), now)
            session = self._remember(event)
            self.log.enqueue_event(event)
        else:
            session = self.sessions.get(request.visitor_id)
        rank_request = search_rank_request(request, session, now, active.bundle.catalog)
        share = self._log_feature_share
        return self._answer(active.bundle, rank_request, request, before_stage, share)

    def recommend(self, request: RecommendRequest, before_stage: Check = no_check) -> Answer:
        """Answers a recommendation request; ``before_stage`` as in ``search``.

        Raises:
            RequestError: An unknown attribute is asked for, or what the placement needs is not there.
        """
        bundle, now = self._active.bundle, self._clock()
        check_attributes(request, bundle.catalog.attributes)
        plan = page_plan(request, self.sessions.get(request.visitor_id), now, bundle)
        share = self._log_feature_share if plan.is_in_log else 0.0
        answer = self._answer(bundle, plan.rank_request, request, before_stage, share)
        return plan.told(answer, request, bundle, self.offers.services)

    def complete(self, request: CompleteRequest) -> Completed:
        """Completes typed text; nothing of it is stored."""
        bundle, now = self._active.bundle, self._clock()
        hidden = hidden_from_completion(self._rules.current(now), now, bundle.catalog)
        suggestions, corrected = bundle.completion.complete(
            request.text, request.max_results, kinds=request.kinds, time=now, hidden=hidden
        )
        return Completed(tuple(suggestions), corrected, bundle.manifest.bundle_id)

    def record(self, events: Sequence[Event]) -> RecordReport:
        """Ingests events; on return they are on disk, and the next answer uses them.

        Raises:
            OverloadError: The disk is full or failing; no event is recorded.
        """
        is_new_flags = self.log.append_events(events)
        new = [event for event, is_new in zip(events, is_new_flags, strict=True) if is_new]
        row_of = self._active.bundle.catalog.row_of
        unknown = sum(bool(event.item_id) and event.item_id not in row_of for event in new)
        return RecordReport(len(new), len(events) - len(new), unknown)

    def apply(self, event: Event) -> None:
        """Applies an event to sessions and counts, without writing it to the log."""
        self._remember(event)
        if not self._active.count(event):
            self._unknown_item_events += 1

    def clear_queries(self) -> None:
        """Clears the caches keyed by query text; log and sessions are not affected."""
        self._active.clear_queries()

    def update_items(self, items: Sequence[Item], give_way: Check = no_check) -> CatalogReport:
        """Adds or replaces items, all or none; the next answer uses them. ``give_way`` may wait.

        Raises:
            OverloadError: A disk is full or failing; nothing has changed.
        """
        with self._changing_items:
            added, updated = self._active.live.update(
                items, lambda paced: self._items.put(paced, self._clock()), give_way
            )
            if self._changed_meanwhile is not None:
                self._changed_meanwhile.update({item.item_id: item for item in items})
        return CatalogReport(added, updated, 0)

    def delete_items(self, item_ids: Sequence[str]) -> CatalogReport:
        """Deletes items from all later answers, all or none.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        with self._changing_items:
            self._items.delete(item_ids, self._clock())
            if self._changed_meanwhile is not None:
                self._changed_meanwhile.update(dict.fromkeys(item_ids))
            return CatalogReport(0, 0, self._active.live.delete(item_ids))

    def publish(self, path: str) -> Status:
        """Loads another bundle, checks it, and makes it the active one.

        The new bundle counts every event exactly once: those up to a sequence number from the log,
        later ones as they arrive. No event is applied while the bundles are swapped.

        Raises:
            BundleError: The new bundle is damaged or fails its checks; the old one stays active.
            OverloadError: The engine was closed during the call.
        """
        with self._publishing:
            self._check_open()
            incoming = ActiveBundle.load(Path(path))
            self._check_open()
            incoming.bundle.completion.searches = self._searches
            with self._changing_items:
                self._changed_meanwhile = {}
            try:
                self._hand_over(incoming, self._changed_meanwhile)
            finally:
                # Not between the check and the use of a change of items.
                with self._changing_items:
                    self._changed_meanwhile = None
        return self.status()

    def rollback(self) -> Status:
        """Makes the previous bundle the active one again.

        Raises:
            BundleError: There is none, or it is damaged by now.
        """
        if not self._previous_path:
            raise BundleError("rollback: expected an earlier bundle, received none")
        return self.publish(self._previous_path)

    def status(self) -> Status:
        """The active bundle, and the sizes of catalogue, sessions and log."""
        active = self._active
        return Status(
            bundle_id=active.bundle.manifest.bundle_id,
            bundle_path=active.path,
            previous_bundle_path=self._previous_path,
            item_count=active.bundle.catalog.listed_count,
            live_item_count=active.live.changed_count,
            visitor_count=self.sessions.visitor_count,
            logged_event_count=self.log.event_count,
            unknown_item_event_count=self._unknown_item_events,
            uptime_seconds=max(0.0, self._clock() - self._start_time),
            rules_version=self._rules.current(self._clock()).version,
            rules_error=self._rules.error,
            versions=installed_versions(),
        )

    def close(self) -> None:
        """Writes queued log entries and closes the files; further calls have no effect."""
        if self._is_closed:
            return
        self._is_closed = True
        self.log.close()
        self._items.close()
        self.offers.close()
        self._lock.release()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _hand_over(
        self, incoming: ActiveBundle, changed_meanwhile: Mapping[str, Item | None]
    ) -> None:
        # Read the number before the items, so that the items of all events up to it are known.
        counted_sequence = self.log.applied_sequence
        incoming.change_items(self._items.since(incoming.bundle.facts.items_time))
        incoming.count_events(self.log, until_sequence=counted_sequence)
        # The slow part is done: live changes wait only while the rest is applied.
        with self._changing_items, self.offers.handing_over(incoming):
            incoming.change_items(changed_meanwhile.items())
            late_sequence = self.log.applied_sequence
            incoming.count_events(
                self.log, after_sequence=counted_sequence, until_sequence=late_sequence
            )
            with self.log.applying_paused() as final_sequence:
                incoming.count_events(
                    self.log, after_sequence=late_sequence, until_sequence=final_sequence
                )
                self._previous_path = self._active.path
                self._active = incoming

    def _check_open(self) -> None:
        if self._is_closed:
            raise OverloadError("publish: expected an open engine, received a call after close")

    def _restore(self) -> None:
        """Restores sessions, counts and live changes from the logs."""
        active = self._active

        def remember(event: Event) -> None:
            self._remember(event)
            row_of = active.bundle.catalog.row_of
            self._unknown_item_events += bool(event.item_id) and event.item_id not in row_of

        # Items first, so that events of items added live find their rows.
        active.change_items(self._items.since(active.bundle.facts.items_time))
        active.count_events(self.log, until_sequence=self.log.applied_sequence, also=remember)

    def _remember(self, event: Event) -> Session:
        """The visitor's session after ``event``; a search counts towards query suggestions."""
        session = self.sessions.apply(event)
        self._searches.record(event, session.search_text)
        return session

    def _answer(
        self,
        bundle: Bundle,
        rank_request: RankRequest,
        request: SearchRequest | RecommendRequest,
        before_stage: Check,
        log_feature_share: float,
    ) -> Answer:
        rules, token = self._rules.current(rank_request.time), self._ids.next()
        done = answered(bundle, rules, rank_request, request, token, self._orders, before_stage)
        is_drawn = done.is_unchanged_ranking and self._rng.random() < log_feature_share
        self.log.enqueue_impression(impression_of(done, bundle, request, with_features=is_drawn))
        return done.answer
