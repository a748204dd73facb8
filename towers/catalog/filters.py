"""Conditions on items: what every result of a request must meet."""

from __future__ import annotations

from dataclasses import dataclass

from towers.catalog.attributes import AttributeCondition


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions that every result meets; empty ones do not restrict.

    Args:
        category: A path from the broadest category; items below it match.
        brands: Any of these.
        min_price, max_price: Inclusive; an item without a price fails a stated bound.
        in_stock_only: Leaves out items out of stock.
        attributes: All of these.
    """

    category: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    in_stock_only: bool = False
    attributes: tuple[AttributeCondition, ...] = ()
