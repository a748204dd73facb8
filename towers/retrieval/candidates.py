"""Candidates: the union of the sources' items, with rank and score of each item in each source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np

from data.errors import BundleError
from data.records import Event, Item
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.indexes.item_index import ItemIndex
from towers.indexes.lexical_index import LexicalIndex
from towers.optional_stages import OptionalStages
from towers.read_only import freeze
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.popularity import Popularity
from towers.retrieval.query_reader import QueryReader
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.source import NO_ROWS, NO_SCORES, NOTHING, Rebase, Source, TrainingData
from towers.retrieval.source_list import SOURCE_TYPES
from towers.retrieval.sources.cooccurrence import Cooccurrence
from towers.retrieval.sources.learnt import Learnt
from towers.retrieval.sources.lexical import Lexical
from towers.retrieval.sources.popular import Popular
from towers.retrieval.sources.repurchase import Repurchase
from towers.retrieval.sources.semantic import Semantic
from towers.retrieval.sources.session_knn import SessionKnn
from towers.retrieval.sparse_scores import SparseScores
from towers.retrieval.union import union
from towers.text.parsed_query import ParsedQuery
from towers.text.query_rewriter import parsed_as_typed

SOURCES: tuple[str, ...] = tuple(source.name for source in SOURCE_TYPES)
"""Names of the sources, in the order of the columns of ``Candidates.ranks``."""

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Candidates:
    """The union of the sources' candidates; its arrays are read-only, also for who passed them.

    Args:
        rows: ``[n] int64``, distinct, ascending.
        ranks: ``[n, sources] int32`` rank from 0 in each source, −1 where it did not find the item.
        scores: Scores of all items that a source evaluated, by source name.
        missing: Sources that are absent or failed.
    """

    rows: np.ndarray
    ranks: np.ndarray
    scores: Mapping[str, SparseScores]
    missing: tuple[str, ...]

    def __post_init__(self) -> None:
        freeze(self.rows, self.ranks)


class _Named(property, Generic[S]):
    """A source as an attribute, for callers that read its tables: an answer asks two dozen times."""

    def __init__(self, name: str) -> None:
        super().__init__(
            attrgetter(_attribute(name)), lambda owner, source: owner.put(name, source)
        )

    if TYPE_CHECKING:

        @overload
        def __get__(self, owner: None, _: type | None = None) -> _Named[S]: ...
        @overload
        def __get__(self, owner: Sources, _: type | None = None) -> S: ...
        def __get__(self, owner: Sources | None, _: type | None = None) -> Any: ...
        def __set__(self, owner: Sources, source: S) -> None: ...


def _attribute(name: str) -> str:
    return f"_source_{name}"


class Sources:
    """All candidate sources; answers report a source that is absent.

    Args:
        catalog: The items of the rows.
        sources: Instances of ``SOURCE_TYPES``.
        config: Most candidates of each source.

    Attributes:
        stages: Runs the sources and other optional stages of an answer.
    """

    learnt = _Named[Learnt](Learnt.name)
    semantic = _Named[Semantic | None](Semantic.name)
    cooccurrence = _Named[Cooccurrence | None](Cooccurrence.name)
    session_knn = _Named[SessionKnn | None](SessionKnn.name)
    repurchase = _Named[Repurchase](Repurchase.name)
    popular = _Named[Popular](Popular.name)

    def __init__(
        self, catalog: Catalog, sources: Iterable[Source], *, config: SourcesConfig
    ) -> None:
        self.catalog = catalog
        self.config = config
        self.stages = OptionalStages()
        self._reader: QueryReader | None = None
        self._by_name: dict[str, Source | None] = {}
        self._lexical: LexicalIndex | None = None
        for source_type in SOURCE_TYPES:
            setattr(self, _attribute(source_type.name), None)
        self.listeners: tuple[Source, ...] = ()
        # Of a request, the flags of listed items, and their number.
        self._last_allowed: tuple[
            RankRequest | None, np.ndarray | None, int, AllowedItems | None
        ] = (None, None, 0, None)
        for source in sources:
            self.put(source.name, source)

    @classmethod
    def build(cls, data: TrainingData, config: SourcesConfig) -> Sources:
        """All ``SOURCE_TYPES`` after the events of ``data``."""
        return cls(data.catalog, [of.build(data) for of in SOURCE_TYPES], config=config)

    def rebuild(self, data: TrainingData) -> None:
        """Replaces all sources by those after the events of ``data``."""
        for source_type in SOURCE_TYPES:
            self.put(source_type.name, source_type.build(data))

    def get(self, name: str) -> Source | None:
        """The source of a name; None where it is absent."""
        return self._by_name.get(name)

    def put(self, name: str, source: Source | None) -> None:
        """Replaces a source; None removes it."""
        self._by_name[name] = source
        setattr(self, _attribute(name), source)
        if name == Lexical.name:
            self._lexical = source.index if isinstance(source, Lexical) else None
            self._reader = None
        if isinstance(source, Lexical):
            self._read_with(source.index)
        # On the hot path of every event: only sources that override ``take_in_event`` are called.
        self.listeners = tuple(
            source
            for source in self._by_name.values()
            if source is not None and type(source).take_in_event is not Source.take_in_event
        )

    def parse(self, text: str, *, is_literal: bool = False) -> ParsedQuery:
        """Parses a query by the words of the items, or as typed where the lexical index is absent.

        Args:
            is_literal: All of the text is words to match, conditions too.
        """
        lexical = self._lexical
        if lexical is None:
            return parsed_as_typed(text)
        return lexical.parse(text, is_literal=is_literal)

    def _read_with(self, index: LexicalIndex) -> None:
        """Lets the index read conditions and names of this catalogue in queries."""
        self._reader = QueryReader(self.catalog, index)
        index.rewriter.conditions_in = self._reader.conditions
        index.rewriter.names_in = self._reader.names
        index.clear()

    @property
    def index(self) -> ItemIndex:
        """The items' embeddings and the index over them."""
        return self.learnt.index

    @index.setter
    def index(self, index: ItemIndex) -> None:
        self.learnt = Learnt(index)

    @property
    def vector_indexes(self) -> list[ItemIndex]:
        """The indexes of all sources that find items by vectors."""
        semantic = self.semantic
        of_text = None if semantic is None else semantic.index
        return [self.index, *([] if of_text is None else [of_text])]

    @property
    def lexical(self) -> LexicalIndex | None:
        """The lexical index; None where it is absent."""
        return self._lexical

    @lexical.setter
    def lexical(self, index: LexicalIndex | None) -> None:
        self.put(Lexical.name, None if index is None else Lexical(index))

    @property
    def popularity(self) -> Popularity:
        """Demand of the last months."""
        return self.popular.popularity

    @property
    def trend(self) -> Popularity:
        """Demand of the last days."""
        return self.popular.trend

    @property
    def surge(self) -> Popularity:
        """Demand of this hour."""
        return self.popular.surge

    def find(self, encoded: EncodedRequest, found_before: Candidates | None = None) -> Candidates:
        """Runs every source and joins the results; absent and failing ones are named in ``missing``.

        Args:
            found_before: Found for the same request with other allowed items, if it was.
        """
        allowed = self.allowed(encoded.rank_request)
        lists: list[np.ndarray] = []
        scores: dict[str, SparseScores] = dict.fromkeys(SOURCES, NO_SCORES)
        missing: list[str] = []
        for source_type in SOURCE_TYPES:
            name = source_type.name
            source = self._by_name.get(name)
            if source is None:
                lists.append(NO_ROWS)
                if source_type.applies_to(encoded):
                    missing.append(name)
                continue
            if found_before is None:
                find = partial(source.find, encoded, allowed, self.config)
            else:
                scores_before = found_before.scores[name]
                find = partial(source.refound, scores_before, encoded, allowed, self.config)
            found = self.stages.run(name, find, NOTHING, missing)
            scores[name] = found.scores
            lists.append(found.rows)
        return Candidates(*union(lists), scores, tuple(missing))

    def semantic_scores(self, query: ParsedQuery, rows: np.ndarray) -> np.ndarray:
        """Cosines of a query with ``rows`` by the text encoder, ``[n] float32``; 0 where it is absent."""
        semantic = self.semantic
        return np.zeros(len(rows), np.float32) if semantic is None else semantic.scores(query, rows)

    def nearest(self, encoded: EncodedRequest, count: int) -> np.ndarray:
        """Rows of the ``count`` allowed items nearest to the query embedding, best first."""
        allowed = self.allowed(encoded.rank_request)
        return self.learnt.nearest(encoded.query_embedding, allowed, count)

    def allowed(self, rank_request: RankRequest) -> AllowedItems:
        """The items that a request allows; those of the last request are kept."""
        of_request, listed, count, allowed = self._last_allowed
        catalog = self.catalog
        if (
            allowed is None
            or of_request is not rank_request
            or listed is not catalog.listed
            or count != len(catalog.item_ids)
        ):
            listed, count = catalog.listed, catalog.count
            allowed = AllowedItems.of(catalog, rank_request)
            self._last_allowed = rank_request, listed, count, allowed
        return allowed

    def allowed_count(self, rank_request: RankRequest) -> int:
        """Number of items that a request allows."""
        return self.allowed(rank_request).count()

    def only_allowed(self, rank_request: RankRequest, rows: np.ndarray) -> np.ndarray:
        """The ``rows`` that a request allows, in their order."""
        return self.allowed(rank_request).only(rows)

    def take_in_event(self, row: int, event: Event, *, is_counted: bool = False) -> None:
        """Passes an event of the item at ``row`` to every source.

        Args:
            is_counted: The saved counts include it; only its visitor is remembered again.
        """
        for source in self.listeners:
            if is_counted:
                source.recall_event(row, event)
            else:
                source.take_in_event(row, event)

    @contextmanager
    def staged_items(self, changes: Sequence[tuple[int, Item]]) -> Iterator[Callable[[], None]]:
        """Stages changed items by row in every source; gives the function that commits them in all."""
        with ExitStack() as stack:
            commits = [
                stack.enter_context(source.staged_items(changes))
                for source in self._by_name.values()
                if source is not None
            ]

            def commit() -> None:
                for of_source in commits:
                    of_source()

            yield commit

    def take_in_items(self, changes: Sequence[tuple[int, Item]]) -> None:
        """Makes staged items visible in every source, by row."""
        if self._reader is not None:
            self._reader.take_in([item for _, item in changes])
        for source in self._by_name.values():
            if source is not None:
                source.take_in_items(changes)

    def take_in_prices(self, prices: np.ndarray) -> None:
        """Tells the reader of queries of new prices, ``[n] float32``; NaN where there is none."""
        if self._reader is not None and self._reader.take_in_prices(prices) and self._lexical:
            # What was a word may be a condition now.
            self._lexical.clear()

    def save(self, folder: Path) -> None:
        """Writes each source into its own new subfolder."""
        for name, source in self._by_name.items():
            if source is not None:
                (folder / name).mkdir(parents=True)
                source.save(folder / name)

    @classmethod
    def load(cls, folder: Path, catalog: Catalog, config: SourcesConfig) -> Sources:
        """Loads all ``SOURCE_TYPES``.

        Raises:
            BundleError: A source is missing.
        """

        def load(source_type: type[Source]) -> Source:
            name = source_type.name
            if not (folder / name).is_dir():
                raise BundleError(f"{folder.name}/{name}: expected a source, found none")
            return source_type.load(folder / name, catalog)

        # Two at once: files are read while others are parsed, in a tenth to a quarter less time.
        with ThreadPoolExecutor(max_workers=2) as pool:
            return cls(catalog, list(pool.map(load, SOURCE_TYPES)), config=config)

    def rebased(self, rebase: Rebase) -> Sources:
        """The same sources over another catalogue."""
        sources = [
            source.rebased(rebase) for source in self._by_name.values() if source is not None
        ]
        return Sources(rebase.catalog, sources, config=self.config)
