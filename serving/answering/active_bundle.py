"""The bundle that answers requests, with all events and item changes since it was built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from data.records import Event, Item, LogPosition
from data.sources.own_log import EVENT, LogEntry
from serving.answering.live_catalog import LiveCatalog
from serving.state.event_log import EventLog
from towers.bundle.bundle import Bundle, load_bundle
from towers.bundle.golden import check_golden
from towers.bundle.manifest import Manifest
from towers.text.query_rewriter import clear_caches
from towers.text.writing.chinese import warm_up


@dataclass(frozen=True)
class ActiveBundle:
    """A bundle that answers requests, and the live changes of its catalogue."""

    path: str
    bundle: Bundle
    live: LiveCatalog

    @classmethod
    def load(cls, path: Path, manifest: Manifest | None = None) -> ActiveBundle:
        """Loads a bundle and checks it against its golden queries; ``manifest`` as in ``load_bundle``.

        Raises:
            BundleError: It is damaged, or answers its golden queries differently.
        """
        bundle = load_bundle(path, manifest)
        lexical = bundle.ranker.sources.lexical
        # Here, so that no query waits for it.
        if lexical is not None and lexical.has_chinese:
            warm_up()
        if lexical is not None:
            lexical.rewriter.warm_up()
        # Before live changes, which may change the golden answers.
        check_golden(bundle.ranker, bundle.facts.golden)
        bundle.ranker.sources.stages.tolerate()
        if bundle.variants is not None:
            bundle.variants.warm_up()
        return cls(str(path), bundle, LiveCatalog(bundle))

    @property
    def variant_group_sizes(self) -> list[int]:
        """Listed items of each group of variants; empty for a bundle without groups."""
        variants = self.bundle.variants
        return [] if variants is None else variants.counts.tolist()

    def change_items(self, changes: Iterable[tuple[str, Item | None]]) -> None:
        """Applies item changes, each item id at most once; None: the item was deleted."""
        changed_items: list[Item] = []
        deleted_ids: list[str] = []
        for item_id, item in changes:
            if item is None:
                deleted_ids.append(item_id)
            else:
                changed_items.append(item)
        if changed_items:
            self.live.update(changed_items)
        self.live.delete(deleted_ids)

    def clear_queries(self) -> None:
        """Clears the caches keyed by query text."""
        if self.bundle.ranker.sources.lexical is not None:
            self.bundle.ranker.sources.lexical.clear()
        self.bundle.completion.clear()
        clear_caches()

    def count(self, event: Event) -> bool:
        """Adds a new event, of whatever time, to the bundle's counts; False if its item is unknown."""
        self.bundle.offers.record(event)
        return self.bundle.ranker.record(event)

    def count_events(
        self,
        log: EventLog,
        *,
        after_sequence: int = 0,
        until_sequence: int,
        also: Callable[[Event], object] = lambda event: None,
    ) -> LogPosition | None:
        """Counts the events of a range of the log; sequence numbers as in ``EventLog.replay``.

        The bundle's counts include an event already if training has read it from this log and did
        not withhold it for testing. Of such an event only the visitor is registered, so that nobody
        is counted twice on one day across a change of bundles. All other events count, late ones
        too: a bundle trained on files, or on another log, includes none of this log's events.

        ``also`` is called with each event before it is counted.

        Returns:
            The last event of the range; None if there is none.
        """
        facts = self.bundle.facts
        last_read = log.last_known(facts.log_positions)
        entries = log.replay(after_sequence, (EVENT,), until_sequence=until_sequence)
        entry: LogEntry | None = None
        for entry in entries:
            event = entry.record
            if isinstance(event, Event):
                also(event)
                is_counted = facts.has_counted_entry(
                    entry.sequence, event.time, last_read=last_read
                )
                self.bundle.ranker.record(event, is_counted=is_counted)
                # An event that the bundle has counted already counts once: redemptions have ids.
                self.bundle.offers.record(event)
        return None if entry is None else LogPosition(entry.sequence, entry.checksum)
