"""A request to the ranker, and its encoding by the query tower and the session summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from towers.read_only import freeze, read_only
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.query_input import QueryInput
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary
from towers.text.parsed_query import ParsedQuery, Synonym

_NO_ROWS = np.zeros(0, np.int64)
freeze(_NO_ROWS)
_NO_LIFTS: Mapping[str, SparseScores] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RankRequest:
    """A request to the ranker.

    Args:
        session: As of ``time``; its newest event is the search of a search request.
        time: Seconds since 1970.
        text: The query of a search request; empty for browse.
        mask: ``[rows] bool`` of allowed items; None allows all listed items.
        excluded: ``[n] int64`` rows not to be shown, such as the basket's.
        synonyms: Phrases that are searched for besides the words of ``text``.
        hidden: ``[rows] bool``, true where a rule hides an item; None: nothing is hidden.
        outside: ``[rows] bool``, true where the placement does not show an item, such as a substitute
            of what is in the cart; None: it may show all.
        lifts: What the placement adds to the scores of items, by name of the adjustment.
        already_bought: ``[n] int64`` rows that the visitor has bought and that are rarely bought again;
            left out of browse pages. Set by ``Ranker.read``.
        is_literal: Whether all of ``text`` is words to match, conditions too.
        has_page_hint: Whether the page itself shows the intent: a category or item page, or a filter by
            brand, price or attribute.
    """

    session: Session
    time: float
    text: str = ""
    mask: np.ndarray | None = None
    excluded: np.ndarray = field(default_factory=lambda: _NO_ROWS)
    synonyms: tuple[Synonym, ...] = ()
    hidden: np.ndarray | None = None
    outside: np.ndarray | None = None
    lifts: Mapping[str, SparseScores] = field(default_factory=lambda: _NO_LIFTS)
    already_bought: np.ndarray = field(default_factory=lambda: _NO_ROWS)
    has_page_hint: bool = False
    is_literal: bool = False

    def __post_init__(self) -> None:
        for name in ("mask", "hidden", "outside", "excluded", "already_bought"):
            column = getattr(self, name)
            if column is not None and column.flags.writeable:
                object.__setattr__(self, name, read_only(column))

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter or the placement leaves items out that another page would show."""
        return self.mask is not None or self.outside is not None


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """A request with its query embedding and its session summary.

    Args:
        rank_request: The request.
        query: The request's own query, or else a pending search of the session.
        inputs: Input of the query tower; None where its computation failed.
        query_embedding: ``[dim] float32`` unit row; zeros where the query tower failed.
        summary: The session as item rows and weights.
        missing: Stages that failed.

    Attributes:
        is_search: Whether the request asks for items by words of its own, not by conditions alone.
        text: The text of ``query``; empty where there is none.
    """

    rank_request: RankRequest
    query: ParsedQuery
    inputs: QueryInput | None
    query_embedding: np.ndarray
    summary: SessionSummary
    missing: tuple[str, ...] = ()
    is_search: bool = field(init=False, compare=False)
    text: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        freeze(self.query_embedding)
        is_search = bool(self.rank_request.text) and not self.query.is_condition_only
        object.__setattr__(self, "is_search", is_search)
        object.__setattr__(self, "text", self.query.text)
