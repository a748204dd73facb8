"""The tables of a shop in memory: items, events, judgments, and their split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from data.errors import InputError
from data.impression_tables import ShownAnswer, at_most, iter_answers
from data.predicted.predictions import Predictions
from data.predicted.usable_values import read_predicted
from data.records import Event, Item, Judgment
from data.tables import Tables, iter_events, iter_items
from towers.catalog.items import Catalog
from towers.config import Config, TextConfig
from towers.datasets.replayed_log import ReplayedLog
from towers.sessions.feedback import remembered
from towers.text.word_vectors import WordVectors, word_vectors
from towers.text.words import surface_words

_ANSWER_LIMIT = 50_000
"""Shown answers that are read, evenly over the log; as objects they take two kilobytes each."""


@dataclass(frozen=True)
class Dataset:
    """The contents of the tables; ``path`` is their folder, ``answers`` those that were shown.

    ``predictions`` are what the items were filled with.
    """

    path: Path
    items: list[Item]
    catalog: Catalog
    events: list[Event]
    judgments: list[Judgment]
    rank_from: float
    test_from: float
    answers: tuple[ShownAnswer, ...] = ()
    predictions: Predictions = field(default_factory=Predictions)

    @classmethod
    def of(
        cls,
        tables: Tables,
        text: TextConfig,
        *,
        whole_log: bool = False,
        use_predicted: bool = False,
    ) -> Dataset:
        """Reads the tables, with items as known at the end of the training period.

        Args:
            whole_log: Whether the training period includes the test part of the log.
            use_predicted: Whether items get the values that were predicted for them.

        Raises:
            InputError: They hold no items.
        """
        if tables.items.num_rows == 0:
            raise InputError(f"{tables.path}: expected at least one item, received none")
        predictions = Predictions.of(read_predicted(tables.path) if use_predicted else ())
        items = predictions.filled_all(iter_items(tables.items_known(whole_log=whole_log)[0]))
        return cls(
            tables.path,
            items,
            Catalog.of(items, text),
            [remembered(event) for event in iter_events(tables.events)],
            [Judgment(*row.values()) for row in tables.judgments.to_pylist()],
            tables.split.rank_from,
            tables.split.test_from,
            _answers(tables),
            predictions,
        )

    def log(self, until: float, learn_from: float = float("-inf")) -> ReplayedLog:
        """The events before ``until``; those before ``learn_from`` only build sessions.

        Known types are always those that occur before ``rank_from``, the towers' training events: the
        towers encode all other types alike, in every part of the log.
        """
        kept = [event for event in self.events if event.time < until]
        return ReplayedLog.of(
            kept, self.catalog.row_of, learn_from_time=learn_from, known_until=self.rank_from
        )

    def pretrained_words(self, config: Config) -> WordVectors | None:
        """Pretrained vectors of the words in titles."""
        titles = self.catalog.titles
        counts = Counter(word for title in titles for word in set(surface_words(title)))
        return word_vectors(counts, dim=config.towers.dim, bucket_count=config.text.bucket_count)


def _answers(tables: Tables) -> tuple[ShownAnswer, ...]:
    shown = tables.impressions
    return () if shown is None else tuple(iter_answers(at_most(shown, _ANSWER_LIMIT)))
