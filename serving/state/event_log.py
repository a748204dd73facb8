"""The durable log of events and impressions: an acknowledged event is on disk.

One thread writes. It commits everything that was queued during the previous commit in one
transaction, because an fsync takes milliseconds whatever its size (group commit).
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from data.errors import OverloadError
from data.records import Event, Impression, LogPosition
from data.sources.own_log import (
    EVENT,
    KINDS,
    LogEntry,
    LogRow,
    damage,
    event_row,
    impression_row,
    last_known_sequence,
    open_log,
    read_entries,
)

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 10_000
LINGER_SECONDS = 0.1
"""How long entries that no caller waits for are collected before they are committed."""

_INSERT = (
    "INSERT INTO entries (kind, entry_id, time, body, features, checksum) "
    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, entry_id) DO NOTHING"
)

Done = Callable[[list[bool] | Exception], object]
"""Takes for each event whether it is new, or what went wrong."""


class _Batch(NamedTuple):
    """Entries that are committed together; ``events`` and ``done`` are set if a caller waits.

    ``done`` is called with which events are new, or with what went wrong.
    """

    rows: Sequence[LogRow]
    events: Sequence[Event] = ()
    done: Done | None = None


class EventLog:
    """A log in one SQLite file, which is created if it does not exist.

    Args:
        path: The file; its folder must exist.
        after_commit: Called with each new event once it is on disk, before its caller is told; on
            the writer's thread, in log order. Not with those of ``enqueue_event``.
        queue_limit: Maximum queued entries without an ack; further ones are dropped and counted.

    Raises:
        InputError: The file is damaged or not an event log.
    """

    def __init__(
        self,
        path: Path,
        *,
        after_commit: Callable[[Event], object] | None = None,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._path = path
        self._after_commit = after_commit
        self._queue_limit = queue_limit
        self._writing = open_log(path, read_only=False)
        try:
            self._writing.execute("PRAGMA synchronous = FULL")
            # One statement, so that both are of one moment, if another process reads the log of a server.
            self._event_count, self._applied_sequence = self._writing.execute(
                "SELECT (SELECT count(*) FROM entries WHERE kind = ?), "
                "(SELECT coalesce(max(sequence), 0) FROM entries)",
                (EVENT,),
            ).fetchone()
        except sqlite3.Error as error:
            self._writing.close()
            raise damage(path, error) from error
        self._reading = open_log(path, read_only=True)
        self._reading_lock = threading.Lock()
        self._applying = threading.Lock()
        # Taken by itself where nobody waits: faster than by way of the condition.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)
        self._batches: list[_Batch] = []
        self._unacked_count = 0
        self._is_awaited = False
        self._dropped_count = 0
        self._is_closing = False
        self._writer = threading.Thread(target=self._write, name="event-log", daemon=True)
        self._writer.start()

    def append_events(self, events: Sequence[Event]) -> list[bool]:
        """Writes events and returns once they are on disk.

        Returns:
            For each event whether it is new; False if its id was in the log already, or occurred
            earlier in ``events``.

        Raises:
            OverloadError: The disk is full or failing, or the log is closed; no event is recorded.
        """
        return self._put_and_wait([event_row(event) for event in events], events)

    def append_events_then(self, events: Sequence[Event], done: Done) -> None:
        """The same without waiting: ``done`` is called once, also with an error of the disk.

        On the writer's thread, which must not wait. If the log is closed, ``OverloadError`` is raised.
        """
        self._put([event_row(event) for event in events], events, done)

    def enqueue_event(self, event: Event) -> bool:
        """Queues an event without waiting and without ``after_commit``; False if it was dropped."""
        return self._put_unacked(event_row(event))

    def enqueue_impression(self, impression: Impression) -> bool:
        """Queues an impression without waiting; False if it was dropped."""
        return self._put_unacked(impression_row(impression))

    def known(self, event_id: str) -> bool:
        """Whether an event with this id is on disk."""
        statement = "SELECT 1 FROM entries WHERE kind = ? AND entry_id = ?"
        with self._reading_lock:
            return self._reading.execute(statement, (EVENT, event_id)).fetchone() is not None

    def last_known(self, positions: Iterable[LogPosition]) -> int:
        """The largest sequence number among the positions that are of this log; 0 if none is.

        Raises:
            InputError: The log cannot be read.
        """
        with self._reading_lock:
            return last_known_sequence(self._reading, self._path.name, positions)

    def event_count_until(self, sequence: int) -> int:
        """Events on disk up to a sequence number.

        Raises:
            InputError: The log cannot be read.
        """
        # By the index of ids, which is shorter than the table.
        statement = (
            "SELECT count(*) FROM entries INDEXED BY sqlite_autoindex_entries_1 "
            "WHERE kind = ? AND sequence <= ?"
        )
        try:
            with self._reading_lock:
                return int(self._reading.execute(statement, (EVENT, sequence)).fetchone()[0])
        except sqlite3.Error as error:
            raise damage(self._path, error) from error

    @property
    def applied_sequence(self) -> int:
        """The last sequence number passed to ``after_commit``; entries that were on disk when
        the log was opened count as passed."""
        return self._applied_sequence

    @contextmanager
    def applying_paused(self) -> Iterator[int]:
        """Yields ``applied_sequence``, which does not change in the block: later events wait."""
        with self._applying:
            yield self._applied_sequence

    def replay(
        self,
        after_sequence: int = 0,
        kinds: Collection[str] = KINDS,
        *,
        until_sequence: int | None = None,
    ) -> Iterator[LogEntry]:
        """Entries on disk after a sequence number, in log order.

        Args:
            after_sequence: 0 for the whole log.
            kinds: Which kinds to read.
            until_sequence: The last one to read, inclusive; None for all.

        Raises:
            InputError: An entry is damaged.
        """
        # Own connection: a replay may take long, and ``known`` must not wait for it.
        log = open_log(self._path, read_only=True)
        try:
            for entry in read_entries(
                log, self._path.name, after_sequence=after_sequence, kinds=kinds
            ):
                if until_sequence is not None and entry.sequence > until_sequence:
                    return
                yield entry
        finally:
            log.close()

    @property
    def event_count(self) -> int:
        """Events on disk."""
        return self._event_count

    @property
    def dropped_count(self) -> int:
        """Entries without an ack that were lost: the queue was full, or the disk failed."""
        return self._dropped_count

    def flush(self) -> None:
        """Returns once every queued entry is on disk, or counted as dropped.

        Raises:
            OverloadError: The disk is full or failing, or the log is closed.
        """
        self._put_and_wait([], [])

    def close(self) -> None:
        """Writes queued entries and closes the file; further calls have no effect."""
        with self._condition:
            if self._is_closing:
                return
            self._is_closing = True
            self._condition.notify()
        self._writer.join()
        with self._reading_lock:
            self._reading.close()
        self._writing.close()

    def _put_and_wait(self, rows: Sequence[LogRow], events: Sequence[Event]) -> list[bool]:
        # Not a ``Future``, which is ten times as slow.
        done: SimpleQueue[list[bool] | Exception] = SimpleQueue()
        self._put(rows, events, done.put)
        outcome = done.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _put(self, rows: Sequence[LogRow], events: Sequence[Event], done: Done) -> None:
        with self._lock:
            if self._is_closing:
                raise OverloadError("event log: expected an open log, received a call after close")
            self._batches.append(_Batch(rows, events, done))
            self._is_awaited = True
            self._condition.notify()

    def _put_unacked(self, row: LogRow) -> bool:
        with self._lock:
            if self._is_closing or self._unacked_count >= self._queue_limit:
                self._dropped_count += 1
                return False
            self._batches.append(_Batch([row]))
            self._unacked_count += 1
            if len(self._batches) == 1:
                # Later entries need no wake-up: the writer polls after ``LINGER_SECONDS``.
                self._condition.notify()
            return True

    def _write(self) -> None:
        while batches := self._take():
            try:
                sequences = self._commit(batches)
            except Exception as error:
                # Of whatever kind: the waiting callers must be released.
                self._refuse(batches, error)
            else:
                for batch, batch_sequences in zip(batches, sequences, strict=True):
                    self._finish(batch, batch_sequences)

    def _take(self) -> list[_Batch]:
        """All queued batches; empty once the log is closing and the queue is empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._batches or self._is_closing)
            self._condition.wait_for(
                lambda: self._is_closing or self._is_awaited, timeout=LINGER_SECONDS
            )
            batches, self._batches = self._batches, []
            self._unacked_count, self._is_awaited = 0, False
            return batches

    def _commit(self, batches: Sequence[_Batch]) -> list[list[int]]:
        """Commits with fsync; returns each entry's sequence number, 0 if it was known already."""
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            sequences = [[self._insert(row) for row in batch.rows] for batch in batches]
            self._writing.execute("COMMIT")
        except Exception:
            # SQLite rolls back automatically on some errors only.
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            raise
        self._event_count += sum(
            sequence > 0 and row.kind == EVENT
            for batch, batch_sequences in zip(batches, sequences, strict=True)
            for row, sequence in zip(batch.rows, batch_sequences, strict=True)
        )
        return sequences

    def _insert(self, row: LogRow) -> int:
        done = self._writing.execute(_INSERT, row)
        return (done.lastrowid or 0) if done.rowcount == 1 else 0

    def _finish(self, batch: _Batch, sequences: list[int]) -> None:
        if batch.done is None:
            return
        failed: Exception | None = None
        for event, sequence in zip(batch.events, sequences, strict=True):
            try:
                self._apply(event, sequence)
            except Exception as error:
                # Report a callback failure to the caller, but keep the writer alive and apply the
                # batch's other events, which are on disk as well.
                failed = failed or error
        _tell(batch.done, failed or [sequence > 0 for sequence in sequences])

    def _apply(self, event: Event, sequence: int) -> None:
        # Lock per event, so that ``applying_paused`` waits for one event, not for a batch.
        with self._applying:
            if sequence and self._after_commit is not None:
                # Number first: an event whose callback failed must not be applied again.
                self._applied_sequence = sequence
                self._after_commit(event)

    def _refuse(self, batches: Sequence[_Batch], error: Exception) -> None:
        logger.error("event log: commit failed: %s", error)
        for batch in batches:
            if batch.done is None:
                with self._condition:
                    self._dropped_count += len(batch.rows)
            else:
                received = OverloadError(f"event log: expected a writable disk, received: {error}")
                _tell(batch.done, received)


def _tell(done: Done, outcome: list[bool] | Exception) -> None:
    try:
        done(outcome)
    except Exception:
        # The writer goes on for all others.
        logger.exception("event log: expected a caller that takes its outcome")
