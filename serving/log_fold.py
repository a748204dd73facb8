"""What a server folds out of its event log, and how a start comes by it: a snapshot and what is later.

Snapshots are made of replayed entries only, never of what a running server holds: that has taken in
searches before they were on disk, and events in another order than the log's. So a start writes one
after a long replay, before it answers, and ``nextclick snapshot`` beside a running server.
"""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.records import Event, LogPosition
from data.sources.live_items import ITEM_LOG_NAME
from data.sources.own_log import LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.kept_counts import check_bundle, check_log, counts_of, parsed_counts, reading
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
"""A start writes a snapshot after so many replayed events, two seconds and more, if there are not more
sessions than that: writing takes no longer than the replay."""
_UNKNOWN_ID_LIMIT = 100_000
"""Unknown items that a snapshot can name; where events name more, none is written."""


def _searches() -> PopularQueries:
    # A random key: hashes only have to be equal for the same visitor within one fold.
    return PopularQueries(secrets.token_bytes(16))


@dataclass(frozen=True)
class VisitorFold:
    """What events change whatever the bundle: sessions and counts of searches."""

    sessions: SessionStore = field(default_factory=SessionStore)
    searches: PopularQueries = field(default_factory=_searches)

    def remember(self, event: Event) -> Session:
        """The visitor's session after ``event``; a search counts towards query suggestions."""
        session = self.sessions.apply(event)
        self.searches.record(event, session.search_text)
        return session


@dataclass
class LogFold:
    """The state of one service that follows from its event log, given a bundle and its live items.

    Not to be kept once it is restored: it holds the bundle.

    Args:
        active: Counts events of its items.
        visitors: Nothing has been folded yet.
        event_count: Number of events folded.
        unknown_event_count: Number of those whose item has no row.
        replayed_count: Number of those that were not in the snapshot.
        position: The last event folded.
    """

    active: ActiveBundle
    visitors: VisitorFold = field(default_factory=VisitorFold)
    event_count: int = 0
    unknown_event_count: int = 0
    replayed_count: int = 0
    position: LogPosition | None = None
    _live_ids: set[str] = field(default_factory=set)
    # None: too many to name.
    _unknown_counts: dict[str, int] | None = field(default_factory=dict)

    def restore(self, log: EventLog, folder: Path) -> None:
        """Folds the events of the log, from its snapshot on where that holds.

        Args:
            log: With all entries up to ``applied_sequence`` on disk.
            folder: Of the snapshot.

        Raises:
            InputError: The log is damaged.
        """
        self._load(log, folder / SNAPSHOT_NAME)
        last = self.active.count_events(
            log,
            after_sequence=self.position.sequence if self.position else 0,
            until_sequence=log.applied_sequence,
            also=self._replay,
        )
        self.position = last or self.position

    def write_after_long_replay(self, folder: Path) -> None:
        """Writes a snapshot if many events were replayed; one that cannot be written is logged."""
        if self.replayed_count < max(REPLAY_LIMIT, self.visitors.sessions.visitor_count):
            return
        try:
            self.write(folder)
        except InputError as error:
            logger.warning("%s", error)

    def write(self, folder: Path) -> None:
        """Writes a snapshot in place of the one in the folder.

        Raises:
            InputError: It cannot be written; the earlier one stays.
        """
        assert self.position is not None
        bundle, counts = self.active.bundle, counts_of(self.active)
        if self._unknown_counts is None:
            raise InputError(
                f"no snapshot: expected events of at most {_UNKNOWN_ID_LIMIT} unknown items, "
                "received more"
            )
        live_rows = {id_: bundle.catalog.row_of[id_] for id_ in sorted(self._live_ids)}
        head = SnapshotHead(
            self.position,
            self.event_count,
            bundle.manifest.bundle_id,
            live_rows,
            self._unknown_counts,
        )
        counts["searches"] = self.visitors.searches.state()
        path = folder / SNAPSHOT_NAME
        try:
            write_snapshot(path, head, counts, self.visitors.sessions.all())
        except (InputError, OSError) as error:
            raise InputError(f"no snapshot: expected a writable disk, received: {error}") from error
        except (TypeError, ValueError) as error:
            raise InputError(
                f"no snapshot: expected sources that tell JSON values, received: {error!r}"
            ) from error
        # By whomever it is written, the server has to read it.
        with suppress(OSError):
            owner = (folder / LOG_NAME).stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    def _replay(self, event: Event) -> None:
        self.visitors.remember(event)
        self.event_count += 1
        self.replayed_count += 1
        if not event.item_id:
            return
        row = self.active.bundle.catalog.row_of.get(event.item_id, -1)
        if row < 0:
            self.unknown_event_count += 1
            self._count_unknown(event.item_id)
        elif row >= self.active.live.bundle_item_count:
            self._live_ids.add(event.item_id)

    def _count_unknown(self, item_id: str) -> None:
        counts = self._unknown_counts
        if counts is not None:
            counts[item_id] = counts.get(item_id, 0) + 1
            if len(counts) > _UNKNOWN_ID_LIMIT:
                self._unknown_counts = None

    def _load(self, log: EventLog, path: Path) -> None:
        """Restores a snapshot if there is one that holds."""
        try:
            with open(path, "rb") as file:
                head = read_head(file)
                try:
                    check_log(head, log)
                except InputError:
                    # It may hold visitors whose events were deleted.
                    path.unlink()
                    raise
                check_bundle(head, self.active)
                self._put(head, read_counts(file), read_sessions(file))
        except FileNotFoundError:
            return
        except (InputError, OSError) as error:
            logger.warning("%s is ignored, the whole log is replayed: %s", path.name, error)

    def _put(self, head: SnapshotHead, counts: dict[str, Any], sessions: list[Session]) -> None:
        put_counts = parsed_counts(counts, head, self.active)
        with reading():
            put_searches = self.visitors.searches.parsed(counts["searches"])
        # From here on nothing fails: state restored by half would be counted on.
        put_counts()
        put_searches()
        self.visitors.sessions.put_all(sessions)
        self.event_count, self.position = head.event_count, head.position
        self.unknown_event_count = sum(head.unknown_counts.values())
        self._live_ids, self._unknown_counts = {*head.live_rows}, dict(head.unknown_counts)


def fold_log(bundle: Path, state: Path) -> LogFold:
    """Folds the log of a state folder that a server may be using, and writes a snapshot.

    Args:
        bundle: That is served or published next.
        state: The folder.

    Raises:
        BundleError: The bundle is damaged, or fails its golden queries.
        InputError: The folder has no log of a server, the log is damaged, or the snapshot cannot be
            written.
    """
    if not (state / LOG_NAME).is_file():
        raise InputError(f"{state}: expected the state folder of a server, received no {LOG_NAME}")
    active = ActiveBundle.load(bundle)
    # The log before the items, so that the items of its events are known, whoever adds more meanwhile.
    with (
        closing(EventLog(state / LOG_NAME)) as log,
        closing(ItemLog(state / ITEM_LOG_NAME)) as items,
    ):
        active.change_items(items.since(active.bundle.facts.items_time))
        fold = LogFold(active)
        fold.restore(log, state)
    if fold.replayed_count:
        fold.write(state)
    return fold
