"""The interface of a candidate source.

A source is built from training data; it finds and scores candidates, and it can be saved, loaded,
updated and moved to another catalogue.
``towers.retrieval.source_list`` names them all; training, answers, features, bundles, live changes
and batch embedding go through that list and do not depend on single sources.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np

from data.records import Event, Item
from towers.catalog.items import Catalog
from towers.config import IndexConfig, SourcesConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session_log import SessionLog
from towers.text.distilled_encoder import DistilledEncoder

NO_ROWS = np.zeros(0, np.int64)
NO_SCORES = SparseScores(NO_ROWS, np.zeros(0, np.float32))


class Found(NamedTuple):
    """The result of one source for one request.

    Args:
        rows: ``[n] int64`` its candidates, best first, all of them allowed; their positions are its
            ranks.
        scores: Its scores of all items that it evaluated, candidates of other sources included.
    """

    rows: np.ndarray = NO_ROWS
    scores: SparseScores = NO_SCORES


NOTHING = Found()


@dataclass(frozen=True)
class TextVectors:
    """The items as read by a large text encoder, and the small encoder of queries.

    Args:
        index: Over the items' vectors, ``[items, dim] float32`` unit rows.
        encoder: Reads queries into the same space.
        keys: ``[items] uint64`` hash of what was read of each item.
    """

    index: ItemIndex
    encoder: DistilledEncoder
    keys: np.ndarray


@dataclass(frozen=True)
class TrainingData:
    """What sources are built from.

    Args:
        catalog: The items of the rows.
        events: The log so far, in time order.
        rows: ``[events] int64`` item row of each event, −1 for none.
        session_log: The sessions of these events.
        index: The items' embeddings and the index over them.
        lexical: The index of the items' words.
        text: The items as read by a large text encoder; None where none is installed.
    """

    catalog: Catalog
    events: Sequence[Event]
    rows: np.ndarray
    session_log: SessionLog
    index: ItemIndex
    lexical: LexicalIndex
    text: TextVectors | None = None

    def item_events(self) -> Iterator[tuple[int, Event]]:
        """Item row and event of the events with a known item, in time order."""
        for event, row in zip(self.events, self.rows.tolist(), strict=True):
            if row >= 0:
                yield row, event


@dataclass(frozen=True)
class Rebase:
    """Another catalogue for the same models, to move sources to.

    Args:
        catalog: The new one.
        items: Its items in row order.
        moved: ``[old items] int64`` new row of each old one, −1 where the item was removed.
        embeddings: ``[items, dim] float32`` unit rows.
        sample_queries: ``[n, dim] float32`` unit rows, similar to queries, to tune an index by.
        index_config: Of the vector index.
    """

    catalog: Catalog
    items: Sequence[Item]
    moved: np.ndarray
    embeddings: np.ndarray
    sample_queries: np.ndarray
    index_config: IndexConfig


class Source(Protocol):
    """A candidate source. To be derived from, since some methods have defaults.

    Attributes:
        name: Its name in answers, and of its folder in a bundle. Its ranks are the reranker's feature
            ``<name>_rank``.
        scored_as: Its scores are the reranker's features ``<scored_as>_score`` and, relative to the best
            candidate's, ``<scored_as>_share``; empty where its scores are no features.
        reads_events: Whether it reads the session's events, beyond the query and past purchases; what it
            finds is the same without any one of them where not.
    """

    name: ClassVar[str]
    scored_as: ClassVar[str] = ""
    reads_events: ClassVar[bool] = True

    @classmethod
    def applies_to(cls, encoded: EncodedRequest) -> bool:
        """Whether it gives candidates to a request; then its absence is reported in the answer."""
        return not encoded.is_search

    @classmethod
    @abstractmethod
    def build(cls, data: TrainingData) -> Self:
        """The source after all events of ``data``; none of them is passed to it again."""

    @abstractmethod
    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """Candidates, and scores of all items that it evaluated.

        Called for every request: a source without candidates may still score those of others.
        """

    def refound(
        self,
        scores: SparseScores,
        encoded: EncodedRequest,
        allowed: AllowedItems,
        config: SourcesConfig,
    ) -> Found:
        """As ``find``, for the same request with other allowed items.

        Args:
            scores: What ``find`` evaluated before, for sources that need not evaluate it again.
        """
        return self.find(encoded, allowed, config)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes it into an existing empty folder, in formats that carry no code."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote."""

    def take_in_event(self, row: int, event: Event) -> None:
        """Takes in an event of the item at ``row``; on the hot path of every event."""
        return None

    def recall_event(self, row: int, event: Event) -> None:
        """Takes in an event again that its saved state includes already."""
        return None

    def event_state(self) -> dict[str, Any] | None:
        """All that events have changed, as JSON values, visitors too; None: it cannot be told.

        To be overridden where ``take_in_event`` is, or every start of a server replays its whole log.
        """
        return None

    def parsed_events(self, state: dict[str, Any], moved: np.ndarray) -> Callable[[], None]:
        """Reads ``event_state``, and gives what restores it over the same items and cannot fail.

        To be overridden where ``event_state`` is.

        Args:
            moved: ``[old items] int64`` row of each row in ``state``; −1 for rows without events.

        Raises:
            ValueError, TypeError, KeyError: The state is of another version.
        """
        raise TypeError(f"{self.name}: expected parsed_events beside event_state")

    @contextmanager
    def staged_items(self, changes: Sequence[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Stages added or changed items by row, and gives the function that commits them.

        All that can fail belongs here; rolled back where the block ends with an error. Committed
        items are visible after ``take_in_items``.

        Raises:
            OverloadError: The disk is full or failing.
        """
        yield lambda: None

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Makes committed items visible, by row, once all sources have staged them."""
        return None

    @abstractmethod
    def rebased(self, rebase: Rebase) -> Self:
        """The source over another catalogue, without the removed items."""
