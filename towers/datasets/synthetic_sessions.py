"""Sessions made from the catalogue, for a shop without a log: views of similar items, intent shifts."""

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

_LEAST_KIND_COUNT = 4
_VISIT_LIMIT = 8
"""So many sessions begin with one item."""
_TURNED_SHARE = 0.7
_SEARCH_SHARE = 0.35
_REVIEW_SHARE = 0.15
_AGAIN_SHARE = 0.25
_OLD_LOOK_LIMIT = 5
_NEW_LOOK_LIMIT = 3
_STEP_SECONDS = (5.0, 90.0)


class SyntheticSession(NamedTuple):
    """A request that a shopper might make, and what it should be answered with.

    Args:
        session: As it stands at ``time``.
        time: Seconds since 1970.
        text: What is searched for by this very request; empty for a browse page.
        relevant: ``[n] int64`` rows, at least one.
    """

    session: Session
    time: float
    text: str
    relevant: np.ndarray


@dataclass(frozen=True)
class VisitsReport:
    """How many synthetic sessions there are, and why not more.

    Args:
        asked_count: Sessions that were asked for.
        made_count: Sessions that were made.
        alone_count: Sessions that were not, since their first item has hardly any similar ones. The rest
            had no text or no relevant item, or began with one item too often.
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
) -> tuple[list[SyntheticSession], VisitsReport]:
    """Visitors who view or search for items of one kind, for whom more of it is relevant.

    Most were after another kind just before, and some of those reviewed it badly: the newest events
    are to count against many older ones. Fewer are made where few items have similar ones.

    Args:
        rows: ``[n] int64`` what may be viewed and relevant.
        search_share: Share of the sessions that end in a search for one item.
        time: When each starts, in seconds since 1970.
    """
    rng = random.Random(seed)
    similarity = ItemSimilarity(catalog, rows, seed)
    writer = _SessionWriter(catalog, rng)
    old = np.zeros(0, np.int64)
    anchors: list[int] = []
    visits: list[SyntheticSession] = []
    alone_count = 0
    for number in range(min(count, _VISIT_LIMIT * len(similarity.rows))):
        if number % len(similarity.rows) == 0:
            anchors = similarity.rows.tolist()
            rng.shuffle(anchors)
        anchor = anchors[number % len(anchors)]
        kind = similarity.kind(anchor, rng)
        if len(kind) < _LEAST_KIND_COUNT:
            alone_count += 1
            continue
        writer.begin(time)
        if len(old) and rng.random() < _TURNED_SHARE:
            writer.view_some(old)
        old = kind
        if rng.random() < search_share:
            text, relevant = catalogue_query(catalog, anchor, rng), np.array([anchor])
            if not text:
                continue
            writer.search(text)
        else:
            text, relevant = "", writer.pursue(anchor, kind)
        # Where the old kind and the new one overlap, what was just reviewed badly is among it.
        relevant = relevant[~np.isin(relevant, catalog.rows(list(writer.session.disliked)))]
        if not len(relevant):
            continue
        visits.append(SyntheticSession(writer.session, writer.now, text, relevant))
    return visits, VisitsReport(count, len(visits), alone_count)


class _SessionWriter:
    """One session after the other, event by event."""

    def __init__(self, catalog: Catalog, rng: random.Random) -> None:
        self._catalog, self._rng = catalog, rng
        self.session, self.now = Session.empty(""), 0.0

    def begin(self, time: float) -> None:
        """Starts the session of another visitor."""
        self.session, self.now = Session.empty(""), time

    def view_some(self, kind: np.ndarray) -> None:
        """Views a few items of a kind, found by a search or not, and may review one badly."""
        rng = self._rng
        seen = rng.sample(kind.tolist(), min(len(kind), rng.randint(1, _OLD_LOOK_LIMIT)))
        if rng.random() < _SEARCH_SHARE:
            self.search(catalogue_query(self._catalog, seen[0], rng))
        for row in seen:
            self._add(EventType.VIEW, row)
        if rng.random() < _REVIEW_SHARE:
            self._add(EventType.REVIEW, seen[-1], rating=1.0)

    def pursue(self, anchor: int, kind: np.ndarray) -> np.ndarray:
        """Searches for ``anchor``, or views a few of its kind; the rows that are relevant next."""
        rng = self._rng
        if rng.random() < _SEARCH_SHARE:
            text = catalogue_query(self._catalog, anchor, rng)
            if text:
                self.search(text)
                return np.concatenate([[anchor], kind])
        others = kind.tolist()
        rng.shuffle(others)
        look_count = rng.randint(1, min(_NEW_LOOK_LIMIT, len(others) - 1))
        looks = [anchor, *others[: look_count - 1]]
        for row in looks:
            self._add(EventType.VIEW, row)
        again = looks[-1:] if rng.random() < _AGAIN_SHARE else []
        return np.array([*again, *others[look_count - 1 :]], np.int64)

    def search(self, text: str) -> None:
        """Searches; nothing happens without a text."""
        if text:
            self._add(EventType.SEARCH, query=text)

    def _add(
        self, type_: EventType, row: int = -1, *, query: str = "", rating: float | None = None
    ) -> None:
        self.now += self._rng.uniform(*_STEP_SECONDS)
        item_id = self._catalog.item_ids[row] if row >= 0 else ""
        event = Event("", type_, "", self.now, item_id, query, rating=rating)
        self.session = self.session.after(event)
