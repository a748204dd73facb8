"""What follows a purchase, as a bundle holds it: next purchases, gaps, approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.records import Event
from towers.after_sales.approval import approval_of
from towers.after_sales.next_purchases import NextPurchases
from towers.after_sales.purchase_visits import PurchaseVisits
from towers.after_sales.repurchase_gaps import repurchase_days
from towers.catalog.items import Catalog
from towers.read_only import freeze

_UNKNOWN_APPROVAL = 0.5


@dataclass(frozen=True)
class AfterSales:
    """What follows a purchase in one catalogue, without any visitor's data; arrays are read-only.

    Args:
        by_item: What is bought after each item.
        by_category: What category is bought from after each narrowest category.
        days_of_items, days_of_categories, days_of_shop: As ``repurchase_days`` gives them.
        approval: ``[items] float32``, as ``approval_of`` gives it.
    """

    by_item: NextPurchases
    by_category: NextPurchases
    days_of_items: np.ndarray
    days_of_categories: np.ndarray
    days_of_shop: float
    approval: np.ndarray

    def __post_init__(self) -> None:
        freeze(self.days_of_items, self.days_of_categories, self.approval)

    @classmethod
    def none(cls) -> AfterSales:
        """Nothing is known."""
        nothing = np.zeros(0, np.float32)
        tables = NextPurchases.none(0), NextPurchases.none(0)
        return cls(*tables, nothing, nothing.copy(), float("inf"), nothing.copy())

    @classmethod
    def of(cls, events: Sequence[Event], rows: Sequence[int], catalog: Catalog) -> AfterSales:
        """From events in time order, and the item row of each, −1 for none."""
        visits = PurchaseVisits.of(events, rows)
        categories = catalog.leaf[: catalog.count]
        of_rows = categories[visits.rows].astype(np.int64)
        # Items without a category have nothing in common.
        is_named = np.array([bool(name) for name in catalog.category_codes.names], bool)
        named = is_named[of_rows] if len(of_rows) else np.zeros(0, bool)
        in_categories = PurchaseVisits(
            visits.visitors, visits.times, visits.visits[named], visits.rows[named]
        )
        return cls(
            NextPurchases.of(visits, visits.rows, catalog.count),
            NextPurchases.of(in_categories, of_rows[named], len(is_named)),
            *repurchase_days(visits, categories),
            approval_of(events, rows, categories),
        )

    def days_until_again(self, rows: np.ndarray, catalog: Catalog) -> np.ndarray:
        """Median days until an item is bought again, ``[n] float64``; a later item has its category's."""
        found = np.full(len(rows), self.days_of_shop)
        leaf = catalog.leaf[rows]
        in_category = leaf < len(self.days_of_categories)
        found[in_category] = self.days_of_categories[leaf[in_category]]
        is_own = rows < len(self.days_of_items)
        found[is_own] = self.days_of_items[rows[is_own]]
        return found

    def approval_at(self, rows: np.ndarray) -> np.ndarray:
        """``[n] float64``; ½ for an item that came later."""
        found = np.full(len(rows), _UNKNOWN_APPROVAL)
        is_known = rows < len(self.approval)
        found[is_known] = self.approval[rows[is_known]]
        return found

    def rebased(self, old: Catalog, new: Catalog) -> AfterSales:
        """The same in another catalogue: items by their ids, categories by their paths."""
        rows = new.rows(old.item_ids[: len(self.approval)])
        names = {name: code for code, name in enumerate(new.category_codes.names)}
        codes = np.array(
            [names.get(one, -1) for one in old.category_codes.names[: len(self.by_category.lifts)]],
            np.int64,
        )
        of_categories = np.full(len(names), self.days_of_shop, np.float32)
        shared = np.flatnonzero(codes[: len(self.days_of_categories)] >= 0)
        of_categories[codes[shared]] = self.days_of_categories[shared]
        of_items = of_categories[new.leaf[: new.count]]
        approval = np.full(new.count, _UNKNOWN_APPROVAL, np.float32)
        kept = np.flatnonzero(rows >= 0)
        of_items[rows[kept]] = self.days_of_items[kept]
        approval[rows[kept]] = self.approval[kept]
        return AfterSales(
            self.by_item.moved(rows, new.count),
            self.by_category.moved(codes, len(names)),
            of_items,
            of_categories,
            self.days_of_shop,
            approval,
        )

    def save(self, folder: Path) -> None:
        """Writes the tables into an existing empty folder."""
        self.by_item.save(folder, "items")
        self.by_category.save(folder, "categories")
        np.save(folder / "days_of_items.npy", self.days_of_items)
        np.save(folder / "days_of_categories.npy", self.days_of_categories)
        np.save(folder / "days_of_shop.npy", np.float64(self.days_of_shop))
        np.save(folder / "approval.npy", self.approval)

    @classmethod
    def load(cls, folder: Path) -> AfterSales:
        """What ``save`` wrote."""
        names = ("days_of_items", "days_of_categories", "days_of_shop", "approval")
        items, categories, shop, approval = (
            np.load(folder / f"{name}.npy", allow_pickle=False) for name in names
        )
        return cls(
            NextPurchases.load(folder, "items"),
            NextPurchases.load(folder, "categories"),
            items,
            categories,
            float(shop),
            approval,
        )
