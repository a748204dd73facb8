"""Candidates for a visit's next item, and their features: the same lists for every model.

Candidates and features read only events up to the moment, as all features here do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.records import EventType
from towers.behaviour.folds import Occurrences
from towers.behaviour.tasks import newest_items
from towers.behaviour.visit_log import VisitLog

LIST_SIZE = 50
"""Candidates of a moment; a small shop may have fewer."""

_PAIR_DISTANCE = 8
_NEWEST_PAIRS = 1_000
_CONTEXT_ITEMS = 3
_VISITOR_EVENTS = 500
_RECENT_EVENTS = 20_000
_BLOCK_COUNT = 200
_SHARES = {"pairs": 25, "visitor": 12, "visit": 5, "category": 10}

FEATURE_NAMES = (
    "item_events",
    "item_purchases",
    "recent_events",
    "together_with_newest",
    "together_share_of_newest",
    "together_with_visit",
    "in_visit",
    "visitor_events",
    "visitor_days_since",
    "visitor_knows",
    "same_category_as_newest",
    "same_brand_as_newest",
    "price_difference",
    "price_is_known",
)
"""Features of a candidate; counts and prices as logarithms."""

TOGETHER = FEATURE_NAMES.index("together_with_newest")


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """The candidates of those moments at which a source found the item that came.

    Where none did, every model fails alike: such moments are counted, and have no list.

    Args:
        found: ``[moments] bool``: which moments have a list.
        items: ``[lists, LIST_SIZE] int64`` item rows, −1 for none.
        features: ``[lists, LIST_SIZE, FEATURE_NAMES] float32``, 0 where there is no candidate.
        answers: ``[lists] int64`` position of the item that came.
    """

    found: np.ndarray
    items: np.ndarray
    features: np.ndarray
    answers: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """``[lists, LIST_SIZE] bool``: where there is a candidate."""
        return self.items >= 0


class CandidateSources:
    """What earlier visits tell of any item at any moment of a log."""

    def __init__(self, log: VisitLog) -> None:
        self._log = log
        self._item_count = len(log.categories)
        known = log.items >= 0
        bought = known & (log.types == EventType.PURCHASE)
        priced = known & np.isfinite(log.prices)
        self._newest = newest_items(log)
        self._items = self._fold(log.items, known)
        self._purchases = self._fold(log.items, bought)
        self._prices = self._fold(log.items, priced)
        self._of_visit = self._fold(log.visits, known)
        self._of_visitor = self._fold(log.visitors, known)
        self._in_visit = self._fold(self._pair(log.visits, log.items), known)
        self._by_visitor = self._fold(self._pair(log.visitors, log.items), known)
        left, right, later = self._pairs()
        self._together = Occurrences(self._pair(left, right), later, log.count)
        by_left = np.lexsort((later, left))
        self._lefts, self._rights = left[by_left], right[by_left]
        self._pairs_of_left = Occurrences(left, later, log.count)
        self._block = max(1, log.count // _BLOCK_COUNT)

    def lists(self, moments: np.ndarray, answers: np.ndarray) -> CandidateLists:
        """The lists of moments; the item that comes is never added to a list.

        Args:
            moments: ``[n] int64`` number of each prefix's newest event.
            answers: ``[n] int64`` the item that comes.
        """
        items = np.full((len(moments), LIST_SIZE), -1, np.int64)
        popular, of_block = np.zeros(0, np.int64), -1
        by_category: dict[int, np.ndarray] = {}
        for at in np.argsort(moments, kind="stable").tolist():
            moment = int(moments[at])
            if moment // self._block != of_block:
                of_block = moment // self._block
                popular, by_category = self._popular(of_block * self._block)
            listed = list(dict.fromkeys(self._found(moment, popular, by_category)))[:LIST_SIZE]
            items[at, : len(listed)] = listed
        is_answer = items == answers[:, None]
        found = is_answer.any(axis=1)
        features = self._features(moments[found], items[found])
        return CandidateLists(found, items[found], features, is_answer[found].argmax(axis=1))

    def _fold(self, keys: np.ndarray, chosen: np.ndarray) -> Occurrences:
        return Occurrences(keys[chosen], np.flatnonzero(chosen), self._log.count)

    def _pair(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return np.where((left >= 0) & (right >= 0), left * self._item_count + right, -1)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Items a few events apart in one visit, both ways, and the number of the later event."""
        log = self._log
        order = np.argsort(log.visits, kind="stable")
        order = order[log.items[order] >= 0]
        parts = []
        for distance in range(1, _PAIR_DISTANCE + 1):
            first, second = order[:-distance], order[distance:]
            both = (log.visits[first] == log.visits[second]) & (
                log.items[first] != log.items[second]
            )
            first, second = first[both], second[both]
            parts.append((log.items[first], log.items[second], second))
            parts.append((log.items[second], log.items[first], second))
        left, right, later = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return left, right, later

    def _popular(self, before: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """The most frequent items of the events just before a number: of all, and by category."""
        recent = self._log.items[max(0, before - _RECENT_EVENTS) : before]
        items, counts = np.unique(recent[recent >= 0], return_counts=True)
        ordered = items[np.argsort(-counts, kind="stable")]
        categories = self._log.categories_of(ordered)
        order = np.argsort(categories, kind="stable")
        codes, starts = np.unique(categories[order], return_index=True)
        ends = np.append(starts[1:], len(order))[: len(starts)]
        by_category = {
            int(code): ordered[order[start : min(end, start + _SHARES["category"])]]
            for code, start, end in zip(codes, starts, ends, strict=True)
            if code >= 0
        }
        return ordered[:LIST_SIZE], by_category

    def _found(
        self, moment: int, popular: np.ndarray, by_category: dict[int, np.ndarray]
    ) -> Iterator[int]:
        """Candidates of one moment, source by source; the newest item itself is none."""
        log, newest = self._log, int(self._newest[moment])
        before = log.items[self._of_visit.newest(int(log.visits[moment]), moment + 1, LIST_SIZE)]
        visit = list(dict.fromkeys(before[::-1].tolist()))
        rights = [self._rights_of(item, moment + 1) for item in visit[:_CONTEXT_ITEMS]]
        past = self._of_visitor.newest(int(log.visitors[moment]), moment + 1, _VISITOR_EVENTS)
        category = int(log.categories[newest]) if newest >= 0 else -1
        sources = (
            _most_frequent(np.concatenate(rights))[: _SHARES["pairs"]] if rights else [],
            _most_frequent(log.items[past])[: _SHARES["visitor"]],
            visit[1 : 1 + _SHARES["visit"]],
            by_category.get(category, np.zeros(0, np.int64)).tolist(),
            popular.tolist(),
        )
        return (item for source in sources for item in source if item != newest)

    def _rights_of(self, item: int, before: int) -> np.ndarray:
        first = int(np.searchsorted(self._lefts, item))
        count = int(self._pairs_of_left.count_before(np.array(item), np.array(before)))
        return self._rights[first + max(0, count - _NEWEST_PAIRS) : first + count]

    def _features(self, moments: np.ndarray, items: np.ndarray) -> np.ndarray:
        log = self._log
        numbers = np.broadcast_to(moments[:, None] + 1, items.shape)
        newest = np.broadcast_to(self._newest[moments][:, None], items.shape)
        visits = np.broadcast_to(log.visits[moments][:, None], items.shape)
        visitors = np.broadcast_to(log.visitors[moments][:, None], items.shape)
        seen = self._items.count_before(items, numbers)
        window = np.maximum(numbers - _RECENT_EVENTS, 0)
        together = self._together.count_before(self._pair(newest, items), numbers)
        pairs_of_newest = self._pairs_of_left.count_before(newest, numbers)
        with_visit = np.zeros(items.shape)
        place = self._of_visit.last_before(log.visits[moments], moments + 1)
        for _ in range(_CONTEXT_ITEMS):
            context = np.where(place >= 0, log.items[place], -1)[:, None]
            of_context = self._pair(np.broadcast_to(context, items.shape), items)
            with_visit += np.log1p(self._together.count_before(of_context, numbers))
            place = self._of_visit.last_before(log.visits[moments], np.maximum(place, 0))
        past = self._by_visitor.last_before(self._pair(visitors, items), numbers)
        knows = past >= 0
        days = np.where(knows, log.times[moments][:, None] - log.times[past], 0.0) / 86_400
        priced = self._prices.last_before(items, numbers)
        own = self._prices.last_before(newest, numbers)
        has_price = (priced >= 0) & (own >= 0)
        logs = np.log1p(np.maximum(np.nan_to_num(log.prices), 0.0))
        columns = (
            np.log1p(seen),
            np.log1p(self._purchases.count_before(items, numbers)),
            np.log1p(seen - self._items.count_before(items, window)),
            np.log1p(together),
            together / np.maximum(pairs_of_newest, 1),
            with_visit,
            np.log1p(self._in_visit.count_before(self._pair(visits, items), numbers)),
            np.log1p(self._by_visitor.count_before(self._pair(visitors, items), numbers)),
            np.log1p(np.maximum(days, 0.0)),
            knows,
            _same(log.categories_of(items), log.categories_of(newest)),
            _same(log.brands_of(items), log.brands_of(newest)),
            np.where(has_price, logs[priced] - logs[own], 0.0),
            has_price,
        )
        stacked = np.stack([np.asarray(column, np.float32) for column in columns], axis=-1)
        return np.where((items >= 0)[..., None], stacked, np.float32(0.0))


def _most_frequent(items: np.ndarray) -> list[int]:
    distinct, counts = np.unique(items, return_counts=True)
    return distinct[np.argsort(-counts, kind="stable")].tolist()


def _same(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return (left == right) & (left >= 0)
