"""Sessions generated from the catalogue, for shops without a log: similar items, intent shifts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data.records import Event, EventType
from towers.catalog.items import Catalog
from towers.datasets.item_similarity import ItemSimilarity
from towers.datasets.synthetic_queries import catalogue_query
from towers.sessions.query_input import BAD_REVIEW_TYPE
from towers.sessions.session import Session

SYNTHETIC_TYPES = frozenset({int(EventType.SEARCH), int(EventType.VIEW), BAD_REVIEW_TYPE})
"""Type codes of the events of synthetic sessions."""

_LEAST_SIMILAR_COUNT = 4
_SESSIONS_PER_ITEM = 8
"""Most sessions that begin with the same item."""
_INTENT_SHIFT_SHARE = 0.7
_SEARCH_SHARE = 0.35
_REVIEW_SHARE = 0.15
_REPEATED_VIEW_SHARE = 0.25
_EARLIER_VIEW_LIMIT = 5
_VIEW_LIMIT = 3
_STEP_SECONDS = (5.0, 90.0)


class SyntheticSession(NamedTuple):
    """A plausible request, and its relevant items.

    Args:
        session: As it stands at ``time``.
        time: Seconds since 1970.
        text: Query of the request; empty for a browse page.
        relevant: ``[n] int64`` rows, at least one.
    """

    session: Session
    time: float
    text: str
    relevant: np.ndarray


@dataclass(frozen=True)
class SyntheticSessionsReport:
    """How many synthetic sessions were generated, and how many were not.

    Args:
        asked_count: Sessions requested.
        made_count: Sessions generated.
        alone_count: Sessions skipped because their first item has too few similar ones. The others
            had no text or no relevant item, or exceeded the limit of sessions per item.
    """

    asked_count: int
    made_count: int
    alone_count: int


def synthetic_sessions(
    catalog: Catalog,
    rows: np.ndarray,
    *,
    count: int,
    search_share: float,
    time: float,
    seed: int,
) -> tuple[list[SyntheticSession], SyntheticSessionsReport]:
    """Sessions that view or search for similar items, for which further similar items are relevant.

    Most begin with events of another intent, some with a bad review of it, so that the models learn
    to follow the newest events. Fewer are generated where few items have similar ones.

    Args:
        rows: ``[n] int64`` items that may be viewed or relevant.
        search_share: Share of the sessions that end in a search for one item.
        time: When each starts, in seconds since 1970.
    """
    rng = random.Random(seed)
    similarity = ItemSimilarity(catalog, rows, seed)
    writer = _SessionWriter(catalog, rng)
    earlier_kind = np.zeros(0, np.int64)
    anchors: list[int] = []
    sessions: list[SyntheticSession] = []
    alone_count = 0
    for number in range(min(count, _SESSIONS_PER_ITEM * len(similarity.rows))):
        if number % len(similarity.rows) == 0:
            anchors = similarity.rows.tolist()
            rng.shuffle(anchors)
        anchor = anchors[number % len(anchors)]
        kind = similarity.kind(anchor, rng)
        if len(kind) < _LEAST_SIMILAR_COUNT:
            alone_count += 1
            continue
        writer.begin(time)
        if len(earlier_kind) and rng.random() < _INTENT_SHIFT_SHARE:
            writer.view_some(earlier_kind)
        earlier_kind = kind
        if rng.random() < search_share:
            text, relevant = catalogue_query(catalog, anchor, rng), np.array([anchor])
            if not text:
                continue
            writer.search(text)
        else:
            text, relevant = "", writer.pursue(anchor, kind)
        # Where the two intents overlap, an item reviewed badly before may be among them.
        relevant = relevant[~np.isin(relevant, catalog.rows(list(writer.session.disliked)))]
        if not len(relevant):
            continue
        sessions.append(SyntheticSession(writer.session, writer.now, text, relevant))
    return sessions, SyntheticSessionsReport(count, len(sessions), alone_count)


class _SessionWriter:
    """Builds sessions one after the other, event by event."""

    def __init__(self, catalog: Catalog, rng: random.Random) -> None:
        self._catalog, self._rng = catalog, rng
        self.session, self.now = Session.empty(""), 0.0

    def begin(self, time: float) -> None:
        """Starts the session of another visitor."""
        self.session, self.now = Session.empty(""), time

    def view_some(self, kind: np.ndarray) -> None:
        """Views a few similar items, after a search or not, and may review one badly."""
        rng = self._rng
        viewed = rng.sample(kind.tolist(), min(len(kind), rng.randint(1, _EARLIER_VIEW_LIMIT)))
        if rng.random() < _SEARCH_SHARE:
            self.search(catalogue_query(self._catalog, viewed[0], rng))
        for row in viewed:
            self._add(EventType.VIEW, row)
        if rng.random() < _REVIEW_SHARE:
            self._add(EventType.REVIEW, viewed[-1], rating=1.0)

    def pursue(self, anchor: int, kind: np.ndarray) -> np.ndarray:
        """Searches for ``anchor``, or views a few similar items; returns the relevant rows."""
        rng = self._rng
        if rng.random() < _SEARCH_SHARE:
            text = catalogue_query(self._catalog, anchor, rng)
            if text:
                self.search(text)
                return np.concatenate([[anchor], kind])
        others = kind.tolist()
        rng.shuffle(others)
        view_count = rng.randint(1, min(_VIEW_LIMIT, len(others) - 1))
        viewed = [anchor, *others[: view_count - 1]]
        for row in viewed:
            self._add(EventType.VIEW, row)
        repeated = viewed[-1:] if rng.random() < _REPEATED_VIEW_SHARE else []
        return np.array([*repeated, *others[view_count - 1 :]], np.int64)

    def search(self, text: str) -> None:
        """Adds a search; nothing without a text."""
        if text:
            self._add(EventType.SEARCH, query=text)

    def _add(
        self, type_: EventType, row: int = -1, *, query: str = "", rating: float | None = None
    ) -> None:
        self.now += self._rng.uniform(*_STEP_SECONDS)
        item_id = self._catalog.item_ids[row] if row >= 0 else ""
        event = Event("", type_, "", self.now, item_id, query, rating=rating)
        self.session = self.session.after(event)
