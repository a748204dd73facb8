"""Request types of the engine, independent of gRPC and protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from towers.catalog.attributes import AttributeCondition as AttributeCondition
from towers.catalog.filters import Filter as Filter
from towers.search_box.suggestions import KINDS as KINDS
from towers.search_box.suggestions import SuggestionKind as SuggestionKind

BRAND = "brand"
CATEGORY = "category"
PRICE = "price"
IN_STOCK = "in_stock"
VARIANT = "variant"
NO_GROUPS = "none"
"""Names of groups that do not refer to attributes: learnt groups of variants, and none at all."""
RESERVED_NAMES = (BRAND, CATEGORY, PRICE, IN_STOCK)
"""Facet names that do not refer to attributes."""
NO_FILTER = Filter()
"""The filter of most requests; it is this object in all that come without one."""


class Placement(IntEnum):
    """Where recommendations are shown; the numbers are those of the protobuf enum."""

    UNSPECIFIED = 0
    HOME = 1
    CATEGORY = 2
    ITEM = 3
    CART = 4
    CROSS_SELL = 5
    PROMOTION = 6
    AFTER_SALES = 7


CART_COUNT_LIMIT = 100
ITEM_COUNTS: Mapping[Placement, tuple[int, int]] = {
    Placement.ITEM: (1, 1),
    Placement.CART: (0, CART_COUNT_LIMIT),
    Placement.CROSS_SELL: (0, CART_COUNT_LIMIT),
    Placement.AFTER_SALES: (0, CART_COUNT_LIMIT),
}
"""Least and most items that a request names for a placement; none for all others."""


class SortOrder(IntEnum):
    """What results are sorted by; the numbers are those of the protobuf enum."""

    RELEVANCE = 0
    PRICE_LOW = 1
    PRICE_HIGH = 2
    NEWEST = 3
    POPULARITY = 4


@dataclass(frozen=True, slots=True)
class FacetRequest:
    """A facet: ``brand``, ``category``, ``price``, ``in_stock``, or the name of an attribute.

    ``limit`` is the maximum number of values returned.
    """

    name: str
    limit: int = 20


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """One search request. An empty ``visitor_id`` means an anonymous visitor without a session.

    ``record`` adds the search to the session and to the log, as a search event. ``offset`` and
    ``order_key`` are the ``next_offset`` and ``order_key`` of the previous answer. An offset without a
    key is a rank in the order as of now, which does not hold still: events and item changes between
    two pages make them repeat or skip items. ``is_literal`` takes
    all of the query as words to match: no part of it is read as a condition on price or stock.
    ``group_by`` shows each group once: ``variant``, or the name of an attribute whose equal values make a
    group; ``none``: no groups; empty: as the shop's policy says.
    """

    query: str
    visitor_id: str = ""
    page_size: int = 20
    offset: int = 0
    filter: Filter = NO_FILTER
    explain: bool = False
    record: bool = True
    sort_by: SortOrder = SortOrder.RELEVANCE
    facets: tuple[FacetRequest, ...] = ()
    order_key: str = ""
    is_literal: bool = False
    predict_actions: bool = False
    group_by: str = ""


@dataclass(frozen=True, slots=True)
class RecommendRequest:
    """One recommendation request. ``item_ids``: the item of an item page, the cart's
    items, or what was bought.

    ``offset``, ``order_key`` and ``group_by`` are as in ``SearchRequest``.
    """

    placement: Placement
    visitor_id: str = ""
    item_ids: tuple[str, ...] = ()
    page_size: int = 20
    offset: int = 0
    filter: Filter = NO_FILTER
    explain: bool = False
    sort_by: SortOrder = SortOrder.RELEVANCE
    facets: tuple[FacetRequest, ...] = ()
    order_key: str = ""
    predict_actions: bool = False
    group_by: str = ""


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """One completion request: the text typed so far, and the kinds of suggestion allowed."""

    text: str
    max_results: int = 10
    kinds: tuple[SuggestionKind, ...] = KINDS


def group_names(attribute_names: Sequence[str], has_variants: bool) -> list[str]:
    """What ``group_by`` may be, for a bundle with or without groups of variants."""
    return [*([VARIANT] if has_variants else ()), NO_GROUPS, *attribute_names]
