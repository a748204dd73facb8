"""One request as the models see it, and the numbers read off it once."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from data.records import EventType
from towers.catalog.items import Catalog
from towers.indexes.lexical_index import Synonym
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.dwell import dwells
from towers.sessions.feedback import feedback
from towers.sessions.query_input import QueryInput
from towers.sessions.session import Session

_INTEREST = {
    EventType.VIEW: 1.0,
    EventType.FAVORITE: 2.0,
    EventType.ADD_TO_CART: 2.0,
    EventType.PURCHASE: 2.0,
    EventType.REVIEW: 2.0,
}
"""Weight of an event's item in the summaries of a session; the towers learn their own."""

_UNDOES = {
    EventType.UNFAVORITE: EventType.FAVORITE,
    EventType.REMOVE_FROM_CART: EventType.ADD_TO_CART,
}
"""Events that take an earlier one of the same item back."""

_HISTORY_LIMIT = 300
_NO_ROWS = np.zeros(0, np.int64)
_NO_NUMBERS = np.zeros(0, np.float32)


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
    """

    session: Session
    time: float
    text: str = ""
    mask: np.ndarray | None = None
    excluded: np.ndarray = field(default_factory=lambda: _NO_ROWS)
    synonyms: tuple[Synonym, ...] = ()


@dataclass(frozen=True, slots=True)
class EncodedRequest:
    """A question with its session turned into rows and weights.

    Args:
        question: What was asked.
        inputs: What the query tower reads.
        query: ``[dim] float32`` the query embedding.
        rows: ``[n] int64`` rows of the session's items of interest, newest first.
        interest: ``[n] float32`` their weights.
        looks: ``[n] float32`` how long each was looked at, 0 to 1; 0 where it was no view.
        disliked_rows: ``[k] int64`` rows that the visitor has an opinion against.
        bought_rows: ``[m] int64`` rows bought before, newest first.
        bought_counts: ``[m] float32`` how often.
        bought_days: ``[m] float32`` days since the last time.
    """

    rank_request: RankRequest
    inputs: QueryInput
    query: np.ndarray
    rows: np.ndarray
    interest: np.ndarray
    looks: np.ndarray
    disliked_rows: np.ndarray
    bought_rows: np.ndarray
    bought_counts: np.ndarray
    bought_days: np.ndarray

    @property
    def is_search(self) -> bool:
        """Whether the shopper typed something for this very request."""
        return bool(self.rank_request.text)

    @property
    def text(self) -> str:
        """Words that say what is wanted: those just typed, or of a search not yet followed up."""
        return self.rank_request.text or self.rank_request.session.pending_search


def read_session(session: Session, time: float, catalog: Catalog) -> tuple[np.ndarray, ...]:
    """The last seven fields of a ``EncodedRequest``.

    A deed that was taken back counts no more; nor does any interest in what is disliked by now, or
    a review that is not for its item.
    """
    row_of = catalog.row_of
    rows, interest, looks = [], [], []
    taken_back: set[tuple[str, EventType]] = set()
    events = session.events
    for event, look in zip(reversed(events), reversed(dwells(events)), strict=True):
        undone = _UNDOES.get(event.type)
        if undone is not None:
            taken_back.add((event.item_id, undone))
            continue
        weight = _INTEREST.get(event.type)
        row = row_of.get(event.item_id, -1)
        if weight is None or row < 0 or event.item_id in session.disliked:
            continue
        if (event.item_id, event.type) in taken_back:
            taken_back.discard((event.item_id, event.type))
        elif event.type is not EventType.REVIEW or feedback(event) > 0:
            rows.append(row)
            interest.append(weight)
            looks.append(look)
    return (
        np.array(rows, np.int64),
        np.array(interest, np.float32),
        np.array(looks, np.float32),
        np.array([row_of[one] for one in session.disliked if one in row_of], np.int64),
        *_purchases(session, time, catalog),
    )


def _purchases(
    session: Session, time: float, catalog: Catalog
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The last three fields of a ``EncodedRequest``."""
    if not session.bought:
        return _NO_ROWS, _NO_NUMBERS, _NO_NUMBERS
    rows = catalog.rows([*reversed(session.bought)])
    known = np.flatnonzero(rows >= 0)[:_HISTORY_LIMIT]
    purchases = [*reversed(session.bought.values())]
    facts = np.array([purchases[place] for place in known.tolist()], np.float64).reshape(-1, 2)
    days = np.maximum(0.0, time - facts[:, 1]) / 86_400.0
    return rows[known], facts[:, 0].astype(np.float32), days.astype(np.float32)


def shares(codes: np.ndarray, weights: np.ndarray) -> SparseScores:
    """Share of the weights that each code has; adds up to 1 unless there is none."""
    total = float(weights.sum())
    return SparseScores.summed(codes, weights / total if total > 0 else weights)
