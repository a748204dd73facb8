"""Intent shift: share of the next page in a new category, once a visitor's interest moves to it.

Needs no log. A simulated visitor views items of one category, then views two items of another or
searches for its name, and requests the home page. Visitors who viewed then review the last item
badly, to measure how far similar results drop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.records import Event, EventType
from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from towers.bootstrap import mean_interval
from towers.catalog.items import Catalog

_LEAST_ITEMS = 15
"""Minimum size of a category, so that ten items are left besides those viewed."""
_OLD_VIEW_COUNT = 4
_NEW_VIEW_COUNT = 2
_PAGE_SIZE = 10
_DEEP_SIZE = 100
_STEP_SECONDS = 20.0


def measure_intent_shift(
    engine: Engine,
    count: int,
    *,
    start: float,
    set_time: Callable[[float], object],
    seed: int,
) -> dict[str, Any]:
    """Simulates ``count`` visitors of each kind; empty if fewer than two categories qualify.

    Args:
        start: Time of the first visitor, seconds since 1970.
        set_time: Sets the engine's clock.

    Returns:
        ``shopper_count``, and means with intervals: the share of the next page's top ten in the
        new category after ``two_views`` or ``one_search``; ``…_top``, the same for its top-level
        category; ``review_fall``, by how many ranks within the first 100 the ten results most
        similar to a badly reviewed item drop.
    """
    catalog, rng = engine.bundle.catalog, random.Random(seed)
    categories = _categories(catalog)
    if len({top for top, _ in categories}) < 2:
        return {}
    shares: dict[str, list[float]] = {}
    for number in range(count):
        (_, old), (new_top, new) = _two_categories(categories, rng)
        for kind in ("two_views", "one_search"):
            visitor_id = f"turn-{seed}-{kind}-{number}"
            visitor = _SimulatedVisitor(engine, set_time, visitor_id, start + number)
            events = _views(catalog, rng.sample(old.tolist(), _OLD_VIEW_COUNT))
            if kind == "two_views":
                events += _views(catalog, rng.sample(new.tolist(), _NEW_VIEW_COUNT))
            else:
                text = catalog.category(int(new[0]))[-1].lower()
                events.append((EventType.SEARCH, "", text))
            for type_, item_id, query in events:
                visitor.record(type_, item_id, query)
            shown = visitor.home_page(_PAGE_SIZE)
            same_leaf = catalog.leaf[shown] == catalog.leaf[new[0]]
            shares.setdefault(kind, []).append(float(same_leaf.mean()))
            same_top = catalog.top[shown] == new_top
            shares.setdefault(f"{kind}_top", []).append(float(same_top.mean()))
            if kind == "two_views":
                shares.setdefault("review_fall", []).append(_rank_drop(visitor, events[-1][1]))
    return {
        "shopper_count": count,
        **{
            kind: mean_interval(np.array(values), seed=seed)
            for kind, values in sorted(shares.items())
        },
    }


class _SimulatedVisitor:
    """A visitor of an engine; the time advances with every event."""

    def __init__(
        self, engine: Engine, set_time: Callable[[float], object], visitor_id: str, now: float
    ) -> None:
        self.engine = engine
        self._set_time, self._visitor_id, self._now = set_time, visitor_id, now

    def record(
        self, type_: EventType, item_id: str, query: str = "", rating: float | None = None
    ) -> None:
        self._now += _STEP_SECONDS
        event_id = f"{self._visitor_id}-{self._now}"
        self.engine.sessions.apply(
            Event(event_id, type_, self._visitor_id, self._now, item_id, query, rating=rating)
        )

    def home_page(self, count: int) -> np.ndarray:
        """Rows of the home page's first results, ``[≤ count] int64``."""
        self._set_time(self._now + 1.0)
        request = RecommendRequest(Placement.HOME, self._visitor_id, page_size=count)
        found = self.engine.recommend(request).results
        return self.engine.bundle.catalog.rows([one.item_id for one in found])


def _rank_drop(visitor: _SimulatedVisitor, item_id: str) -> float:
    """Mean number of ranks by which results similar to an item drop after a bad review of it."""
    before = visitor.home_page(_DEEP_SIZE)
    visitor.record(EventType.REVIEW, item_id, rating=1.0)
    after = {row: position for position, row in enumerate(visitor.home_page(_DEEP_SIZE).tolist())}
    bundle = visitor.engine.bundle
    embeddings, reviewed = bundle.ranker.sources.index.embeddings, bundle.catalog.row_of[item_id]
    similarity = np.where(before == reviewed, -np.inf, embeddings[before] @ embeddings[reviewed])
    most_similar = np.argsort(-similarity, kind="stable")[:_PAGE_SIZE]
    # A result that left the first hundred has dropped to rank 100 or below.
    falls = [
        after.get(int(before[position]), _DEEP_SIZE) - int(position) for position in most_similar
    ]
    return float(np.mean(falls))


def _categories(catalog: Catalog) -> list[tuple[int, np.ndarray]]:
    """Top-level category code and listed rows of every category with enough items."""
    listed = np.flatnonzero(catalog.listed[: catalog.count])
    leaves = catalog.leaf[listed]
    order = np.argsort(leaves, kind="stable")
    groups = np.split(listed[order], np.flatnonzero(np.diff(leaves[order])) + 1)
    return [
        (int(catalog.top[rows[0]]), rows)
        for rows in groups
        if len(rows) >= _LEAST_ITEMS and catalog.category(int(rows[0]))
    ]


def _two_categories(
    categories: Sequence[tuple[int, np.ndarray]], rng: random.Random
) -> tuple[tuple[int, np.ndarray], tuple[int, np.ndarray]]:
    old = rng.choice(categories)
    new = rng.choice([category_rows for category_rows in categories if category_rows[0] != old[0]])
    return old, new


def _views(catalog: Catalog, rows: Sequence[int]) -> list[tuple[EventType, str, str]]:
    return [(EventType.VIEW, catalog.item_ids[row], "") for row in rows]
