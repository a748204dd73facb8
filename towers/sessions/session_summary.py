"""A session as item rows and weights, the input of features and candidate sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.records import EventType
from towers.catalog.items import Catalog
from towers.read_only import freeze
from towers.sessions.dwell import dwells
from towers.sessions.feedback import feedback
from towers.sessions.session import Session

_INTEREST = {
    EventType.VIEW: 1.0,
    EventType.FAVORITE: 2.0,
    EventType.ADD_TO_CART: 2.0,
    EventType.PURCHASE: 2.0,
    EventType.REVIEW: 2.0,
}
"""Weight of an event's item in the summary; the towers learn their own weights."""

_UNDOES = {
    EventType.UNFAVORITE: EventType.FAVORITE,
    EventType.REMOVE_FROM_CART: EventType.ADD_TO_CART,
}
"""Events that undo an earlier one of the same item."""

_HISTORY_LIMIT = 300
_NO_PURCHASES = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32)
freeze(*_NO_PURCHASES)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The items of a session at one moment; its arrays are read-only, also for who passed them.

    Args:
        rows: ``[n] int64`` rows of the items of interest, newest first.
        interest: ``[n] float32`` their weights.
        dwell_shares: ``[n] float32`` dwell time of each, 0 to 1; 0 if it is not a view.
        disliked_rows: ``[k] int64`` rows of items with negative feedback.
        bought_rows: ``[m] int64`` rows bought before, newest first.
        bought_counts: ``[m] float32`` how often.
        bought_days: ``[m] float32`` days since the last time.
    """

    rows: np.ndarray
    interest: np.ndarray
    dwell_shares: np.ndarray
    disliked_rows: np.ndarray
    bought_rows: np.ndarray
    bought_counts: np.ndarray
    bought_days: np.ndarray

    def __post_init__(self) -> None:
        freeze(self.rows, self.interest, self.dwell_shares, self.disliked_rows)
        freeze(self.bought_rows, self.bought_counts, self.bought_days)

    @classmethod
    def of(
        cls,
        session: Session,
        time: float,
        catalog: Catalog,
        dwell_shares: Sequence[float] | None = None,
    ) -> SessionSummary:
        """The summary at ``time`` (seconds since 1970); unknown items are left out.

        Interactions that were undone are left out, as are items with negative feedback and reviews
        that are not positive.

        Args:
            dwell_shares: ``dwells`` of the session's events, where they are known already.
        """
        row_of = catalog.row_of
        kept: list[tuple[int, float, float]] = []
        taken_back: set[tuple[str, EventType]] = set()
        events = session.events
        if dwell_shares is None:
            dwell_shares = dwells(events)
        for event, dwell_share in zip(reversed(events), reversed(dwell_shares), strict=True):
            weight = _INTEREST.get(event.type)
            if weight is None:
                undone = _UNDOES.get(event.type)
                if undone is not None:
                    taken_back.add((event.item_id, undone))
                continue
            row = row_of.get(event.item_id, -1)
            if row < 0 or event.item_id in session.disliked:
                continue
            if taken_back and (event.item_id, event.type) in taken_back:
                taken_back.discard((event.item_id, event.type))
            elif event.type is not EventType.REVIEW or feedback(event) > 0:
                kept.append((row, weight, dwell_share))
        rows, interest, shares = zip(*kept, strict=True) if kept else ((), (), ())
        return cls(
            np.array(rows, np.int64),
            np.array(interest, np.float32),
            np.array(shares, np.float32),
            np.array([row_of[one] for one in session.disliked if one in row_of], np.int64)
            if session.disliked
            else _NO_PURCHASES[0],
            *_purchases(session, time, catalog),
        )


def _purchases(
    session: Session, time: float, catalog: Catalog
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, counts and days since the last time of what was bought, newest first."""
    if not session.bought:
        return _NO_PURCHASES
    rows = catalog.rows([*reversed(session.bought)])
    known = np.flatnonzero(rows >= 0)[:_HISTORY_LIMIT]
    purchases = [*reversed(session.bought.values())]
    facts = np.array([purchases[position] for position in known.tolist()], np.float64)
    facts = facts.reshape(-1, 2)
    days = np.maximum(0.0, time - facts[:, 1]) / 86_400.0
    return rows[known], facts[:, 0].astype(np.float32), days.astype(np.float32)
