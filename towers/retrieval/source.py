"""What a candidate source is: the one seam between retrieval and everything around it.

A source finds candidates, says what it thinks of them, and knows how to be saved, loaded, kept
current and moved to another catalogue. ``towers.retrieval.source_list`` names them all; answers,
features, bundles, live changes and batch embedding go through that list and know no source by name.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol, Self

import numpy as np

from data.records import Event, Item
from towers.catalog.items import Catalog
from towers.config import IndexConfig, SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sparse_scores import SparseScores

NO_ROWS = np.zeros(0, np.int64)
NO_SCORES = SparseScores(NO_ROWS, np.zeros(0, np.float32))


class Found(NamedTuple):
    """What one source says to one request.

    Args:
        rows: ``[n] int64`` its candidates, best first, all of them allowed; their places here are
            its ranks.
        scores: What it says of every item that it looked at, candidates of other sources included.
    """

    rows: np.ndarray = NO_ROWS
    scores: SparseScores = NO_SCORES


NOTHING = Found()


@dataclass(frozen=True)
class Rebase:
    """Another catalogue for the same models, to move sources to.

    Args:
        catalog: The new one.
        items: Its items in row order.
        moved: ``[old items] int64`` the new row of each old one, −1 where it is gone.
        embeddings: ``[items, dim] float32`` unit rows.
        sample_queries: ``[n, dim] float32`` unit rows, like queries to come, to tune an index by.
        index_config: Of the vector index.
    """

    catalog: Catalog
    items: Sequence[Item]
    moved: np.ndarray
    embeddings: np.ndarray
    sample_queries: np.ndarray
    index_config: IndexConfig


class Source(Protocol):
    """A candidate source. It must be derived from: what it leaves out is as written here.

    Attributes:
        name: As answers tell it, and as its folder in a bundle is called. The reranker reads its
            ranks as ``<name>_rank``.
        scored_as: The reranker reads its scores as ``<scored_as>_score``, and as shares of the best
            candidate's as ``<scored_as>_share``; empty where its scores are no features.
    """

    name: ClassVar[str]
    scored_as: ClassVar[str] = ""

    @classmethod
    def is_asked(cls, encoded: EncodedRequest) -> bool:
        """Whether a request gets candidates from it; where it is away, such an answer says so."""
        return not encoded.is_search

    @abstractmethod
    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """Candidates, and scores of all that it looked at.

        It is called for every request: one that is not asked may still score what others find.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Writes it into an existing empty folder, in formats that carry no code."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote."""

    def take_in_event(self, row: int, event: Event) -> None:
        """Learns of an event of the item at ``row``; on the hot path of every event."""
        return None

    def recall_event(self, row: int, event: Event) -> None:
        """Is told again of an event that it had taken in before it was saved."""
        return None

    @contextmanager
    def staged_items(self, changes: Sequence[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Reads items that are to be added or changed, by row, and gives what makes them durable.

        All that can fail belongs here; nothing is kept where the block ends with an error. What
        was committed is found after ``take_in_items``.

        Raises:
            OverloadError: The disk is full or failing.
        """
        yield lambda: None

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Learns of items that were added or changed, by row, once all sources have staged them."""
        return None

    @abstractmethod
    def rebased(self, rebase: Rebase) -> Self:
        """The same over another catalogue, without the items that are gone."""
