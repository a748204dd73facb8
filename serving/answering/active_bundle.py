"""A bundle that answers, brought up to what has happened since it was made."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from data.records import Event, Item
from data.sources.own_log import EVENT
from serving.answering.live_catalog import LiveCatalog
from serving.state.event_log import EventLog
from towers.bundle.bundle import Bundle, load_bundle
from towers.bundle.golden import check_golden
from towers.text.chinese import warm_up
from towers.text.words import has_chinese


@dataclass(frozen=True)
class ActiveBundle:
    """A bundle that answers, and what changed in its catalogue since it was made."""

    path: str
    bundle: Bundle
    live: LiveCatalog

    @classmethod
    def load(cls, path: Path) -> ActiveBundle:
        """Loads a bundle and lets it answer its golden queries.

        Raises:
            BundleError: It must not be served.
        """
        bundle = load_bundle(path)
        if any(map(has_chinese, bundle.catalog.titles)):
            warm_up()
        # Asked before anything live is added.
        check_golden(bundle.ranker, bundle.facts.golden)
        return cls(str(path), bundle, LiveCatalog(bundle))

    def change_items(self, changes: Iterable[tuple[str, Item | None]]) -> None:
        """Tells it what became of its items, each named once; None: it was taken out."""
        changed: list[Item] = []
        gone: list[str] = []
        for item_id, item in changes:
            if item is None:
                gone.append(item_id)
            else:
                changed.append(item)
        if changed:
            self.live.update(changed)
        self.live.delete(gone)

    def count(self, event: Event) -> bool:
        """Counts an event, unless the bundle was made of it; false if its item is not known."""
        if event.time > self.bundle.facts.counted_until:
            return self.bundle.ranker.record(event)
        return not event.item_id or event.item_id in self.bundle.catalog.row_of

    def count_events(
        self,
        log: EventLog,
        *,
        after_sequence: int = 0,
        until_sequence: int,
        also: Callable[[Event], object] = lambda event: None,
    ) -> None:
        """Counts the events of a part of the log, both numbers as ``EventLog.replay`` has them.

        ``also`` gets every one of them too, before it is counted.
        """
        entries = log.replay(after_sequence, (EVENT,), until_sequence=until_sequence)
        for entry in entries:
            if isinstance(entry.record, Event):
                also(entry.record)
                self.count(entry.record)
