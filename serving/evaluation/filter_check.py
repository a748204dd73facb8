"""Random filters, checked against a scan of all items: no wrong result, no short page."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.records import Item
from serving.answering.rank_request_builders import search_rank_request
from serving.api.requests import (
    AttributeCondition,
    Filter,
    Placement,
    RecommendRequest,
    SearchRequest,
)
from serving.engine import Engine
from serving.placements.placement_list import recommend_rank_request
from towers.catalog.items import Catalog
from towers.datasets.synthetic_queries import catalogue_query
from towers.indexes.item_index import exact_top
from towers.retrieval.candidates import SOURCES
from towers.sessions.session import Session

_NARROWEST, _WIDEST = 1e-4, 0.9
_DEPTH = 20
_ATTEMPTS = 50


def meets(item: Item, conditions: Filter) -> bool:
    """Whether an item meets every condition, computed from the item's own fields."""
    path, price = conditions.category, item.price
    low, high = conditions.min_price, conditions.max_price
    return (
        item.category[: len(path)] == path
        and (not conditions.brands or item.brand in conditions.brands)
        and (low is None or (price is not None and price >= low))
        and (high is None or (price is not None and price <= high))
        and (item.in_stock or not conditions.in_stock_only)
        and all(_has(item, condition) for condition in conditions.attributes)
    )


def _has(item: Item, condition: AttributeCondition) -> bool:
    value = item.attributes.get(condition.name, "")
    if not value or (condition.values and value not in condition.values):
        return False
    if condition.min_value is None and condition.max_value is None:
        return True
    try:
        number = float(value)
    except ValueError:
        return False
    low = -math.inf if condition.min_value is None else condition.min_value
    high = math.inf if condition.max_value is None else condition.max_value
    return math.isfinite(number) and low <= number <= high


def sampled_filter(items: Sequence[Item], rng: random.Random) -> Filter:
    """One to three conditions that a randomly sampled item meets."""
    item, other = rng.choice(items), rng.choice(items)
    prices = sorted(one.price for one in (item, other) if one.price is not None)
    ways: list[Callable[[], dict[str, Any]]] = [lambda: {"in_stock_only": item.in_stock}]
    if item.category:
        depth = rng.randint(1, len(item.category))
        ways.append(lambda: {"category": item.category[:depth]})
    if item.brand:
        brands = dict.fromkeys(one.brand for one in (item, other) if one.brand)
        ways.append(lambda: {"brands": tuple(brands)})
    if item.price is not None:
        ways += [
            lambda: {"min_price": prices[0], "max_price": prices[-1]},
            lambda: {"min_price": item.price},
            lambda: {"max_price": item.price},
        ]
    if item.attributes:
        ways += 3 * [lambda: {"attributes": _sampled_attributes(item, other, rng)}]
    changes: dict[str, Any] = {}
    for way in rng.sample(ways, min(len(ways), rng.randint(1, 3))):
        changes.update(way())
    return Filter(**changes)


def _sampled_attributes(
    item: Item, other: Item, rng: random.Random
) -> tuple[AttributeCondition, ...]:
    names = rng.sample(sorted(item.attributes), min(len(item.attributes), rng.randint(1, 2)))
    conditions = []
    for name in names:
        value = item.attributes[name]
        both = tuple(dict.fromkeys((value, other.attributes.get(name, value))))
        try:
            numbers = sorted(map(float, both))
        except ValueError:
            numbers = []
        if numbers and all(map(math.isfinite, numbers)) and rng.random() < 0.7:
            bounds = rng.choice([(numbers[0], numbers[-1]), (numbers[0], None)])
            conditions.append(AttributeCondition(name, (), *bounds))
        else:
            conditions.append(AttributeCondition(name, both))
    return tuple(conditions)


def check_filters(
    engine: Engine, items: Sequence[Item], *, count: int, seed: int, progress: Callable[..., None]
) -> dict[str, Any]:
    """Makes requests with ``count`` random filters and checks every answer against a scan.

    Half of the requests are searches for words of a title, half are anonymous home pages.

    Args:
        items: The items of the engine's catalogue.

    Returns:
        Shares of items that pass the filters; recall@20 of the learnt and the lexical source
        against exact search over all allowed items; the number of results that fail their filter,
        and of pages that are too short; median milliseconds per answer.
    """
    rng = random.Random(seed)
    catalog, ranker = engine.bundle.catalog, engine.bundle.ranker
    items = [item for item in items if item.item_id in catalog.row_of]
    time_asked = engine.bundle.facts.counted_until
    shares, learnt, lexical, seconds = [], [], [], []
    outside_count = short_count = 0
    for number, conditions in enumerate(_spread_filters(catalog, items, count, rng)):
        progress(number)
        fits = [meets(item, conditions) for item in items]
        rows = catalog.rows([item.item_id for item, fit in zip(items, fits, strict=True) if fit])
        allowed = np.zeros(catalog.count, bool)
        allowed[rows] = True
        shares.append(len(rows) / len(items))
        text = catalogue_query(catalog, rng.randrange(catalog.count), rng)
        search = SearchRequest(
            text, page_size=_DEPTH, filter=conditions, record=False, is_literal=True
        )
        browse = RecommendRequest(Placement.HOME, page_size=_DEPTH, filter=conditions)
        is_search = bool(text) and number % 2 == 0
        began = time.perf_counter()
        answer = engine.search(search) if is_search else engine.recommend(browse)
        seconds.append(time.perf_counter() - began)
        shown = catalog.rows([result.item_id for result in answer.results])
        outside_count += int(np.count_nonzero(~allowed[shown]))
        short_count += len(shown) < min(_DEPTH, len(rows))
        anonymous = Session.empty("")
        rank_request = (
            search_rank_request(search, anonymous, time_asked, catalog)
            if is_search
            else recommend_rank_request(browse, anonymous, time_asked, engine.bundle)
        )
        encoded = ranker.read(rank_request)
        exact = exact_top(
            ranker.sources.index.embeddings[: catalog.count], encoded.query_embedding, 0
        )
        learnt.append(_recall(ranker.sources.nearest(encoded, _DEPTH), exact[allowed[exact]]))
        if is_search and ranker.sources.lexical is not None:
            exact, _ = ranker.sources.lexical.search(encoded.query, catalog.count)
            found = ranker.sources.find(encoded)
            ranks = found.ranks[:, SOURCES.index("lexical")]
            by_words = found.rows[ranks >= 0][np.argsort(ranks[ranks >= 0])]
            lexical.append(_recall(by_words, exact[allowed[exact]]))
    return {
        "filter_count": len(shares),
        "share_min": min(shares, default=0.0),
        "share_median": float(np.median(shares)) if shares else 0.0,
        "share_max": max(shares, default=0.0),
        "learnt_recall@20": float(np.mean(learnt)) if learnt else 1.0,
        "lexical_recall@20": float(np.mean(lexical)) if lexical else 1.0,
        "outside_count": outside_count,
        "short_page_count": short_count,
        "median_ms": float(np.median(seconds)) * 1e3 if seconds else 0.0,
    }


def _spread_filters(
    catalog: Catalog, items: Sequence[Item], count: int, rng: random.Random
) -> list[Filter]:
    """Filters from selective to broad, spread evenly on a logarithmic scale."""
    found: list[Filter] = []
    span = math.log(_WIDEST / _NARROWEST)
    for number in range(count):
        target_share = _NARROWEST * math.exp(span * (number + 0.5) / count)
        nearest, least = None, math.inf
        for _ in range(_ATTEMPTS):
            conditions = sampled_filter(items, rng)
            mask = catalog.mask(conditions)
            share = 1.0 if mask is None else float(mask.mean())
            if 0 < share <= _WIDEST and abs(math.log(share / target_share)) < least:
                nearest, least = conditions, abs(math.log(share / target_share))
            if least < span / 20:
                break
        if nearest is not None:
            found.append(nearest)
    return found


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Share of the first 20 of ``exact`` that are among the first 20 of ``found``."""
    expected = exact[:_DEPTH]
    return len(np.intersect1d(found[:_DEPTH], expected)) / len(expected) if len(expected) else 1.0
