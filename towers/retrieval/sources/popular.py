"""The popular source: items in demand in this hour, these days, these months.

Counts are of distinct visitors. Within a day (UTC) a visitor counts for an item once, with the
strongest event: a stronger later one adds the difference, a return subtracts what the purchase added.
So one visitor adds at most one purchase per day to an item, however often they click. All events
without a visitor id count as one visitor's.
"""

from __future__ import annotations

import base64
import json
import math
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from data.records import Event, EventType
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.bounded_map import BoundedMap, Generation, visitor_hash
from towers.retrieval.popularity import IDLE_LIMIT_SECONDS, Popularity
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import NO_ROWS, Found, Rebase, Source, TrainingData

WEIGHTS: Mapping[EventType, float] = {
    EventType.VIEW: 0.1,
    EventType.FAVORITE: 0.4,
    EventType.ADD_TO_CART: 0.5,
    EventType.PURCHASE: 1.0,
}
"""Weight of an event type; types other than these and returns do not count."""

HALF_LIFE_DAYS = {"popularity": 30.0, "trend": 3.0, "surge": 1.0 / 24.0}

_PURCHASE = WEIGHTS[EventType.PURCHASE]
_DAY_SECONDS = 86_400.0
_PAIR_LIMIT = 200_000
"""Newest pairs of a visitor and an item that are remembered: about 50 MB."""
_REFRESH_SECONDS = 5.0
_SURGE_RATIO = 8.0
"""An item surges where demand this hour is so many times that of the days before, with one purchase
added to both: a few views in a quiet shop are no surge."""
_SURGING_COUNT = 5
"""Number of popular candidates by demand in this hour."""

_Additions = tuple[float, ...]
"""Alternating weights and times of additions to the counts; times without idle gaps."""
_Counted = tuple[float, float, _Additions, _Additions]
"""A visitor's additions to the counts of an item: newest day, weight of its strongest event, additions
of that day, and those of the last earlier day with a purchase. A plain tuple for speed: every event
creates one."""


class _Ranked(NamedTuple):
    """Rows by demand, as computed at ``time`` for lists of a length."""

    time: float
    list_length: int
    rows: np.ndarray

    def is_fresh(self, time: float, count: int) -> bool:
        return self.list_length == count and 0 <= time - self.time < _REFRESH_SECONDS


class Popular(Source):
    """Three decayed counts of distinct visitors, over the same events; thread-safe.

    Args:
        popularity, trend, surge: Counts with half-lives of a month, days and an hour; empty ones by
            default.
    """

    name: ClassVar[str] = "popular"
    reads_events: ClassVar[bool] = False

    def __init__(
        self,
        popularity: Popularity | None = None,
        trend: Popularity | None = None,
        surge: Popularity | None = None,
    ) -> None:
        self.popularity = popularity or Popularity(HALF_LIFE_DAYS["popularity"])
        self.trend = trend or Popularity(HALF_LIFE_DAYS["trend"])
        self.surge = surge or Popularity(HALF_LIFE_DAYS["surge"])
        self._counts = (self.popularity, self.trend, self.surge)
        self._key = os.urandom(16)
        self._visitors: BoundedMap[_Counted] = BoundedMap(_PAIR_LIMIT)
        self._newest_time = 0.0
        self._idle_seconds = 0.0
        self._count_lock = threading.Lock()
        self._ranked = _Ranked(-math.inf, 0, NO_ROWS)
        self._rank_lock = threading.Lock()

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """Counts all events."""
        source = cls()
        for row, event in data.item_events():
            source.take_in_event(row, event)
        return source

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The ``config.popular_count`` most in demand; none for a search."""
        if encoded.is_search:
            return Found()
        count = config.popular_count
        return Found(allowed.only(self.rows(encoded.rank_request.time, count))[:count])

    def rows(self, time: float, count: int) -> np.ndarray:
        """Rows most in demand in this hour, then in the last days; recomputed every few seconds.

        Ten times ``count``, to leave enough after filtering.
        """
        ranked = self._ranked
        if ranked.is_fresh(time, count):
            return ranked.rows
        # While one thread recomputes, the others use the previous rows.
        if not self._rank_lock.acquire(blocking=ranked.list_length != count):
            return ranked.rows
        try:
            if not self._ranked.is_fresh(time, count):
                self._ranked = _Ranked(time, count, self._ranked_rows(time, count))
            return self._ranked.rows
        finally:
            self._rank_lock.release()

    def is_surging(self, rows: np.ndarray, time: float) -> np.ndarray:
        """Whether demand this hour is ``_SURGE_RATIO`` times what is usual, ``[n] bool``."""
        usual = self.trend.at(rows, time) * self.surge.half_life_days / self.trend.half_life_days
        return np.asarray(1.0 + self.surge.at(rows, time) >= _SURGE_RATIO * (1.0 + usual), bool)

    def _ranked_rows(self, time: float, count: int) -> np.ndarray:
        rows = self.surge.top(_SURGING_COUNT)
        rows = rows[self.is_surging(rows, time)]
        for counts in (self.trend, self.popularity):
            if len(rows) < count or counts is self.trend:
                more = counts.top(10 * count)
                rows = np.concatenate([rows, more[~np.isin(more, rows)]])
        return rows

    def take_in_event(self, row: int, event: Event) -> None:
        """Counts an event of the item at ``row`` as far as its visitor is not counted yet."""
        self._take_in(row, event, self._counts)

    def recall_event(self, row: int, event: Event) -> None:
        """Remembers the visitor of an event that the counts include already."""
        self._take_in(row, event, ())

    def _take_in(self, row: int, event: Event, counts: tuple[Popularity, ...]) -> None:
        weight = event_weight = WEIGHTS.get(event.type, 0.0)
        if not event_weight and event.type is not EventType.RETURN:
            return
        time = event.time
        with self._count_lock:
            if time > self._newest_time:
                idle = time - self._newest_time - IDLE_LIMIT_SECONDS
                if self._newest_time and idle > 0:
                    self._idle_seconds += idle
                self._newest_time = time
            # The day of the newest event: late events count for today, so that a visitor with a
            # wrong clock cannot count once for every past day.
            day = self._newest_time // _DAY_SECONDS
            key = visitor_hash(event.visitor_id, event.item_id, self._key)
            known = self._visitors.get(key)
            if not event_weight:
                self._take_back(row, key, known, counts)
            else:
                purchase: _Additions = ()
                added: _Additions = ()
                if known is not None:
                    last_day, strongest, added, purchase = known
                    if last_day != day:
                        purchase = added if strongest == _PURCHASE else purchase
                        added = ()
                    else:
                        weight = weight - strongest if weight > strongest else 0.0
                if weight:
                    added = (*added, weight, time - self._idle_seconds)
                    self._visitors.put(key, (day, event_weight, added, purchase))
            for one in counts:
                one.add(row, weight, time)

    def _take_back(
        self, row: int, key: int, known: _Counted | None, counts: tuple[Popularity, ...]
    ) -> None:
        """Subtracts a visitor's last purchase of an item from the counts, once."""
        if known is None:
            return
        day, strongest, added, removed = known
        if strongest == _PURCHASE:
            removed, strongest, added = added, 0.0, ()
        if removed:
            self._visitors.put(key, (day, strongest, added, ()))
        for weight, active_time in zip(removed[::2], removed[1::2], strict=True):
            for one in counts:
                one.add(row, -weight, active_time + self._idle_seconds)

    def event_state(self) -> dict[str, Any]:
        """The counts, who is counted in them, and the key of the hashes."""
        with self._count_lock:
            return {
                "key": self._key.hex(),
                "newest_time": self._newest_time,
                "idle_seconds": self._idle_seconds,
                "visitors": self._visitors.generations,
                "counts": [
                    (_text_of(one.counts), one.base_time, one.newest_time) for one in self._counts
                ],
            }

    def parsed_events(self, state: dict[str, Any], moved: np.ndarray) -> Callable[[], None]:
        """As the base class says."""
        key = bytes.fromhex(state["key"])
        times = float(state["newest_time"]), float(state["idle_seconds"])
        young, old = map(_counted, state["visitors"])
        restored = [
            (one, _moved(text, moved), float(base_time), float(newest_time))
            for one, (text, base_time, newest_time) in zip(
                self._counts, state["counts"], strict=True
            )
        ]

        def restore() -> None:
            with self._count_lock:
                self._key, (self._newest_time, self._idle_seconds) = key, times
                self._visitors.restore(young, old)
                for one, counts, base_time, newest_time in restored:
                    one.restore(counts, base_time, newest_time)

        return restore

    def save(self, folder: Path) -> None:
        """Writes the counts, without any visitor data."""
        for name, counts in zip(HALF_LIFE_DAYS, self._counts, strict=True):
            np.save(folder / f"{name}.npy", counts.counts)
            shape = {
                "half_life_days": counts.half_life_days,
                "base_time": counts.base_time,
                "newest_time": counts.newest_time,
            }
            (folder / f"{name}.json").write_text(json.dumps(shape), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote; ``recall_event`` restores the visitors from the log."""
        loaded = []
        for name in HALF_LIFE_DAYS:
            shape = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            counts = np.load(folder / f"{name}.npy", allow_pickle=False)
            half_life, base, newest = (
                float(shape[key]) for key in ("half_life_days", "base_time", "newest_time")
            )
            loaded.append(Popularity(half_life, counts, base, newest))
        return cls(*loaded)

    def rebased(self, rebase: Rebase) -> Self:
        """The same counts by their items' new rows."""
        count = rebase.catalog.count
        return type(self)(*(counts.moved(rebase.moved, count) for counts in self._counts))


def _text_of(counts: np.ndarray) -> str:
    return base64.b64encode(counts.astype("<f8").tobytes()).decode()


def _moved(text: str, moved: np.ndarray) -> np.ndarray:
    """The counts of ``_text_of``, ``[rows] float64``, by the rows that their items have now."""
    counts = np.frombuffer(base64.b64decode(text), "<f8")
    used = np.flatnonzero(counts)
    rows = moved[used]
    values = np.zeros(max(len(counts), int(rows.max(initial=-1)) + 1))
    values[rows] = counts[used]
    return values


def _counted(generation: Generation[Any]) -> Generation[_Counted]:
    """Entries with tuples in place of JSON's lists."""
    keys, values = generation
    return [*map(int, keys)], [
        (day, strongest, tuple(added), tuple(purchase))
        for day, strongest, added, purchase in values
    ]
