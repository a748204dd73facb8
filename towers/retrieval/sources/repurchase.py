"""The repurchase source: what the visitor bought before, and which things people buy again.

The latter is learnt from the log: of every item the share of its buyers that came back for it. Where
an item had few buyers its category speaks for it, and for that the whole shop (shrinkage by a fixed
number of buyers).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from data.records import Event, EventType
from towers.catalog.items import Catalog
from towers.config import SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source
from towers.sessions.session import IDLE_GAP_SECONDS, Session

REBUY_SHARE = 0.05
"""From one buyer in twenty that comes back on, a thing counts as one that people rebuy."""

_PRIOR_BUYERS = 10.0


class Repurchase(Source):
    """The visitor's own purchases, and of every item the share of its buyers that come back for it.

    How often a visitor bought an item, and when, are features of their own.

    Args:
        of_items: ``[items] float32``.
        of_categories: ``[leaf categories] float32``, for items that came later.
        of_shop: Over all items.
    """

    name: ClassVar[str] = "bought"

    def __init__(
        self, of_items: np.ndarray, of_categories: np.ndarray, of_shop: float = 0.0
    ) -> None:
        self.of_items = of_items
        self.of_categories = of_categories
        self.of_shop = of_shop

    @classmethod
    def of(cls, events: Iterable[Event], rows: Iterable[int], catalog: Catalog) -> Repurchase:
        """Counts purchases; two of one visit, or of one that was sent back, are no rebuying.

        Args:
            events: In time order.
            rows: Item row of each event, −1 for none.
        """
        last_bought: dict[tuple[str, int], float] = {}
        came_back: set[tuple[str, int]] = set()
        for event, row in zip(events, rows, strict=True):
            key = (event.visitor_id, row)
            if row < 0:
                continue
            if event.type is EventType.PURCHASE:
                if event.time - last_bought.get(key, event.time) > IDLE_GAP_SECONDS:
                    came_back.add(key)
                last_bought[key] = event.time
            elif event.type is EventType.RETURN and key not in came_back:
                last_bought.pop(key, None)
        buyers = np.zeros(catalog.count)
        again = np.zeros(catalog.count)
        for _, row in last_bought:
            buyers[row] += 1
        for _, row in came_back:
            again[row] += 1
        return cls.of_counts(buyers, again, catalog.leaf[: catalog.count])

    @classmethod
    def of_counts(cls, buyers: np.ndarray, again: np.ndarray, categories: np.ndarray) -> Repurchase:
        """From ``[items]`` buyers, how many of them came back, and category codes."""
        shop = float(again.sum() / max(buyers.sum(), 1.0))
        count = int(categories.max(initial=-1)) + 1
        of_categories = _shrunk(
            np.bincount(categories, weights=buyers, minlength=count),
            np.bincount(categories, weights=again, minlength=count),
            shop,
        )
        of_items = _shrunk(buyers, again, of_categories[categories])
        return cls(of_items.astype(np.float32), of_categories.astype(np.float32), shop)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """What the visitor bought most often, at most ``config.bought_count``; not for a search."""
        if encoded.is_search:
            return Found()
        summary = encoded.summary
        rows = summary.bought_rows[np.argsort(-summary.bought_counts, kind="stable")]
        return Found(allowed.only(rows)[: config.bought_count])

    def at(self, rows: np.ndarray, catalog: Catalog) -> np.ndarray:
        """Shares of ``rows``, ``[n] float32``; those of items that came later by their category."""
        shares = np.full(len(rows), self.of_shop, np.float32)
        known = rows < len(self.of_items)
        shares[known] = self.of_items[rows[known]]
        leaves = catalog.leaf[rows]
        by_category = ~known & (leaves < len(self.of_categories))
        shares[by_category] = self.of_categories[leaves[by_category]]
        return shares

    def done_with(self, session: Session, catalog: Catalog) -> np.ndarray:
        """Rows of what the visitor has bought and people do not buy again, ``[n] int64``."""
        rows = catalog.rows([*session.bought])
        rows = rows[rows >= 0]
        if not len(rows):
            return rows
        return rows[self.at(rows, catalog) < REBUY_SHARE]

    def rebased(self, rebase: Rebase) -> Self:
        """The same shares by their items' new rows.

        Codes of categories are the catalogue's own, so items that are new go by the whole shop.
        """
        of_items = np.full(rebase.catalog.count, self.of_shop, np.float32)
        kept = np.flatnonzero(rebase.moved[: len(self.of_items)] >= 0)
        of_items[rebase.moved[kept]] = self.of_items[kept]
        return type(self)(of_items, np.zeros(0, np.float32), self.of_shop)

    def save(self, folder: Path) -> None:
        """Writes ``rebuy_*.npy``."""
        np.save(folder / "rebuy_items.npy", self.of_items)
        np.save(folder / "rebuy_categories.npy", self.of_categories)
        np.save(folder / "rebuy_shop.npy", np.float64(self.of_shop))

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> Self:
        """What ``save`` wrote."""
        items, categories, shop = (
            np.load(folder / f"rebuy_{name}.npy", allow_pickle=False)
            for name in ("items", "categories", "shop")
        )
        return cls(items, categories, float(shop))


def _shrunk(buyers: np.ndarray, again: np.ndarray, prior: np.ndarray | float) -> np.ndarray:
    return (again + _PRIOR_BUYERS * prior) / (buyers + _PRIOR_BUYERS)
