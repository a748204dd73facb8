"""What visitors searched for, and what came of it: a fold over everybody's events.

A text that few have typed may name the one who typed it. So a query counts by the distinct visitors
who typed it, and one of fewer than a minimum never leaves this fold.
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
from towers.retrieval.popularity import WEIGHTS
from towers.sessions.session import Session
from towers.text.words import normalise

QUERY_LENGTH_LIMIT = 100
"""Longer texts are not followed: nobody else will type them."""

_LARGEST_FOLLOW_SHARE = 2.0
_VISITORS_HELD = VISITOR_MINIMUM_LIMIT
"""Visitors told apart for each query; more only add up."""


@dataclass(slots=True)
class _Searched:
    """One query: hashed visitors, as many as are told apart, and counts."""

    visitors: set[bytes] = field(default_factory=set)
    further_count: int = 0
    search_count: int = 0
    followed: float = 0.0


class Searches:
    """Queries with the distinct visitors of each, and what they did next.

    Holds no visitor id: each is hashed with a key that nobody keeps. The query that was not typed
    for longest leaves first.

    Args:
        key: Secret of the hashes, any bytes.
        query_limit: Queries followed at most.
    """

    def __init__(self, key: bytes, *, query_limit: int = 20_000) -> None:
        self._key = key[:64]
        self._query_limit = query_limit
        self._queries: OrderedDict[str, _Searched] = OrderedDict()
        self._lock = threading.Lock()

    def record(self, event: Event, search_text: str) -> None:
        """Counts a search, or what followed from one.

        Args:
            event: What happened.
            search_text: What the visitor had searched for last in the session of the event.
        """
        is_search = event.type is EventType.SEARCH
        worth = WEIGHTS.get(event.type)
        query = query_key(event.query if is_search else search_text)
        if not query or len(query) > QUERY_LENGTH_LIMIT or not (is_search or worth):
            return
        with self._lock:
            if is_search:
                self._count(query, self._hash(event.visitor_id))
            elif worth and query in self._queries:
                self._queries[query].followed += worth

    def weights(self, visitor_minimum: int) -> dict[str, float]:
        """Queries of at least ``visitor_minimum`` visitors, with how much each is wanted.

        The number of visitors; up to three times as much where clicks and purchases followed.
        """
        found = {}
        with self._lock:
            for query, searched in self._queries.items():
                count = len(searched.visitors)
                if count >= visitor_minimum:
                    count += searched.further_count
                    share = searched.followed / max(1, searched.search_count)
                    found[query] = count * (1.0 + min(max(share, 0.0), _LARGEST_FOLLOW_SHARE))
        return found

    def _count(self, query: str, visitor: bytes) -> None:
        searched = self._queries.get(query)
        if searched is None:
            searched = self._queries[query] = _Searched()
            if len(self._queries) > self._query_limit:
                self._queries.popitem(last=False)
        self._queries.move_to_end(query)
        searched.search_count += 1
        if len(searched.visitors) < _VISITORS_HELD:
            searched.visitors.add(visitor)
        elif visitor not in searched.visitors:
            searched.further_count += 1

    def _hash(self, visitor_id: str) -> bytes:
        return hashlib.blake2b(visitor_id.encode(), key=self._key, digest_size=8).digest()


def searched_queries(events: Sequence[Event], config: CompletionConfig) -> dict[str, float]:
    """The queries of a log in time order that others may see, with their weights.

    Returns:
        At most ``config.query_limit`` of them, the most wanted first.
    """
    if not any(event.type is EventType.SEARCH for event in events):
        return {}
    # Nobody has to know the key: it only keeps visitors apart. Every query is followed: none has to
    # leave before the log has ended.
    searches = Searches(os.urandom(16), query_limit=len(events))
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
