"""Every visitor's baskets in the order of their time, which next-basket methods learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.records import EventType
from towers.datasets.replayed_log import ReplayedLog

Basket = np.ndarray
"""The distinct item rows that one session bought, ascending ``[n] int64``."""


@dataclass(frozen=True)
class VisitorBaskets:
    """The baskets of a log; a session that bought nothing has none.

    Args:
        by_visitor: The visitor's baskets, oldest first, each with its session's number.
        starts: ``[sessions] int64`` number of the first event of each session.
    """

    by_visitor: Mapping[str, Sequence[tuple[int, Basket]]]
    starts: np.ndarray

    @classmethod
    def of(cls, log: ReplayedLog) -> VisitorBaskets:
        """The baskets of all events of a log."""
        starts = np.full(int(log.sessions.max(initial=-1)) + 1, len(log.events), np.int64)
        np.minimum.at(starts, log.sessions, np.arange(len(log.events)))
        types = np.array([event.type for event in log.events], np.int8)
        bought = np.flatnonzero((types == EventType.PURCHASE) & (log.rows >= 0))
        # Sessions are numbered by their first events, so that their order is that of time.
        bought = bought[np.argsort(log.sessions[bought], kind="stable")]
        ends = np.flatnonzero(np.diff(log.sessions[bought], append=-1))
        by_visitor: dict[str, list[tuple[int, Basket]]] = {}
        for part in np.split(bought, ends[:-1] + 1) if len(bought) else ():
            first = int(part[0])
            basket = (int(log.sessions[first]), np.unique(log.rows[part]))
            by_visitor.setdefault(log.events[first].visitor_id, []).append(basket)
        return cls(by_visitor, starts)

    def of_visitor(self, visitor_id: str, session: int) -> list[Basket]:
        """The visitor's baskets of sessions before ``session``, oldest first."""
        baskets = self.by_visitor.get(visitor_id, ())
        return [basket for number, basket in baskets if number < session]

    def before(self, number: int) -> dict[str, list[Basket]]:
        """All visitors' baskets of sessions that began before event ``number``, oldest first."""
        known = {
            visitor_id: [basket for session, basket in baskets if self.starts[session] < number]
            for visitor_id, baskets in self.by_visitor.items()
        }
        return {visitor_id: baskets for visitor_id, baskets in known.items() if baskets}
