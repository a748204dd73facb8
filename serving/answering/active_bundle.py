"""A bundle that answers, brought up to what has happened since it was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.records import Event, Item
from data.sources.own_log import EVENT
from serving.answering.live_catalog import LiveCatalog
from serving.state.event_log import EventLog
from serving.state.item_log import ItemLog
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
        bundle.ranker.sources.stages.tolerate()
        return cls(str(path), bundle, LiveCatalog(bundle))

    def change_items(self, items: ItemLog, since: float) -> None:
        """Tells it what became of its items from a time on."""
        changed: list[Item] = []
        gone: list[str] = []
        for item_id, item in items.since(since):
            if item is None:
                gone.append(item_id)
            else:
                changed.append(item)
        if changed:
            self.live.update(changed)
        self.live.delete(gone)

    def count_events(
        self, log: EventLog, also: Callable[[Event], object] = lambda event: None
    ) -> None:
        """Tells it what happened since it was made; ``also`` gets every event of the log.

        Events that arrive while a bundle is exchanged may be missing from its decayed counts.
        """
        counted_until = self.bundle.facts.counted_until
        for entry in log.replay(kinds=(EVENT,)):
            if isinstance(entry.record, Event):
                also(entry.record)
                if entry.record.time > counted_until:
                    self.bundle.ranker.record(entry.record)
