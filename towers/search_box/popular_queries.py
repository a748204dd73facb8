"""Query popularity and the interactions that follow: a fold over all visitors' events.

A rare query may identify the visitor who typed it. So queries count by distinct visitors, and those
below a minimum are never exposed. Interactions that follow count once per visitor too, by the
strongest event.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from data.records import Event, EventType
from towers.config import VISITOR_MINIMUM_LIMIT, CompletionConfig
from towers.retrieval.bounded_map import BoundedMap, visitor_hash
from towers.retrieval.sources.popular import WEIGHTS
from towers.sessions.session import Session
from towers.text.writing.folding import normalise

QUERY_LENGTH_LIMIT = 100
"""Longer texts are not counted: nobody else will type them."""

_VISITOR_LIMIT = VISITOR_MINIMUM_LIMIT
"""Distinct visitors that are stored for each query."""
_PAIR_LIMIT = 200_000
"""Newest pairs of a visitor and a query that are remembered: for queries of more visitors than are
stored, who has been counted; for all, the strongest interaction counted so far."""


@dataclass(slots=True)
class _Searched:
    """One query: hashes of its first visitors, the number of all, and the weight of interactions."""

    visitors: set[int] = field(default_factory=set)
    visitor_count: int = 0
    followed: float = 0.0


class PopularQueries:
    """Queries with their distinct visitors and the interactions that followed.

    Stores no visitor ids, only hashes by a secret key. The least recently typed query is evicted first.

    Args:
        key: Secret of the hashes, any bytes. It has to be the same only for counts that are restored.
        query_limit: Most queries counted.
        pair_limit: Most pairs of a visitor and a query remembered.
    """

    def __init__(
        self, key: bytes, *, query_limit: int = 20_000, pair_limit: int = _PAIR_LIMIT
    ) -> None:
        self._key = key[:64]
        self._query_limit = query_limit
        self._queries: OrderedDict[str, _Searched] = OrderedDict()
        self._followed: BoundedMap[float] = BoundedMap(pair_limit)
        self._lock = threading.Lock()

    def record(self, event: Event, search_text: str) -> None:
        """Counts a search, or an interaction after one.

        Args:
            event: What happened.
            search_text: The last query of the event's session.
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
        """Queries of at least ``visitor_minimum`` visitors, with their weights.

        The number of visitors, plus their interaction weights: twice the number if all bought.
        """
        found = {}
        with self._lock:
            for query, searched in self._queries.items():
                if len(searched.visitors) >= visitor_minimum:
                    found[query] = searched.visitor_count + searched.followed
        return found

    def state(self) -> dict[str, Any]:
        """Everything counted so far and the key, as JSON values: to be kept as safe as the event log."""
        with self._lock:
            return {
                "key": self._key.hex(),
                "queries": [
                    (query, sorted(one.visitors), one.visitor_count, one.followed)
                    for query, one in self._queries.items()
                ],
                "followed": self._followed.generations,
            }

    def parsed(self, state: dict[str, Any]) -> Callable[[], None]:
        """Reads ``state``, and gives what replaces all counts by it and cannot fail.

        Raises:
            ValueError, TypeError, KeyError: It is of another version.
        """
        key = bytes.fromhex(state["key"])
        queries = OrderedDict(
            (str(query), _Searched(set(visitors), int(visitor_count), float(followed)))
            for query, visitors, visitor_count, followed in state["queries"]
        )
        (young_keys, young), (old_keys, old) = state["followed"]
        if len(young_keys) != len(young) or len(old_keys) != len(old):
            raise ValueError("followed: expected a value of each key")

        def restore() -> None:
            with self._lock:
                self._key, self._queries = key, queries
                self._followed.restore((young_keys, young), (old_keys, old))

        return restore

    def _count(self, query: str, visitor_id: str) -> None:
        searched = self._queries.setdefault(query, _Searched())
        self._queries.move_to_end(query)
        if len(self._queries) > self._query_limit:
            self._queries.popitem(last=False)
        visitor = self._hash(visitor_id)
        if visitor in searched.visitors:
            return
        pair = visitor_hash(visitor_id, query, self._key)
        if len(searched.visitors) < _VISITOR_LIMIT:
            searched.visitors.add(visitor)
        elif self._followed.get(pair) is not None:
            return
        searched.visitor_count += 1
        self._followed.put(pair, 0.0)

    def _follow(self, query: str, visitor_id: str, worth: float) -> None:
        """Counts the strongest event after a visitor's search; a return, of weight 0, undoes it."""
        pair = visitor_hash(visitor_id, query, self._key)
        before = self._followed.get(pair)
        # A visitor who is no longer remembered may have been counted already.
        if before is not None and (worth > before or not worth):
            self._queries[query].followed += worth - before
            self._followed.put(pair, worth)

    def _hash(self, visitor_id: str) -> int:
        digest = blake2b(visitor_id.encode(), key=self._key, digest_size=8).digest()
        return int.from_bytes(digest, "little")


def searched_queries(events: Sequence[Event], config: CompletionConfig) -> dict[str, float]:
    """The queries of a log (in time order) that may be exposed, with their weights.

    Returns:
        At most ``config.query_limit`` of them, by falling weight.
    """
    if not any(event.type is EventType.SEARCH for event in events):
        return {}
    # A throw-away key: it only has to tell visitors apart. The limits exceed the log, so that nothing
    # is evicted.
    searches = PopularQueries(
        os.urandom(16), query_limit=len(events), pair_limit=2 * len(events) + 2
    )
    sessions: dict[str, Session] = {}
    for event in events:
        before = sessions.get(event.visitor_id) or Session.empty(event.visitor_id)
        session = sessions[event.visitor_id] = before.after(event)
        searches.record(event, session.search_text)
    weights = searches.weights(config.visitor_minimum)
    ordered = sorted(weights, key=lambda query: (-weights[query], query))
    return {query: weights[query] for query in ordered[: config.query_limit]}


def query_key(text: str) -> str:
    """A query as counted and shown: case, width and blanks normalised."""
    return " ".join(normalise(text).split())
