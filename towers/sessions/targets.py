"""Targets: what each session still holds after each of its events."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from data.records import EventType

TARGET_TYPES = frozenset(
    {EventType.VIEW, EventType.FAVORITE, EventType.ADD_TO_CART, EventType.PURCHASE}
)
"""Event types whose items are prediction targets."""


class Targets:
    """The withheld targets: the items that follow each event in its session.

    Args:
        sessions: ``[events] int64`` session number of each event; events in time order.
        types: ``[events] int8`` event types.
        rows: ``[events] int64`` item rows, −1 for none.
        times: ``[events] float64`` seconds.
    """

    def __init__(
        self, sessions: np.ndarray, types: np.ndarray, rows: np.ndarray, times: np.ndarray
    ) -> None:
        # By session, in time order within each; `_position` maps an event to its sorted position.
        order = np.argsort(sessions, kind="stable")
        self._position = np.empty(len(order), np.int64)
        self._position[order] = np.arange(len(order))
        self._sessions = sessions[order]
        self._types = types[order]
        self._rows = rows[order]
        same_session = np.diff(self._sessions, prepend=-1) == 0
        same_item = np.diff(self._rows, prepend=-2) == 0
        same_type = np.diff(self._types.astype(np.int64), prepend=-1) == 0
        # E.g. the purchase of the item just put into the cart: trivial to predict.
        follows_up = same_session & same_item & ~same_type
        relevant = np.isin(self._types, sorted(TARGET_TYPES)) & (self._rows >= 0)
        self.is_item_event = np.zeros(len(order), bool)
        self.is_item_event[order] = relevant
        relevant &= ~follows_up
        self.is_target = np.zeros(len(order), bool)
        self.is_target[order] = relevant
        self._relevant = relevant
        self._ends = np.searchsorted(self._sessions, self._sessions, side="right")
        time_same = np.diff(times[order], prepend=-1.0) == 0
        steps = int(same_session.sum())
        self.is_basket_log = steps > 0 and int((same_session & time_same).sum()) > 0.5 * steps
        """Whether most events of a session have equal times, so that their order is meaningless."""

    def bought_after(self, number: int) -> np.ndarray:
        """Distinct rows that the session buys from event ``number`` on, ``[n] int64``."""
        return self.rows_after(number, (EventType.PURCHASE,))

    def rows_after(self, number: int, types: Collection[EventType]) -> np.ndarray:
        """Distinct rows of the session's events of ``types`` from event ``number`` on, ``[n] int64``."""
        start, end = self._position[number], self._ends[self._position[number]]
        is_meant = np.isin(self._types[start:end], list(types)) & (self._rows[start:end] >= 0)
        rows: np.ndarray = np.unique(self._rows[start:end][is_meant])
        return rows

    def after(self, number: int, limit: int, *, until_search: bool = False) -> np.ndarray:
        """Distinct rows of the next target events from event ``number`` on, ``[≤ limit] int64``.

        Args:
            until_search: Stop at the next search after event ``number``.
        """
        start, end = self._position[number], self._ends[self._position[number]]
        if until_search:
            searches = np.flatnonzero(self._types[start + 1 : end] == EventType.SEARCH)
            end = start + 1 + searches[0] if len(searches) else end
        rows = self._rows[start:end][self._relevant[start:end]]
        return np.array(list(dict.fromkeys(rows.tolist()))[:limit], np.int64)
