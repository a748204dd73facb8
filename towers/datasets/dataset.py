"""A shop's tables in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError
from data.records import Event, Item, Judgment
from data.tables import Tables, iter_events, iter_items
from towers.catalog.items import Catalog
from towers.config import Config, TextConfig
from towers.datasets.examples import (
    ReplayedLog,
)
from towers.sessions.feedback import remembered
from towers.text.word_vectors import WordVectors, word_vectors
from towers.text.words import surface_words


@dataclass(frozen=True)
class Dataset:
    """What the tables hold, in memory; ``path`` is where they are."""

    path: Path
    items: list[Item]
    catalog: Catalog
    events: list[Event]
    judgments: list[Judgment]
    rank_from: float
    test_from: float

    @classmethod
    def of(cls, tables: Tables, text: TextConfig, *, whole_log: bool = False) -> Dataset:
        """Reads all of them, with what is known of items where training ends.

        Args:
            whole_log: Whether training ends with the log, and not before its test part.

        Raises:
            InputError: They hold no items.
        """
        if tables.items.num_rows == 0:
            raise InputError(f"{tables.path}: expected at least one item, received none")
        items = list(iter_items(tables.items_known(whole_log=whole_log)[0]))
        return cls(
            tables.path,
            items,
            Catalog.of(items, text),
            [remembered(event) for event in iter_events(tables.events)],
            [Judgment(*row.values()) for row in tables.judgments.to_pylist()],
            tables.split.rank_from,
            tables.split.test_from,
        )

    def log(self, until: float, learn_from: float = float("-inf")) -> ReplayedLog:
        """The events before ``until``; those before ``learn_from`` only build sessions.

        Whatever the part, only types that occur before ``rank_from`` are known: the towers learn from
        those events, and what they never saw is to be read in one way by all that builds on them.
        """
        kept = [event for event in self.events if event.time < until]
        return ReplayedLog.of(
            kept, self.catalog.row_of, learn_from_time=learn_from, known_until=self.rank_from
        )

    def first_words(self, config: Config) -> WordVectors | None:
        """First vectors of the words that the titles use."""
        titles = self.catalog.titles
        counts = Counter(word for title in titles for word in set(surface_words(title)))
        return word_vectors(counts, dim=config.towers.dim, bucket_count=config.text.bucket_count)
