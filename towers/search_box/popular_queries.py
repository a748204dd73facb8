"""What visitors searched for, and what came of it: a fold over everybody's events.

A text that few have typed may name the one who typed it. So a query counts by the distinct visitors
who typed it, and one of fewer than a minimum never leaves this fold. What followed counts by people
too: of each visitor the strongest event.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from data.records import Event, EventType
from towers.config import VISITOR_MINIMUM_LIMIT, CompletionConfig
from towers.retrieval.bounded_memory import BoundedMemory
from towers.retrieval.sources.popular import WEIGHTS
from towers.sessions.session import Session
from towers.text.words import normalise

QUERY_LENGTH_LIMIT = 100
"""Longer texts are not followed: nobody else will type them."""

_VISITORS_HELD = VISITOR_MINIMUM_LIMIT
"""Visitors of each query that are told apart for as long as the query is followed."""
_PAIR_LIMIT = 200_000
"""Pairs of a visitor and a query that are known again, the newest: beyond the visitors held for each
query they tell who has counted already, and of all what followed has counted already."""


@dataclass(slots=True)
class _Searched:
    """One query: hashed visitors, as many as are held, all of them counted, and what followed."""

    visitors: set[bytes] = field(default_factory=set)
    visitor_count: int = 0
    followed: float = 0.0


class Searches:
    """Queries with the distinct visitors of each, and what they did next.

    Holds no visitor id: each is hashed with a key that nobody keeps. The query that was not typed
    for longest leaves first.

    Args:
        key: Secret of the hashes, any bytes.
        query_limit: Queries followed at most.
        pair_limit: Pairs of a visitor and a query known again at most.
    """

    def __init__(
        self, key: bytes, *, query_limit: int = 20_000, pair_limit: int = _PAIR_LIMIT
    ) -> None:
        self._key = key[:64]
        self._query_limit = query_limit
        self._queries: OrderedDict[str, _Searched] = OrderedDict()
        self._followed: BoundedMemory[float] = BoundedMemory(pair_limit)
        self._lock = threading.Lock()

    def record(self, event: Event, search_text: str) -> None:
        """Counts a search, or what followed from one.

        Args:
            event: What happened.
            search_text: What the visitor had searched for last in the session of the event.
        """
        is_search = event.type is EventType.SEARCH
        worth = WEIGHTS.get(event.type, 0.0)
        is_return = event.type is EventType.RETURN
        query = query_key(event.query if is_search else search_text)
        if not query or len(query) > QUERY_LENGTH_LIMIT or not (is_search or worth or is_return):
            return
        with self._lock:
            if is_search:
                self._count(query, event.visitor_id)
            elif query in self._queries:
                self._follow(query, event.visitor_id, worth)

    def weights(self, visitor_minimum: int) -> dict[str, float]:
        """Queries of at least ``visitor_minimum`` visitors, with how much each is wanted.

        The number of visitors; up to twice as much where each of them bought what they found.
        """
        found = {}
        with self._lock:
            for query, searched in self._queries.items():
                if len(searched.visitors) >= visitor_minimum:
                    found[query] = searched.visitor_count + searched.followed
        return found

    def _count(self, query: str, visitor_id: str) -> None:
        searched = self._queries.setdefault(query, _Searched())
        self._queries.move_to_end(query)
        if len(self._queries) > self._query_limit:
            self._queries.popitem(last=False)
        visitor = self._hash(visitor_id)
        if visitor in searched.visitors:
            return
        pair = hash((visitor, query))
        if len(searched.visitors) < _VISITORS_HELD:
            searched.visitors.add(visitor)
        elif self._followed.get(pair) is not None:
            return
        searched.visitor_count += 1
        self._followed.put(pair, 0.0)

    def _follow(self, query: str, visitor_id: str, worth: float) -> None:
        """Counts the strongest event that followed a visitor's search; a return, worth 0, undoes it."""
        pair = hash((self._hash(visitor_id), query))
        before = self._followed.get(pair)
        # Whoever is not known to have searched may have counted already.
        if before is not None and (worth > before or not worth):
            self._queries[query].followed += worth - before
            self._followed.put(pair, worth)

    def _hash(self, visitor_id: str) -> bytes:
        return hashlib.blake2b(visitor_id.encode(), key=self._key, digest_size=8).digest()


def searched_queries(events: Sequence[Event], config: CompletionConfig) -> dict[str, float]:
    """The queries of a log in time order that others may see, with their weights.

    Returns:
        At most ``config.query_limit`` of them, the most wanted first.
    """
    if not any(event.type is EventType.SEARCH for event in events):
        return {}
    # Nobody has to know the key: it only keeps visitors apart. Every query is followed and everybody
    # known again: nothing has to leave before the log has ended.
    searches = Searches(os.urandom(16), query_limit=len(events), pair_limit=2 * len(events) + 2)
    sessions: dict[str, Session] = {}
    for event in events:
        before = sessions.get(event.visitor_id) or Session.empty(event.visitor_id)
        session = sessions[event.visitor_id] = before.after(event)
        searches.record(event, session.search_text)
    weights = searches.weights(config.visitor_minimum)
    wanted = sorted(weights, key=lambda query: (-weights[query], query))
    return {query: weights[query] for query in wanted[: config.query_limit]}


def query_key(text: str) -> str:
    """A query as it is counted and shown: case, width and blanks made one."""
    return " ".join(normalise(text).split())
