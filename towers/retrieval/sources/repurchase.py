"""The repurchase source: the visitor's past purchases, and repurchase rates of items.

The repurchase rate of an item is the share of its buyers that bought it again later, counted on the
log. Rates of items with few buyers are shrunk towards those of their category, and these towards that
of the shop (by a fixed number of prior buyers).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from data.records import Event, EventType
from towers.catalog.items import Catalog
from towers.compiled import F32, F64, I32, I64, NONE, compiled, inlined, read, written
from towers.config import SourcesConfig
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.source import Found, Rebase, Source, TrainingData
from towers.sessions.session import IDLE_GAP_SECONDS, Session

REPURCHASE_SHARE = 0.05
"""Repurchase rate from which on an item may be recommended again to its buyers."""

_PRIOR_BUYERS = 10.0


class Repurchase(Source):
    """The visitor's own purchases as candidates, and the repurchase rate of every item.

    Count and time of the visitor's purchases are separate features.

    Args:
        of_items: ``[items] float32`` repurchase rates.
        of_categories: ``[leaf categories] float32``, for items added later.
        of_shop: Rate over all items.
    """

    name: ClassVar[str] = "bought"
    reads_events: ClassVar[bool] = False

    def __init__(
        self, of_items: np.ndarray, of_categories: np.ndarray, of_shop: float = 0.0
    ) -> None:
        self.of_items = of_items
        self.of_categories = of_categories
        self.of_shop = of_shop

    @classmethod
    def of(cls, events: Iterable[Event], rows: Iterable[int], catalog: Catalog) -> Self:
        """Counts repurchases; not within one session, and not after a return.

        Args:
            events: In time order.
            rows: Item row of each event, −1 for none.
        """
        last_bought: dict[tuple[str, int], float] = {}
        repurchased: set[tuple[str, int]] = set()
        for event, row in zip(events, rows, strict=True):
            key = (event.visitor_id, row)
            if row < 0:
                continue
            if event.type is EventType.PURCHASE:
                if event.time - last_bought.get(key, event.time) > IDLE_GAP_SECONDS:
                    repurchased.add(key)
                last_bought[key] = event.time
            elif event.type is EventType.RETURN and key not in repurchased:
                last_bought.pop(key, None)
        buyers = np.zeros(catalog.count)
        repurchasers = np.zeros(catalog.count)
        for _, row in last_bought:
            buyers[row] += 1
        for _, row in repurchased:
            repurchasers[row] += 1
        return cls.of_counts(buyers, repurchasers, catalog.leaf[: catalog.count])

    @classmethod
    def of_counts(
        cls, buyers: np.ndarray, repurchasers: np.ndarray, categories: np.ndarray
    ) -> Self:
        """From ``[items]`` numbers of buyers and repurchasers, and category codes."""
        shop = float(repurchasers.sum() / max(buyers.sum(), 1.0))
        count = int(categories.max(initial=-1)) + 1
        of_categories = _shrunk(
            np.bincount(categories, weights=buyers, minlength=count),
            np.bincount(categories, weights=repurchasers, minlength=count),
            shop,
        )
        of_items = _shrunk(buyers, repurchasers, of_categories[categories])
        return cls(of_items.astype(np.float32), of_categories.astype(np.float32), shop)

    @classmethod
    def build(cls, data: TrainingData) -> Self:
        """From the events."""
        return cls.of(data.events, data.rows.tolist(), data.catalog)

    def find(self, encoded: EncodedRequest, allowed: AllowedItems, config: SourcesConfig) -> Found:
        """The visitor's most frequent purchases, at most ``config.bought_count``; none for a search."""
        if encoded.is_search:
            return Found()
        summary = encoded.summary
        rows = summary.bought_rows[np.argsort(-summary.bought_counts, kind="stable")]
        return Found(allowed.only(rows)[: config.bought_count])

    def at(self, rows: np.ndarray, catalog: Catalog) -> np.ndarray:
        """Repurchase rates of ``rows``, ``[n] float32``; items added later have their category's."""
        rates = np.empty(len(rows), np.float32)
        _look_up(self.of_items, self.of_categories, self.of_shop, rows, catalog.leaf, rates)
        return rates

    def already_bought(self, session: Session, catalog: Catalog) -> np.ndarray:
        """Rows of the visitor's purchases that are rarely bought again, ``[n] int64``."""
        rows = catalog.rows([*session.bought])
        rows = rows[rows >= 0]
        if not len(rows):
            return rows
        return rows[self.at(rows, catalog) < REPURCHASE_SHARE]

    def rebased(self, rebase: Rebase) -> Self:
        """The rates by their items' new rows.

        Category codes are specific to a catalogue, so new items get the shop's rate.
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


def _shrunk(buyers: np.ndarray, repurchasers: np.ndarray, prior: np.ndarray | float) -> np.ndarray:
    return (repurchasers + _PRIOR_BUYERS * prior) / (buyers + _PRIOR_BUYERS)


@inlined
def rate_of(
    of_items: np.ndarray, of_categories: np.ndarray, of_shop: float, row: int, leaf: int
) -> Any:
    """The repurchase rate of an item; that of its category where it was added later."""
    if row < len(of_items):
        return of_items[row]
    return of_categories[leaf] if leaf < len(of_categories) else np.float32(of_shop)


@compiled(NONE, read(F32), read(F32), F64, read(I64), read(I32), written(F32))
def _look_up(
    of_items: np.ndarray,
    of_categories: np.ndarray,
    of_shop: float,
    rows: np.ndarray,
    leaf: np.ndarray,
    rates: np.ndarray,
) -> None:
    for place in range(len(rows)):
        row = rows[place]
        rates[place] = rate_of(of_items, of_categories, of_shop, row, leaf[row])
