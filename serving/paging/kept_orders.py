"""The order of an answer, kept for the pages that follow it, within a stated time and memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from serving.api.requests import SortOrder
from towers.catalog.items import Catalog
from towers.read_only import freeze

KEPT_SECONDS = 600.0
"""An order is kept for so long after the last page that was cut from it."""
KEPT_BYTES = 32_000_000
"""Size limit of all kept orders; about ten thousand answers. The least recently used go first."""

_ENTRY_BYTES = 1_600
"""Overhead of an order besides the contents of its arrays: key, array headers, table slots."""
_NO_SCORES = np.zeros(0, np.float32)
_NO_EMBEDDING = np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class KeptOrder:
    """The first results of an answer, in order; later pages append to them, and never reorder them.

    Args:
        item_ids: Ids by row of the catalogue that ``rows`` are of; the catalogue's own list.
        rows: ``[n] int32``; −1 where the catalogue has no such item any more.
        sort_by: What the results are sorted by.
        scores: ``[n] float32``, falling; empty in an order other than relevance.
        query_embedding: ``[dim] float32`` that orders further results by relevance; else empty.
        request_hash: Of the request that it answers, without page size, offset and facets.
        is_complete: Whether nothing follows: all of the match set is in an order other than relevance.
        relevant_end: Results of a search by relevance before the first that is only related;
            None for other requests.

    Attributes:
        byte_count: Size in memory, without the catalogue's ids.
    """

    item_ids: Sequence[str]
    rows: np.ndarray
    sort_by: SortOrder
    scores: np.ndarray = field(default_factory=lambda: _NO_SCORES)
    query_embedding: np.ndarray = field(default_factory=lambda: _NO_EMBEDDING)
    request_hash: int = 0
    is_complete: bool = False
    relevant_end: int | None = None
    byte_count: int = field(init=False)

    def __post_init__(self) -> None:
        # Copies: a view would keep the whole array that it is a part of.
        rows = np.array(self.rows, np.int32)
        scores = np.array(self.scores, np.float32)
        query_embedding = np.array(self.query_embedding, np.float32)
        freeze(rows, scores, query_embedding)
        put = object.__setattr__
        put(self, "rows", rows)
        put(self, "scores", scores)
        put(self, "query_embedding", query_embedding)
        byte_count = _ENTRY_BYTES + rows.nbytes + scores.nbytes + query_embedding.nbytes
        put(self, "byte_count", byte_count)

    @property
    def known_rows(self) -> np.ndarray:
        """``[≤ n] int64`` rows of the items that the catalogue has."""
        return self.rows[self.rows >= 0].astype(np.int64)

    def of_catalog(self, catalog: Catalog) -> KeptOrder:
        """The order by the rows of a catalogue: items are found again by their ids."""
        if self.item_ids is catalog.item_ids:
            return self
        ids, row_of = self.item_ids, catalog.row_of
        rows = [row_of.get(ids[row], -1) if row >= 0 else -1 for row in self.rows.tolist()]
        # Another bundle has other embeddings: with its own query embedding it orders what follows.
        return replace(
            self,
            item_ids=catalog.item_ids,
            rows=np.array(rows, np.int32),
            query_embedding=_NO_EMBEDDING,
        )

    def extended(self, rows: np.ndarray, scores: np.ndarray, *, relevant_count: int) -> KeptOrder:
        """The order with more results at its end, of which the first are relevant."""
        relevant_end = self.relevant_end
        if relevant_end is not None and relevant_count:
            relevant_end = len(self.rows) + relevant_count
        return replace(
            self,
            rows=np.concatenate([self.rows, rows.astype(np.int32)]),
            scores=np.concatenate([self.scores, scores]),
            relevant_end=relevant_end,
        )


class KeptOrders:
    """Kept orders by key, thread-safe.

    Args:
        seconds: How long an order is kept after it was last put.
        byte_limit: Size limit of all orders together.
    """

    def __init__(self, seconds: float = KEPT_SECONDS, byte_limit: int = KEPT_BYTES) -> None:
        self._seconds, self._byte_limit = seconds, byte_limit
        self._byte_count = 0
        self._now = 0.0
        self._lock = threading.Lock()
        # Each with the time when it goes. In the order of these times, and in that of their last use:
        # not a class of cachetools, at twice the cost.
        self._orders: OrderedDict[str, tuple[KeptOrder, float]] = OrderedDict()
        self._used: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        with self._lock:
            return len(self._orders)

    @property
    def byte_count(self) -> int:
        """Size of all kept orders."""
        with self._lock:
            return self._byte_count

    def get(self, key: str, now: float) -> KeptOrder | None:
        """The order of a key; None if it is not kept any more.

        Args:
            now: Seconds since 1970; a time before an earlier call's counts as that one.
        """
        with self._lock:
            self._drop_overdue(now)
            kept = self._orders.get(key)
            if kept is None:
                return None
            self._used.move_to_end(key)
            return kept[0]

    def put(self, key: str, order: KeptOrder, now: float) -> None:
        """Keeps an order; one above the size limit is not kept."""
        with self._lock:
            self._put(key, order, now)

    def put_after(self, key: str, earlier: KeptOrder, order: KeptOrder, now: float) -> KeptOrder:
        """Replaces an order unless another thread has extended it since; returns the one kept.

        That one may be of another catalogue, where bundles are swapped at this moment.
        """
        with self._lock:
            newest, _ = self._orders.get(key, (None, 0.0))
            if newest is None or len(newest.rows) <= len(earlier.rows):
                newest = order
            self._put(key, newest, now)
            return newest

    def _put(self, key: str, order: KeptOrder, now: float) -> None:
        self._drop_overdue(now)
        if order.byte_count > self._byte_limit:
            return
        if key in self._orders:
            self._drop(key)
        while self._byte_count + order.byte_count > self._byte_limit:
            self._drop(next(iter(self._used)))
        self._orders[key] = order, self._now + self._seconds
        self._used[key] = None
        self._byte_count += order.byte_count

    def _drop_overdue(self, now: float) -> None:
        self._now = max(self._now, now)
        while self._orders:
            key, (_, end) = next(iter(self._orders.items()))
            if end > self._now:
                return
            self._drop(key)

    def _drop(self, key: str) -> None:
        order, _ = self._orders.pop(key)
        del self._used[key]
        self._byte_count -= order.byte_count
