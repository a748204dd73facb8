"""What a server folds out of its event log, and how a start comes by it: a snapshot and what is later.

Snapshots are made of replayed entries only, never of what a running server holds: that has taken in
searches before they were on disk, and events in another order than the log's. So a start writes one,
after a long replay, and ``nextclick snapshot`` beside a running server; no answer waits for it.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.records import Event, LogPosition
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.bundles_in_use import BundlesInUse
from serving.kept_counts import check_counts, counts_of, restore_counts
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
from serving.state.session_store import SessionStore
from serving.state.snapshot import (
    SNAPSHOT_NAME,
    SnapshotHead,
    read_counts,
    read_head,
    read_sessions,
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
                check_counts(head, self.active, log)
                self._put(head, read_counts(file), read_sessions(file))
        except FileNotFoundError:
            return None
        except (InputError, OSError) as error:
            logger.warning("%s is ignored, the whole log is replayed: %s", path.name, error)
            return None
        return head.position

    def _put(self, head: SnapshotHead, counts: dict[str, Any], sessions: Sequence[Session]) -> None:
        restore_counts(counts, head, self.active)
        self.searches.restore(counts["searches"])
        self.sessions.put_all(sessions)
        self.event_count = head.event_count
        self._live_ids, self._unknown_counts = {*head.live_rows}, dict(head.unknown_counts)

    def _write(self, path: Path, position: LogPosition) -> None:
        """Writes a snapshot; one that cannot be written costs the next start time, and no more."""
        bundle, counts = self.active.bundle, counts_of(self.active)
        if counts is None:
            return
        if len(self._unknown_counts) > _UNKNOWN_ID_LIMIT:
            logger.warning("no snapshot: events name %d unknown items", len(self._unknown_counts))
            return
        live_rows = {id_: bundle.catalog.row_of[id_] for id_ in sorted(self._live_ids)}
        head = SnapshotHead(
            position, self.event_count, bundle.manifest.bundle_id, live_rows, self._unknown_counts
        )
        counts["searches"] = self.searches.state()
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
