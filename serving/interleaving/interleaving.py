"""Starts and ends comparisons of two bundles, and answers the visitors in them."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from data.errors import BundleError, OverloadError
from data.records import Event, Impression
from serving.answering.active_bundle import ActiveBundle
from serving.answering.pipeline import Answered
from serving.answering.rules import Rules
from serving.api.reports import InterleavingReport
from serving.api.requests import Placement, RecommendRequest, SearchRequest, SortOrder
from serving.bundles_in_use import BundlesInUse
from serving.interleaving.drafted_page import drafted_page
from serving.interleaving.experiment import (
    STOPPED,
    Experiment,
    forget_experiment,
    read_experiment,
    write_experiment,
)
from serving.interleaving.tally import Tally
from serving.paging.kept_orders import KeptOrders
from serving.state.event_log import EventLog
from towers.bundle.bundle import Bundle
from towers.ranking.adjustments import EXACT_CODE
from towers.ranking.ranker import Check

logger = logging.getLogger(__name__)

_PUBLISHED = "another bundle was published"
Request = SearchRequest | RecommendRequest
Made = Callable[[Bundle, Rules, Request, KeptOrders, Check], Answered]
"""Makes a bundle's answer to a request."""

_LEFT_OUT = (Placement.PROMOTION,)
"""What is on offer is for the offers to say, not for a bundle."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A comparison that one answer belongs to."""

    experiment: Experiment
    other: ActiveBundle
    tally: Tally
    rules: Rules


class Interleaving:
    """The comparisons of one service: at most one runs. Thread-safe.

    Args:
        folder: Of the state.
        bundles: The bundles in use.
        log: The log, which a restart folds the tally from.
        clock: Seconds since 1970, UTC.

    Raises:
        InputError: The state cannot be read.
    """

    def __init__(
        self, folder: Path, bundles: BundlesInUse, log: EventLog, clock: Callable[[], float]
    ) -> None:
        self._folder, self._bundles = folder, bundles
        self._log, self._clock = log, clock
        self._changing, self._counting = threading.Lock(), threading.Lock()
        self._failure_count = 0
        self._rules: tuple[Rules, Rules] | None = None
        self._experiment = read_experiment(folder)
        self._tally: Tally | None = None
        self._is_recorded = True
        bundles.on_drop = self._record_drop

    def start(self, path: str, share: float) -> None:
        """Loads another bundle, and interleaves its results with those of the active one from now on.

        A comparison that runs ends; its answers do not count for the new one.

        Args:
            share: Of the visitors, above 0 to 1.

        Raises:
            BundleError: The bundle is damaged or fails its checks; nothing has changed.
            OverloadError: The disk is full or failing; no comparison runs.
        """
        with self._changing:
            try:
                other = self._bundles.load_other(path)
            finally:
                # The one before may have been dropped meanwhile.
                self._end_if_dropped()
            experiment = Experiment(
                self._bundles.active.bundle.manifest.bundle_id,
                other.bundle.manifest.bundle_id,
                other.path,
                share,
                self._clock(),
                self._log.applied_sequence,
            )
            try:
                write_experiment(self._folder, experiment)
            except BaseException:
                self._bundles.drop_other()
                if self._experiment is not None and self._experiment.is_running:
                    self._end(self._experiment, f"the comparison with {path} could not be recorded")
                raise
            self._failure_count, self._is_recorded = 0, True
            self._tally = _tally_of(experiment)
            self._experiment = experiment
            # Of this one too.
            self._end_if_dropped()

    def stop(self, reason: str = STOPPED) -> None:
        """Ends the comparison that runs; events go on to count for its answers.

        Raises:
            BundleError: None runs.
        """
        with self._changing:
            experiment = self._experiment
            if experiment is None or not experiment.is_running:
                raise BundleError("interleaving: expected a comparison that runs, received none")
            self._end(experiment, reason)

    def end_if_dropped(self) -> None:
        """Ends the comparison whose other bundle is not in use any more."""
        with self._changing:
            self._end_if_dropped()

    def close(self) -> None:
        """Records the end of the last comparison where that was not possible before."""
        with self._changing:
            if self._experiment is not None and not self._is_recorded:
                self._record(self._experiment)

    def resume(self) -> None:
        """After a restart: the tally from the log, and the other bundle where the comparison ran.

        Where that cannot be, the comparison ends, and says why.
        """
        experiment = self._experiment
        if experiment is None:
            return
        tally = self._tally = _tally_of(experiment)
        until = self._log.applied_sequence
        for entry in self._log.replay(experiment.after_sequence, until_sequence=until):
            tally.take_in(entry.record)
        if not experiment.is_running:
            return
        with self._changing:
            active_id = self._bundles.active.bundle.manifest.bundle_id
            if active_id != experiment.active_id:
                self._end(experiment, f"the server was started with bundle {active_id}")
                return
            try:
                other = self._bundles.load_other(experiment.bundle_path)
            except BundleError as error:
                self._end(experiment, str(error))
                return
            if other.bundle.manifest.bundle_id != experiment.bundle_id:
                found = other.bundle.manifest.bundle_id
                self._end(experiment, f"{experiment.bundle_path} now holds bundle {found}")

    def answered(
        self,
        active: ActiveBundle,
        request: Request,
        token: str,
        rules: Rules,
        made: Made,
        orders: KeptOrders,
        before_stage: Check,
    ) -> tuple[Answered, str]:
        """The answer to a request, with results of both bundles where it belongs to the comparison.

        Args:
            orders: Where the active bundle's order is kept.

        Returns:
            The answer and the team of each result; no teams where nothing is compared.
        """
        trial = self.trial_of(active, request, token, rules)
        if trial is None:
            return made(active.bundle, rules, request, orders, before_stage), ""
        own = made(active.bundle, trial.rules, request, orders, before_stage)
        # Facets are those of the active bundle: nobody would read the other one's.
        of_other = replace(request, facets=())
        other = partial(made, trial.other.bundle, trial.rules, of_other, KeptOrders())
        return self.drafted(trial, own, other, orders, before_stage)

    def trial_of(
        self,
        active: ActiveBundle,
        request: Request,
        token: str,
        rules: Rules,
    ) -> Trial | None:
        """The comparison that an answer belongs to; None for most.

        First pages by relevance of the visitors in its share; not of promotions. Nothing else is left to
        chance in them: ``Trial.rules`` do not explore.
        """
        experiment, tally, other = self._experiment, self._tally, self._bundles.other
        if experiment is None or tally is None or other is None or not experiment.is_running:
            return None
        is_first = not request.offset and not request.order_key
        is_left_out = isinstance(request, RecommendRequest) and request.placement in _LEFT_OUT
        is_of_these = active is self._bundles.active
        if not is_first or is_left_out or not is_of_these:
            return None
        if request.sort_by is not SortOrder.RELEVANCE:
            return None
        # While another comparison is being recorded, the bundle is of that one.
        if other.bundle.manifest.bundle_id != experiment.bundle_id:
            return None
        if not experiment.has_visitor(request.visitor_id, token):
            return None
        kept = self._rules
        if kept is None or kept[0] is not rules:
            kept = self._rules = rules, rules.without_exploration()
        return Trial(experiment, other, tally, kept[1])

    def drafted(
        self,
        trial: Trial,
        own: Answered,
        answer_of_other: Callable[[Check], Answered],
        orders: KeptOrders,
        before_stage: Check,
    ) -> tuple[Answered, str]:
        """The answer with results of both bundles, and the team of each.

        The active bundle's own answer, without teams, where it is empty, in another order than by
        relevance, or to an item's own code; and where the other bundle fails, which is counted.

        Args:
            answer_of_other: The other bundle's answer, given what to call before its stages.
            orders: Where the active bundle's order is kept.
        """
        is_by_relevance = own.order is SortOrder.RELEVANCE
        is_code = EXACT_CODE in own.shortlist.adjustments
        if not own.answer.results or not is_by_relevance or is_code:
            return own, ""
        is_abandoned = False

        def check() -> None:
            nonlocal is_abandoned
            is_abandoned = True
            before_stage()
            is_abandoned = False

        try:
            other = answer_of_other(check).answer
            rng = random.Random(trial.experiment.seed(own.answer.attribution_token))
            return drafted_page(own, other, orders, rng)
        except Exception as error:
            if is_abandoned:
                raise
            # Not under the lock that the loading of a bundle holds.
            with self._counting:
                self._failure_count += 1
                count = self._failure_count
            # The first, then ever fewer: 1, 2, 4, 8 …
            if count & (count - 1) == 0:
                logger.exception("interleaving: bundle %s failed: %s", trial.other.path, error)
            return own, ""

    def take_in(self, record: Event | Impression) -> None:
        """Counts an event or an answer that is in the log."""
        if self._tally is not None:
            self._tally.take_in(record)

    def report(self) -> InterleavingReport | None:
        """The comparison that runs, or the last one; None if there never was one."""
        experiment, tally = self._experiment, self._tally
        if experiment is None or tally is None:
            return None
        reason = experiment.end_reason
        if not reason and self._bundles.other is None:
            reason = self._bundles.other_error or _PUBLISHED
        return InterleavingReport(
            experiment.bundle_id,
            experiment.bundle_path,
            experiment.active_id,
            experiment.share,
            experiment.start_time,
            not reason,
            reason,
            tally.visitor_count,
            self._failure_count,
            tally.rows(),
        )

    def _record_drop(self) -> None:
        """Ends the comparison whose other bundle has just been dropped.

        Called while an event or a change of items is applied, which must not wait: who starts or ends a
        comparison waits for these. They look at what was dropped themselves.
        """
        if self._changing.acquire(blocking=False):
            try:
                self._end_if_dropped()
            finally:
                self._changing.release()

    def _end_if_dropped(self) -> None:
        experiment = self._experiment
        if experiment is not None and experiment.is_running and self._bundles.other is None:
            self._end(experiment, self._bundles.other_error or _PUBLISHED)

    def _end(self, experiment: Experiment, reason: str) -> None:
        self._bundles.drop_other()
        self._experiment = replace(experiment, end_reason=reason)
        self._is_recorded = self._record(self._experiment)
        if not self._is_recorded:
            # A full disk can delete: better forgotten by a restart than taken up again.
            forget_experiment(self._folder)

    def _record(self, experiment: Experiment) -> bool:
        try:
            write_experiment(self._folder, experiment)
        except OverloadError:
            logger.exception("interleaving: the end of the comparison could not be recorded")
            return False
        return True


def _tally_of(experiment: Experiment) -> Tally:
    return Tally(experiment.active_id, experiment.bundle_id, experiment.start_time)
