"""One request as the ranker sees it, and with what the query tower and the session say of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from towers.read_only import read_only
from towers.sessions.query_input import QueryInput
from towers.sessions.session import Session
from towers.sessions.session_summary import SessionSummary
from towers.text.parsed_query import ParsedQuery, Synonym


@dataclass(frozen=True, slots=True)
class RankRequest:
    """What is asked of the ranker.

    Args:
        session: As it stands at ``time``, the search of a search request being its newest event.
        time: Seconds since 1970.
        text: The query of a search request; empty for browse.
        mask: ``[rows] bool`` of allowed items; None allows all that are listed.
        excluded: ``[n] int64`` rows never to be shown, such as the basket's.
        synonyms: Phrases that find items beside the words of ``text``.
        hidden: ``[rows] bool``, true where a rule hides an item; None: nothing is hidden.
        done_with: ``[n] int64`` rows that the visitor has bought and people do not buy again: not
            for a browse page. ``Ranker.read`` finds them.
        has_page_hint: Whether the page itself says what the shopper is after: that of a category or
            an item, or a filter by a brand, a price or an attribute.
    """

    session: Session
    time: float
    text: str = ""
    mask: np.ndarray | None = None
    excluded: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    synonyms: tuple[Synonym, ...] = ()
    hidden: np.ndarray | None = None
    done_with: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    has_page_hint: bool = False

    def __post_init__(self) -> None:
        for name in ("mask", "hidden"):
            if (flags := getattr(self, name)) is not None:
                object.__setattr__(self, name, read_only(flags))
        for name in ("excluded", "done_with"):
            object.__setattr__(self, name, read_only(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """A request, its embedding, and its session as rows and weights.

    Args:
        rank_request: What was asked.
        query: What is asked for in words: what was just typed, or a search not yet followed up.
        inputs: What the query tower reads; None where it could not be read.
        query_embedding: ``[dim] float32`` unit row; zeros where the query tower failed.
        summary: The session's items.
        missing: Parts that failed.
    """

    rank_request: RankRequest
    query: ParsedQuery
    inputs: QueryInput | None
    query_embedding: np.ndarray
    summary: SessionSummary
    missing: tuple[str, ...] = ()

    @property
    def is_search(self) -> bool:
        """Whether the shopper typed something for this very request."""
        return bool(self.rank_request.text)

    @property
    def text(self) -> str:
        """The text of ``query``; empty where nothing is asked for in words."""
        return self.query.text
