"""The items that are on offer for a visitor, and the best offer of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from towers.offers.item_loops import choose_best
from towers.offers.offer_features import OfferTables, offer_features
from towers.offers.offer_model import OfferModel
from towers.offers.placed_offer import PlacedOffer
from towers.offers.placed_offers import PlacedOffers
from towers.offers.visitor_state import VisitorState
from towers.read_only import freeze


@dataclass(frozen=True, slots=True, eq=False)
class ItemOffers:
    """The best offer of every item that is on one; its arrays are read-only.

    Args:
        offers: The offers.
        rows: ``[n] int64``, ascending, each once: items in stock.
        places: ``[n] int64`` place in ``offers`` of the item's best offer.
        log_odds: ``[n] float64`` logarithm of the odds that the visitor redeems it, less the mean of all
            offers; 0 without a model.
    """

    offers: Sequence[PlacedOffer]
    rows: np.ndarray
    places: np.ndarray
    log_odds: np.ndarray

    def __post_init__(self) -> None:
        freeze(self.rows, self.places, self.log_odds)

    @classmethod
    def none(cls) -> ItemOffers:
        """Of no offers."""
        nothing = np.zeros(0, np.int64)
        return cls((), nothing, nothing.copy(), np.zeros(0))

    @classmethod
    def of(
        cls,
        state: VisitorState,
        offers: Sequence[PlacedOffer],
        tables: OfferTables,
        model: OfferModel | None,
    ) -> ItemOffers:
        """Of an item on several offers the one most likely redeemed, then the one that saves more,
        then the first.

        Args:
            offers: Those that the visitor may have.
        """
        offers = PlacedOffers.of(offers)
        of_offers = np.zeros(len(offers))
        if model is not None and offers:
            chances = np.clip(
                model.probabilities(offer_features(state, offers, tables)), 1e-6, 0.999
            )
            of_offers = np.log(chances / (1.0 - chances))
            of_offers -= of_offers.mean()
        catalog, (rows, starts, places) = tables.catalog, offers.by_item
        best = np.empty(len(rows), np.int64)
        # What has no price has nothing to save on.
        prices = catalog.price[rows].astype(np.float64)
        prices[np.isnan(prices)] = 0.0
        choose_best(starts, places, of_offers, offers.percents, offers.amounts, prices, best)
        is_left = catalog.in_stock[rows] & catalog.listed[rows]
        rows, best = rows[is_left], best[is_left]
        return cls(offers, rows, best, of_offers[best])
