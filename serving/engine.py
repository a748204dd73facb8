"""The engine: answers requests, ingests events and items, swaps bundles. Independent of gRPC."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from data.records import Event, Item
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.answering.merchandising import bundle_fault, hidden_from_completion
from serving.answering.pipeline import Answered, answered, impression_of
from serving.answering.rank_request_builders import search_event, search_rank_request
from serving.answering.rule_file import RuleFile
from serving.answering.rules import Rules
from serving.api.answers import Answer, Completed
from serving.api.random_ids import RandomIds
from serving.api.reports import CatalogReport, Recorded, RecordReport, Status, installed_versions
from serving.api.requests import CompleteRequest, RecommendRequest, SearchRequest
from serving.api.validation import check_attributes
from serving.bundles_in_use import BundlesInUse
from serving.interleaving.interleaving import Interleaving, Request
from serving.log_fold import LogFold, VisitorFold
from serving.offers.offer_desk import OfferDesk
from serving.paging.kept_orders import KeptOrders
from serving.pictures.picture_search import PictureSearch
from serving.placements.placement_list import page_plan
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from serving.state.snapshot import SNAPSHOT_NAME
from serving.state.state_lock import StateLock
from towers.bundle.bundle import Bundle
from towers.bundle.manifest import Manifest
from towers.ranking.ranker import Check, no_check
from towers.retrieval.rank_request import RankRequest


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
        self._clock, self._start_time = clock, clock()
        self._log_feature_share = log_feature_share
        self._rng, self._ids = random.Random(seed), RandomIds()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._rules, self._orders, self._is_closed = rules, KeptOrders(), False
        visitors = VisitorFold()
        self.sessions, self._remember = visitors.sessions, visitors.remember
        self._lock = StateLock(folder)
        try:
            self._items = ItemLog(folder / ITEM_LOG_NAME)
            self._bundles = BundlesInUse(active, self._items, clock, visitors.searches)
            self.offers = OfferDesk(folder, lambda: self._bundles.active, self.sessions, clock)
            self.log = EventLog(folder / LOG_NAME, after_commit=self.apply)
            self._bundles.connect(self.log, self.offers, folder / SNAPSHOT_NAME)
            self._interleaving = Interleaving(folder, self._bundles, self.log, clock)
            parts = (rules, self.sessions, self.log, self._remember, clock)
            self.pictures = PictureSearch(lambda: self._bundles.active, *parts)
            self._bundles.restore_items()
            fold = LogFold(active, visitors)
            fold.restore(self.log, folder)
            fold.write_after_long_replay(folder)
            self._unknown_item_events = fold.unknown_event_count
            rules.check_against(lambda read: bundle_fault(read, self._bundles.active.bundle))
            self._interleaving.resume()
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def open(
        cls,
        bundle: Path,
        state: Path | None = None,
        *,
        manifest: Manifest | None = None,
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
            manifest: What ``verify`` said of the bundle a moment ago; None: it is verified here.
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
                ActiveBundle.load(bundle, manifest),
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
        return self._bundles.active.bundle

    def search(self, request: SearchRequest, before_stage: Check = no_check) -> Answer:
        """Answers a search; a recorded search becomes the newest event of its session.

        ``before_stage`` is called before retrieval and before the reranker; it may raise.

        Raises:
            RequestError: The catalogue does not know an attribute that is asked for.
        """
        active, now = self._bundles.active, self._clock()
        check_attributes(
            request, active.bundle.catalog.attributes, active.bundle.variants is not None
        )
        if request.record and request.visitor_id and not request.offset:
            event = search_event(request, self._ids.next(), now)
            session = self._remember(event)
            self.log.enqueue_event(event)
        else:
            session = self.sessions.get(request.visitor_id)

        def asked(bundle: Bundle) -> RankRequest:
            return search_rank_request(request, session, now, bundle.catalog)

        return self._answer(active, asked, request, before_stage, self._log_feature_share)

    def recommend(self, request: RecommendRequest, before_stage: Check = no_check) -> Answer:
        """Answers a recommendation request; ``before_stage`` as in ``search``.

        Raises:
            RequestError: An unknown attribute is asked for, or what the placement needs is not there.
        """
        active, now = self._bundles.active, self._clock()
        bundle, session = active.bundle, self.sessions.get(request.visitor_id)
        check_attributes(request, bundle.catalog.attributes, bundle.variants is not None)
        plan = page_plan(request, session, now, bundle)

        def asked(bundle_asked: Bundle) -> RankRequest:
            own = plan if bundle_asked is bundle else page_plan(request, session, now, bundle_asked)
            return own.rank_request

        share = self._log_feature_share if plan.is_in_log else 0.0
        answer = self._answer(active, asked, request, before_stage, share)
        return plan.told(answer, request, bundle, self.offers.services)

    def complete(self, request: CompleteRequest) -> Completed:
        """Completes typed text; nothing of it is stored."""
        bundle, now = self._bundles.active.bundle, self._clock()
        hidden = hidden_from_completion(self._rules.current(now), now, bundle)
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
        return RecordReport.of(events, is_new_flags, self.bundle.catalog.row_of)

    def record_then(self, events: Sequence[Event], done: Recorded) -> None:
        """The same without waiting: ``done`` is called once; see ``EventLog.append_events_then``."""

        def told(outcome: list[bool] | Exception) -> None:
            report: RecordReport | Exception
            try:
                if isinstance(outcome, Exception):
                    raise outcome
                report = RecordReport.of(events, outcome, self.bundle.catalog.row_of)
            except Exception as error:
                report = error
            done(report)

        self.log.append_events_then(events, told)

    def apply(self, event: Event) -> None:
        """Applies an event to sessions and counts, without writing it to the log."""
        self._remember(event)
        self._interleaving.take_in(event)
        if not self._bundles.count(event):
            self._unknown_item_events += 1

    def clear_queries(self) -> None:
        """Clears the caches keyed by query text; log and sessions are not affected."""
        self._bundles.clear_queries()

    def update_items(self, items: Sequence[Item], give_way: Check = no_check) -> CatalogReport:
        """Adds or replaces items, all or none; the next answer uses them. ``give_way`` may wait.

        Raises:
            OverloadError: A disk is full or failing; nothing has changed.
        """
        return self._bundles.update_items(items, give_way)

    def delete_items(self, item_ids: Sequence[str]) -> CatalogReport:
        """Deletes items from all later answers, all or none.

        Raises:
            OverloadError: The disk is full or failing; nothing has changed.
        """
        return self._bundles.delete_items(item_ids)

    def publish(self, path: str) -> Status:
        """Loads another bundle, checks it, and makes it the active one; a comparison that runs ends.

        The new bundle counts every event exactly once.

        Raises:
            BundleError: The new bundle is damaged or fails its checks; the old one stays active.
            OverloadError: The engine was closed during the call.
        """
        self._bundles.publish(path)
        self._interleaving.end_if_dropped()
        return self.status()

    def rollback(self) -> Status:
        """Makes the previous bundle the active one again; else as ``publish``.

        Raises:
            BundleError: There is none, or it is damaged by now.
        """
        self._bundles.rollback()
        self._interleaving.end_if_dropped()
        return self.status()

    def interleave(self, path: str, share: float) -> Status:
        """Loads another bundle and interleaves its results with the active one's; see ``Interleaving``.

        Args:
            share: Of the visitors, above 0 to 1.

        Raises:
            BundleError: The bundle is damaged or fails its checks; nothing has changed.
        """
        self._interleaving.start(path, share)
        return self.status()

    def stop_interleaving(self) -> Status:
        """Ends the comparison that runs.

        Raises:
            BundleError: None runs.
        """
        self._interleaving.stop()
        return self.status()

    def status(self) -> Status:
        """The active bundle, and the sizes of catalogue, sessions and log."""
        active, rules = self._bundles.active, self._rules.current(self._clock())
        return Status(
            bundle_id=active.bundle.manifest.bundle_id,
            bundle_path=active.path,
            previous_bundle_path=self._bundles.previous_path,
            item_count=active.bundle.catalog.listed_count,
            live_item_count=active.live.changed_count,
            visitor_count=self.sessions.visitor_count,
            logged_event_count=self.log.event_count,
            unknown_item_event_count=self._unknown_item_events,
            uptime_seconds=max(0.0, self._clock() - self._start_time),
            rules_version=rules.version,
            rules_error=self._rules.error,
            versions=installed_versions(),
            interleaving=self._interleaving.report(),
            variant_group_count=len(active.variant_group_sizes),
            variant_item_count=sum(active.variant_group_sizes),
        )

    def close(self) -> None:
        """Writes queued log entries and closes the files; further calls have no effect."""
        if self._is_closed:
            return
        self._is_closed = True
        self._interleaving.close()
        self._bundles.close()
        self.log.close()
        self._items.close()
        self.offers.close()
        self._lock.release()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _answer(
        self,
        active: ActiveBundle,
        asked: Callable[[Bundle], RankRequest],
        request: Request,
        before_stage: Check,
        share: float,
    ) -> Answer:
        rank_request, token = asked(active.bundle), self._ids.next()

        def made(
            bundle: Bundle, rules: Rules, request: Request, orders: KeptOrders, check: Check
        ) -> Answered:
            own = rank_request if bundle is active.bundle else asked(bundle)
            return answered(bundle, rules, own, request, token, orders, check)

        rules, parts = self._rules.current(rank_request.time), (self._orders, before_stage)
        done, teams = self._interleaving.answered(active, request, token, rules, made, *parts)
        is_drawn = share > 0 and done.is_unchanged_ranking and self._rng.random() < share
        shown = impression_of(done, active.bundle, request, with_features=is_drawn, teams=teams)
        if self.log.enqueue_impression(shown) and teams:
            self._interleaving.take_in(shown)
        return done.answer
