"""Training examples of the two towers: sessions as they were, and the items that came next."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.records import Event, EventType, Judgment
from towers.catalog.items import Catalog
from towers.config import Config
from towers.datasets.replayed_log import ReplayedLog
from towers.datasets.synthetic_queries import catalogue_query
from towers.datasets.synthetic_sessions import SYNTHETIC_TYPES, SyntheticSession
from towers.sessions.query_input import QueryInput, query_input
from towers.sessions.replay import replay, with_intent_shift
from towers.sessions.session import Session

_GOOD_GRADE_SHARE = 5 / 6
"""Least relevant grade, as a share of the grading scale: 2.67 on a scale of 1 to 3."""

_BLOCK_SIZE = 4_096

_BLANK_SHARE = 0.125
"""Share of the examples without any history that is kept: their inputs are all alike, so that they train
only a popularity prior."""

FOLDS = range(10)
TEST_FOLD = 0
VALIDATION_FOLD = 1
RERANK_FOLDS = range(1, 4)
"""Judged queries that train the reranker where the log does not suffice. The towers must not be trained
on them: the reranker would learn to trust towers that have memorised its labels."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Stacked ``QueryInput`` fields, by name, and their targets.

    Args:
        inputs: Arrays ``[examples, …]`` by the name of the field.
        targets: ``[examples, target_count] int32`` item rows, −1 where there are fewer.
    """

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray

    @property
    def count(self) -> int:
        """Number of examples."""
        return len(self.targets)

    def part(self, chosen: slice) -> Examples:
        """Some of the examples."""
        inputs = {name: column[chosen] for name, column in self.inputs.items()}
        return Examples(inputs, self.targets[chosen])

    def spread(self, count: int) -> Examples:
        """At most ``count`` of the examples, evenly spaced, so that each kind is represented."""
        return self.part(slice(None, None, max(1, -(-self.count // count))))


class ExampleWriter:
    """Collects examples row by row into columns."""

    def __init__(self, target_count: int) -> None:
        self._target_count = target_count
        self._inputs: list[QueryInput] = []
        self._targets: list[np.ndarray] = []
        self._blocks: list[Examples] = []

    def add(self, inputs: QueryInput, targets: Sequence[int] | np.ndarray) -> None:
        """Adds one example; targets beyond the limit are left out."""
        padded = np.full(self._target_count, -1, np.int32)
        kept = targets[: self._target_count]
        padded[: len(kept)] = kept
        self._inputs.append(inputs)
        self._targets.append(padded)
        if len(self._inputs) == _BLOCK_SIZE:
            # Millions of small arrays would take several times the memory of stacked ones.
            self._blocks.append(self._block())

    def finish(self) -> Examples:
        """All examples so far."""
        return joined([*self._blocks, self._block()])

    def _block(self) -> Examples:
        names = QueryInput.__slots__
        columns = {name: [getattr(row, name) for row in self._inputs] for name in names}
        inputs = {name: _stack(column) for name, column in columns.items()}
        targets = (
            np.stack(self._targets)
            if self._targets
            else np.zeros((0, self._target_count), np.int32)
        )
        self._inputs, self._targets = [], []
        return Examples(inputs, targets)


def _stack(column: list[np.ndarray] | list[int]) -> np.ndarray:
    if not column or isinstance(column[0], int):
        return np.array(column, np.int32)
    return np.stack(column)


def browse_and_search_examples(
    log: ReplayedLog,
    catalog: Catalog,
    config: Config,
    *,
    browse_limit: int,
    search_limit: int,
    progress: Callable[[int], None] | None = None,
) -> Examples:
    """Examples from the log: browse, real searches, and synthetic searches.

    Of the examples without any history only some are kept. Where real searches do not fill
    ``search_limit``, a synthetic query is put before a purchase or view, as if the shopper had
    searched for the item.

    Args:
        browse_limit, search_limit: Most examples of each kind; a uniform sample of the log.
        progress: Called with the number of each event.
    """
    rng = random.Random(config.seed)
    generator = np.random.default_rng(config.seed)
    is_kept = generator.random(len(log.events)) < _BLANK_SHARE
    writer = ExampleWriter(config.retrieval.target_count)
    target_limit = config.retrieval.target_count if log.targets.is_basket_log else 1
    numbers = np.arange(len(log.events)) >= log.learn_from
    is_browse = _sampled(log.targets.is_target & numbers, browse_limit, generator)
    types = np.array([event.type for event in log.events], np.int8)
    is_search = _sampled((types == EventType.SEARCH) & numbers, search_limit, generator)
    synthetic_limit = max(search_limit // 4, search_limit - int(is_search.sum()))
    is_synthetic = _sampled(log.targets.is_target & numbers, synthetic_limit, generator)

    def read(session: Session, time: float) -> QueryInput:
        return query_input(
            session,
            time,
            row_of=catalog.row_of,
            known_types=log.known_types | {EventType.SEARCH},
            config=config,
        )

    other_visitor = Session.empty("")
    for number, session, event in replay(log.events):
        if progress is not None:
            progress(number)
        if is_browse[number]:
            before = session.at(event.time)
            if before.events or before.bought or is_kept[number]:
                writer.add(read(before, event.time), log.targets.after(number, target_limit))
        if is_search[number]:
            target_rows = log.targets.after(number, target_limit, until_search=True)
            if len(target_rows):
                writer.add(read(session.after(event), event.time), target_rows)
        if is_synthetic[number]:
            row = int(log.rows[number])
            text = catalogue_query(catalog, row, rng)
            if text:
                search = replace(event, type=EventType.SEARCH, item_id="", query=text)
                # A quarter are anonymous, so that words alone suffice; a quarter come from
                # another intent, so that the words outweigh the earlier events.
                variant = rng.randrange(4)
                before = Session.empty(event.visitor_id) if variant == 0 else session
                after = before.after(search)
                if variant == 1:
                    after = with_intent_shift(after, other_visitor, kept=1)
                writer.add(read(after, event.time), [row])
        if session.visitor_id != other_visitor.visitor_id and session.events:
            other_visitor = session
    return writer.finish()


def catalogue_examples(catalog: Catalog, config: Config, *, limit: int) -> Examples:
    """Synthetic queries of anonymous visitors; the query's item is the target."""
    rng = random.Random(config.seed + 1)
    writer = ExampleWriter(config.retrieval.target_count)
    repeats = max(1, min(8, limit // max(1, catalog.count)))
    rows = [row for row in range(catalog.count) for _ in range(repeats)]
    rng.shuffle(rows)
    for row in rows[:limit]:
        text = catalogue_query(catalog, row, rng)
        if text:
            writer.add(search_input(text, catalog, config), [row])
    return writer.finish()


def synthetic_session_examples(
    sessions: Iterable[SyntheticSession], catalog: Catalog, config: Config
) -> Examples:
    """Examples of synthetic sessions and their relevant items."""
    writer = ExampleWriter(config.retrieval.target_count)
    for synthetic in sessions:
        inputs = query_input(
            synthetic.session,
            synthetic.time,
            row_of=catalog.row_of,
            known_types=SYNTHETIC_TYPES,
            config=config,
        )
        writer.add(inputs, synthetic.relevant)
    return writer.finish()


def query_fold(query: str) -> int:
    """The fold of a judged query, one of ``FOLDS``, by a hash of its text.

    ``TEST_FOLD`` is kept out of training unless the config has ``learn_test_part``;
    ``VALIDATION_FOLD`` is for early stopping.
    """
    return zlib.crc32(query.encode()) % len(FOLDS)


def judged_examples(
    judgments: Sequence[Judgment], catalog: Catalog, config: Config, *, folds: Collection[int]
) -> Examples:
    """Judged queries of some folds, with their relevant items as targets."""
    judgments = [row for row in judgments if query_fold(row.query) in folds]
    writer = ExampleWriter(config.retrieval.target_count)
    for query, item_ids in good_items(judgments).items():
        rows = [catalog.row_of[item_id] for item_id in item_ids if item_id in catalog.row_of]
        if rows:
            writer.add(search_input(query, catalog, config), rows)
    return writer.finish()


def good_items(judgments: Sequence[Judgment]) -> dict[str, list[str]]:
    """Items judged relevant, by query, in the order of the judgments."""
    grades = [judgment.grade for judgment in judgments]
    lowest, highest = min(grades, default=0.0), max(grades, default=0.0)
    least = lowest + (highest - lowest) * _GOOD_GRADE_SHARE
    relevant: dict[str, list[str]] = {}
    for judgment in judgments:
        if judgment.grade >= least:
            relevant.setdefault(judgment.query, []).append(judgment.item_id)
    return relevant


def search_input(text: str, catalog: Catalog, config: Config) -> QueryInput:
    """The query tower's input when an anonymous visitor searches for ``text``."""
    search = Event("", EventType.SEARCH, "", 0.0, query=text)
    return query_input(
        Session.empty("").after(search),
        0.0,
        row_of=catalog.row_of,
        known_types=frozenset({EventType.SEARCH}),
        config=config,
    )


def joined(parts: Sequence[Examples]) -> Examples:
    """Concatenates sets of examples."""
    filled = [part for part in parts if part.count]
    if not filled:
        return parts[0]
    names = filled[0].inputs
    inputs = {name: np.concatenate([part.inputs[name] for part in filled]) for name in names}
    return Examples(inputs, np.concatenate([part.targets for part in filled]))


def _sampled(flags: np.ndarray, limit: int, generator: np.random.Generator) -> np.ndarray:
    """A random subset of the flags with about ``limit`` true, ``[events] bool``."""
    count = int(flags.sum())
    if count <= limit:
        return flags
    return flags & (generator.random(len(flags)) < limit / count)
