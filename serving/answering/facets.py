"""Facets: counts of brands, categories, price ranges and attribute values over the match set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from serving.api.answers import Facet, FacetValue
from serving.api.requests import BRAND, CATEGORY, IN_STOCK, PRICE, FacetRequest, Filter
from serving.paging.match_set import MatchSet
from towers.catalog.items import Catalog


def facets_of(
    matches: MatchSet, requests: Sequence[FacetRequest], conditions: Filter
) -> tuple[Facet, ...]:
    """The requested facets, counted over the whole match set.

    A facet's counts ignore the filter's condition on that facet, so that alternatives to the
    current selection are shown. The category facet lists the level below the filtered category.
    """
    fits = counted_items(matches, requests, conditions)
    return facets_over(fits, matches.sources.catalog, requests, conditions)


def counted_items(
    matches: MatchSet, requests: Sequence[FacetRequest], conditions: Filter
) -> Mapping[Filter, np.ndarray]:
    """The items that facets count: ``[count] bool`` by the filter without a facet's condition."""
    filters = {_without(conditions, request.name) for request in requests}
    return {others: matches.under(others) for others in filters}


def facets_over(
    fits: Mapping[Filter, np.ndarray],
    catalog: Catalog,
    requests: Sequence[FacetRequest],
    conditions: Filter,
) -> tuple[Facet, ...]:
    """The requested facets, counted over ``counted_items``."""
    return tuple(
        Facet(
            request.name,
            _values(
                catalog, fits[_without(conditions, request.name)], request, conditions.category
            ),
        )
        for request in requests
    )


def _without(conditions: Filter, name: str) -> Filter:
    if name == BRAND:
        return replace(conditions, brands=())
    if name == PRICE:
        return replace(conditions, min_price=None, max_price=None)
    if name == IN_STOCK:
        return replace(conditions, in_stock_only=False)
    kept = tuple(condition for condition in conditions.attributes if condition.name != name)
    return replace(conditions, attributes=kept)


def _values(
    catalog: Catalog, fits: np.ndarray, request: FacetRequest, category: Sequence[str]
) -> tuple[FacetValue, ...]:
    count = len(fits)
    if request.name == CATEGORY:
        return _categories(catalog, catalog.leaf[:count][fits], request.limit, tuple(category))
    if request.name == PRICE:
        return _price_ranges(catalog.price[:count][fits], request.limit)
    if request.name == BRAND:
        codes, names = catalog.brand[:count][fits], catalog.brand_codes.names
    elif request.name == IN_STOCK:
        codes, names = catalog.in_stock[:count][fits].astype(np.int32), ["false", "true"]
    else:
        rows, codes = catalog.attributes.column(request.name)
        inside = rows < count
        codes = codes[inside][fits[rows[inside]]]
        names = catalog.attributes.values(request.name)
    # Items without a brand have the empty name, which is not a facet value.
    frequent = [(code, n) for code, n in _most_frequent(codes, request.limit + 1) if names[code]]
    return tuple(FacetValue(n, names[code]) for code, n in frequent[: request.limit])


def _most_frequent(codes: np.ndarray, limit: int) -> list[tuple[int, int]]:
    """Codes and counts, most frequent first; ties in order of code."""
    counts = np.bincount(codes)
    present = np.flatnonzero(counts)
    order = np.lexsort((present, -counts[present]))[:limit]
    return [(int(code), int(counts[code])) for code in present[order]]


def _categories(
    catalog: Catalog, codes: np.ndarray, limit: int, above: tuple[str, ...]
) -> tuple[FacetValue, ...]:
    depth = len(above)
    counts: Counter[tuple[str, ...]] = Counter()
    for code, count in _most_frequent(codes, len(codes)):
        path = catalog.category_path(code)
        if len(path) > depth and path[:depth] == above:
            counts[path[: depth + 1]] += count
    return tuple(FacetValue(n, path[-1], category=path) for path, n in counts.most_common(limit))


def _price_ranges(prices: np.ndarray, limit: int) -> tuple[FacetValue, ...]:
    """At most ``limit`` ranges of about equal item counts that begin at round prices.

    A range is given by its lowest and its highest price, so that a filter with these bounds
    matches exactly its items.
    """
    prices = np.sort(prices[~np.isnan(prices)])
    if not len(prices):
        return ()
    shares = np.arange(1, limit) / limit
    edges = {_round_price(float(prices[int(share * len(prices))])) for share in shares}
    starts = np.unique(np.searchsorted(prices, sorted(edges | {0.0}), side="left"))
    ends = [*starts[1:].tolist(), len(prices)]
    return tuple(
        FacetValue(
            end - start,
            min_price=exact_price(prices[start]),
            max_price=exact_price(prices[end - 1]),
        )
        for start, end in zip(starts.tolist(), ends, strict=True)
        if end > start
    )


def _round_price(price: float) -> float:
    """The nearest price of one significant digit, or of two where the first is 1."""
    return float(f"{price:.1e}") if f"{price:e}".startswith("1") else float(f"{price:.0e}")


def exact_price(price: np.float32) -> float:
    """The shortest decimal that is this price in float32."""
    return float(str(price))
