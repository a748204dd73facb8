"""What a server folds out of its event log, and how a start comes by it: a snapshot and what is later.

Snapshots are made of replayed entries only, never of what a running server holds: that has taken in
searches before they were on disk, and events in another order than the log's. So a start writes one,
after a long replay, and ``nextclick snapshot`` beside a running server; no answer waits for it.
"""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from data.records import Event, LogPosition
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.bundles_in_use import BundlesInUse
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from serving.state.session_store import SessionStore
from serving.state.snapshot import (
    SNAPSHOT_NAME,
    Snapshot,
    SnapshotHead,
    read_head,
    read_rest,
    write_snapshot,
)
from towers.search_box.popular_queries import PopularQueries
from towers.sessions.session import Session

logger = logging.getLogger(__name__)

REPLAY_LIMIT = 100_000
"""A snapshot is written after so many replayed events, two seconds and more."""
_UNKNOWN_ID_LIMIT = 100_000
"""Unknown items that a snapshot can name; where events name more, none is written."""


def _searches() -> PopularQueries:
    # A random key: hashes only have to be equal for the same visitor within one fold.
    return PopularQueries(secrets.token_bytes(16))


@dataclass
class LogFold:
    """The state of one service that follows from its event log, given a bundle and its live items.

    Args:
        active: Counts events of its items.
        event_count: Number of events folded when it was restored.
    """

    active: ActiveBundle
    sessions: SessionStore = field(default_factory=SessionStore)
    searches: PopularQueries = field(default_factory=_searches)
    event_count: int = 0
    _live_ids: set[str] = field(default_factory=set)
    _unknown_counts: dict[str, int] = field(default_factory=dict)

    def remember(self, event: Event) -> Session:
        """The visitor's session after ``event``; a search counts towards query suggestions."""
        session = self.sessions.apply(event)
        self.searches.record(event, session.search_text)
        return session

    @property
    def unknown_event_count(self) -> int:
        """Events replayed whose item has no row."""
        return sum(self._unknown_counts.values())

    def restore(self, log: EventLog, folder: Path, *, replay_limit: int | None = None) -> None:
        """Folds the events of the log, from its snapshot on where that holds; may write a new one.

        Args:
            log: With all entries up to ``applied_sequence`` on disk.
            folder: Of the snapshot.
            replay_limit: One is written after so many replayed events; None: after ``REPLAY_LIMIT``
                and as many as there are sessions, so that writing takes no longer than the replay.

        Raises:
            InputError: The log is damaged.
        """
        path = folder / SNAPSHOT_NAME
        start = self._load(log, path)
        loaded_count = self.event_count
        last = self.active.count_events(
            log,
            after_sequence=start.sequence if start else 0,
            until_sequence=log.applied_sequence,
            also=self._replay,
        )
        if replay_limit is None:
            replay_limit = max(REPLAY_LIMIT, self.sessions.visitor_count)
        if last is not None and self.event_count - loaded_count >= replay_limit:
            self._write(path, last)

    def _replay(self, event: Event) -> None:
        self.remember(event)
        self.event_count += 1
        if event.item_id:
            row = self.active.bundle.catalog.row_of.get(event.item_id, -1)
            if row < 0:
                known = self._unknown_counts.get(event.item_id, 0)
                self._unknown_counts[event.item_id] = known + 1
            elif row >= self.active.live.bundle_item_count:
                self._live_ids.add(event.item_id)

    def _load(self, log: EventLog, path: Path) -> LogPosition | None:
        """Restores a snapshot, and returns its position; None if there is none that holds."""
        try:
            with open(path, "rb") as file:
                head = read_head(file)
                self._check(head, log)
                self._put(read_rest(file, head))
        except FileNotFoundError:
            return None
        except (InputError, OSError) as error:
            logger.warning("%s is ignored, the whole log is replayed: %s", path.name, error)
            return None
        return head.position

    def _check(self, head: SnapshotHead, log: EventLog) -> None:
        """Raises ``InputError`` unless a replay of the whole log would give what the snapshot holds."""
        bundle_id, row_of = self.active.bundle.manifest.bundle_id, self.active.bundle.catalog.row_of
        if head.bundle_id != bundle_id:
            raise InputError(f"expected counts of bundle {bundle_id}, received {head.bundle_id}")
        if not log.last_known([head.position]):
            raise InputError(
                f"expected an entry of this log, received entry {head.position.sequence} of another"
            )
        if (found := log.event_count_until(head.position.sequence)) != head.event_count:
            raise InputError(
                f"expected {head.event_count} events up to entry {head.position.sequence}, "
                f"received {found}: some were deleted"
            )
        gone = [id_ for id_ in head.live_rows if id_ not in row_of]
        new = [id_ for id_ in head.unknown_counts if id_ in row_of]
        if changed := gone + new:
            raise InputError(
                f"expected no other items with events, received {len(changed)} added or deleted"
                f" since, such as {changed[0]}"
            )

    def _put(self, snapshot: Snapshot) -> None:
        head, counts = snapshot.head, snapshot.counts
        sources = self.active.bundle.ranker.sources.listeners
        # Before anything is changed: which sources there are is for the code to say, not for the bundle.
        if (names := {source.name for source in sources}) != {*counts["sources"]}:
            raise InputError(
                f"expected counts of {', '.join(sorted(names))}, "
                f"received those of {', '.join(sorted(counts['sources']))}"
            )
        row_of = self.active.bundle.catalog.row_of
        built = self.active.live.bundle_item_count
        # Items added live have rows in the order of their newest change, which may be another by now.
        moved = np.full(max([built - 1, *head.live_rows.values()]) + 1, -1, np.int64)
        moved[:built] = np.arange(built)
        for item_id, row in head.live_rows.items():
            moved[row] = row_of[item_id]
        for source in sources:
            source.restore_events(counts["sources"][source.name], moved)
        self.active.bundle.offers.restore_events(counts["redemptions"])
        self.searches.restore(counts["searches"])
        self.sessions.put_all(snapshot.sessions)
        self.event_count = head.event_count
        self._live_ids, self._unknown_counts = {*head.live_rows}, dict(head.unknown_counts)

    def _write(self, path: Path, position: LogPosition) -> None:
        """Writes a snapshot; one that cannot be written costs the next start time, and no more."""
        bundle = self.active.bundle
        sources: dict[str, dict[str, Any]] = {}
        for source in bundle.ranker.sources.listeners:
            if (state := source.event_state()) is None:
                logger.warning("no snapshot: the source %s cannot tell its state", source.name)
                return
            sources[source.name] = state
        if len(self._unknown_counts) > _UNKNOWN_ID_LIMIT:
            logger.warning("no snapshot: events name %d unknown items", len(self._unknown_counts))
            return
        live_rows = {id_: bundle.catalog.row_of[id_] for id_ in sorted(self._live_ids)}
        head = SnapshotHead(
            position, self.event_count, bundle.manifest.bundle_id, live_rows, self._unknown_counts
        )
        counts = {
            "sources": sources,
            "redemptions": bundle.offers.event_state(),
            "searches": self.searches.state(),
        }
        try:
            write_snapshot(path, head, counts, self.sessions.all())
        except (InputError, OSError) as error:
            logger.warning("no snapshot: expected a writable disk, received: %s", error)


def fold_log(bundle: Path, state: Path) -> LogFold:
    """Folds the log of a state folder that a server may be using, and writes a snapshot.

    Args:
        bundle: That the next server is to be started with.
        state: The folder.

    Raises:
        BundleError: The bundle is damaged, or fails its golden queries.
        InputError: The folder has no log of a server, or the log is damaged.
    """
    if not (state / LOG_NAME).is_file():
        raise InputError(f"{state}: expected the state folder of a server, received no {LOG_NAME}")
    active = ActiveBundle.load(bundle)
    # The log before the items, so that the items of its events are known, whoever adds more meanwhile.
    with (
        closing(EventLog(state / LOG_NAME)) as log,
        closing(ItemLog(state / ITEM_LOG_NAME)) as items,
    ):
        fold = LogFold(active)
        BundlesInUse(active, items, time.time, fold.searches).restore_items()
        fold.restore(log, state, replay_limit=1)
    return fold
