"""The active bundle, and the one that is compared with it: swaps, live changes, counts of events."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from data.errors import BundleError, OverloadError
from data.records import Event, Item
from serving.answering.active_bundle import ActiveBundle
from serving.api.reports import CatalogReport
from serving.kept_counts import counted_from_snapshot
from serving.offers.offer_desk import OfferDesk
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from towers.ranking.ranker import Check, no_check
from towers.search_box.popular_queries import PopularQueries

logger = logging.getLogger(__name__)


class BundlesInUse:
    """The bundles of one service. Thread-safe.

    Args:
        active: The bundle that answers.
        items: The log of live changes of items.
        clock: Seconds since 1970, UTC.
        searches: What visitors search for, which completion of every bundle suggests from.

    Attributes:
        other: The bundle that is compared with the active one; None for none.
        other_error: Why that was dropped; empty if it was not.
        on_drop: Called when that is dropped because it failed; must not wait.
    """

    def __init__(
        self,
        active: ActiveBundle,
        items: ItemLog,
        clock: Callable[[], float],
        searches: PopularQueries,
    ) -> None:
        self.active, self.previous_path = active, ""
        self.other: ActiveBundle | None = None
        self.other_error = ""
        self.on_drop: Callable[[], None] = lambda: None
        self._items, self._clock, self._searches = items, clock, searches
        self._log: EventLog | None = None
        self._snapshot = Path()
        self._offers: OfferDesk | None = None
        self._loading, self._changing_items = threading.Lock(), threading.Lock()
        # Items changed while another bundle is loading; None while none is.
        self._changed_meanwhile: dict[str, Item | None] | None = None
        self._is_closed = False
        active.bundle.completion.searches = searches

    def connect(self, log: EventLog, offers: OfferDesk, snapshot: Path) -> None:
        """Names what a bundle that is loaded later has to catch up with, from a snapshot on if there is
        one for it."""
        self._log, self._offers, self._snapshot = log, offers, snapshot

    def restore_items(self) -> None:
        """Applies the live changes of the item log; before events, which may be of items added live."""
        self.active.change_items(self._items.since(self.active.bundle.facts.items_time))

    def count(self, event: Event) -> bool:
        """Adds a new event to the counts; false if its item is unknown to the active bundle."""
        is_known = self.active.count(event)
        self._change_other(lambda other: other.count(event))
        return is_known

    def clear_queries(self) -> None:
        """Clears the caches keyed by query text."""
        self.active.clear_queries()
        self._change_other(lambda other: other.clear_queries())

    def update_items(self, items: Sequence[Item], give_way: Check = no_check) -> CatalogReport:
        """Adds or replaces items, all or none; the next answer uses them. ``give_way`` may wait.

        Raises:
            OverloadError: A disk is full or failing; nothing has changed.
        """
        with self._changing_items:
            added, updated = self.active.live.update(
                items, lambda paced: self._items.put(paced, self._clock()), give_way
            )
            self._change_other(lambda other: other.live.update(items, give_way=give_way))
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
            removed = self.active.live.delete(item_ids)
            self._change_other(lambda other: other.live.delete(item_ids))
            return CatalogReport(0, 0, removed)

    def publish(self, path: str) -> None:
        """Loads another bundle, checks it, and makes it the active one.

        The new bundle counts every event exactly once: those up to a sequence number from the log,
        later ones as they arrive. No event is applied while the bundles are swapped.

        Raises:
            BundleError: The new bundle is damaged or fails its checks; the old one stays active.
            OverloadError: The engine was closed during the call.
        """

        def put(incoming: ActiveBundle) -> None:
            self.previous_path = self.active.path
            self.active, self.other, self.other_error = incoming, None, ""

        self._load(path, put)

    def rollback(self) -> None:
        """Makes the previous bundle the active one again.

        Raises:
            BundleError: There is none, or it is damaged by now.
        """
        if not self.previous_path:
            raise BundleError("rollback: expected an earlier bundle, received none")
        self.publish(self.previous_path)

    def load_other(self, path: str) -> ActiveBundle:
        """Loads a bundle to compare with the active one; it takes in events and changes from now on.

        Raises:
            BundleError: The bundle is damaged or fails its checks; nothing has changed.
            OverloadError: The engine was closed during the call.
        """

        def put(incoming: ActiveBundle) -> None:
            self.other, self.other_error = incoming, ""

        return self._load(path, put)

    def drop_other(self) -> None:
        """Ends the use of the bundle that is compared with the active one."""
        self.other = None

    def close(self) -> None:
        """Ends bundles' loading."""
        self._is_closed = True

    def _change_other(self, change: Callable[[ActiveBundle], object]) -> None:
        """Changes the bundle that is compared, too; where that fails, it is not compared any more."""
        other = self.other
        if other is None:
            return
        try:
            change(other)
        except Exception as error:
            # The active bundle answers on: what only is tried out must not fail an event or a change.
            logger.exception("interleaving: bundle %s is dropped", other.path)
            self.other, self.other_error = None, f"{other.path} failed: {error}"
            self.on_drop()

    def _load(self, path: str, put: Callable[[ActiveBundle], None]) -> ActiveBundle:
        with self._loading:
            self._check_open()
            incoming = ActiveBundle.load(Path(path))
            self._check_open()
            incoming.bundle.completion.searches = self._searches
            with self._changing_items:
                self._changed_meanwhile = {}
            try:
                self._hand_over(incoming, self._changed_meanwhile, put)
            finally:
                # Not between the check and the use of a change of items.
                with self._changing_items:
                    self._changed_meanwhile = None
        return incoming

    def _hand_over(
        self,
        incoming: ActiveBundle,
        changed_meanwhile: Mapping[str, Item | None],
        put: Callable[[ActiveBundle], None],
    ) -> None:
        log, offers = self._log, self._offers
        assert log is not None and offers is not None
        # Read the number before the items, so that the items of all events up to it are known.
        counted_sequence = log.applied_sequence
        incoming.change_items(self._items.since(incoming.bundle.facts.items_time))
        begin = counted_from_snapshot(
            self._snapshot, incoming, log, until_sequence=counted_sequence
        )
        incoming.count_events(log, after_sequence=begin, until_sequence=counted_sequence)
        # The slow part is done: live changes wait only while the rest is applied.
        with self._changing_items, offers.handing_over(incoming):
            incoming.change_items(changed_meanwhile.items())
            late_sequence = log.applied_sequence
            incoming.count_events(
                log, after_sequence=counted_sequence, until_sequence=late_sequence
            )
            with log.applying_paused() as final_sequence:
                incoming.count_events(
                    log, after_sequence=late_sequence, until_sequence=final_sequence
                )
                put(incoming)

    def _check_open(self) -> None:
        if self._is_closed:
            raise OverloadError("publish: expected an open engine, received a call after close")
