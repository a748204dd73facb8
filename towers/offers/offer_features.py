"""The features of a visitor and an offer, the same in training and in serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from towers.catalog.items import Catalog
from towers.offers.item_loops import (
    BOUGHT,
    DAYS,
    DEMAND,
    LARGEST_DEMAND,
    OWN,
    RECENT,
    REDEEMED,
    REDEEMED_COUNT,
    SEEN,
    SEEN_COUNT,
    sum_items,
)
from towers.offers.offer_book import OfferBook
from towers.offers.placed_offer import PlacedOffer
from towers.offers.placed_offers import PlacedOffers
from towers.offers.visitor_state import VisitorState
from towers.retrieval.popularity import Popularity

FEATURE_NAMES = (
    # What the visitor bought, among the offer's items.
    "own_count",
    "own_recent",
    "own_share",
    "own_days",
    "due",
    # … and in their categories.
    "category_count",
    "category_share",
    # Embeddings.
    "mean_cosine",
    "largest_cosine",
    # The session and the cart.
    "session_share",
    # The offer.
    "item_count",
    "category_breadth",
    "popularity",
    "largest_popularity",
    "offer_redemptions",
    "percent_off",
    "amount_off",
    "age_days",
    "left_days",
    # The visitor.
    "visit_count",
    "visit_days",
    "bought_item_count",
    "visitor_redemptions",
    "visitor_redemption_days",
    "redeemed_before",
    "redeemed_overlap",
)
"""Columns of the feature matrix. Counts and days are logarithms of one more."""

_Put = Callable[[str, Any], None]
_COLUMN = {name: column for column, name in enumerate(FEATURE_NAMES)}
_RECENT_HALF_LIFE_DAYS = 28.0
_DAYS_LIMIT = 365.0


@dataclass(frozen=True, slots=True, eq=False)
class OfferTables:
    """Tables that features read besides the visitor's state.

    Args:
        book: The offers and their uses.
        popularity: Decayed counts of items.
        embeddings: ``[rows, dim] float32`` unit rows.
    """

    book: OfferBook
    popularity: Popularity
    embeddings: np.ndarray

    @property
    def catalog(self) -> Catalog:
        """The items of the rows."""
        return self.book.catalog


def offer_features(
    state: VisitorState, offers: Sequence[PlacedOffer], tables: OfferTables
) -> np.ndarray:
    """``[offers, len(FEATURE_NAMES)] float32``, finite. Each offer has at least one known item."""
    values = np.zeros((len(offers), len(FEATURE_NAMES)), np.float32)
    if not offers:
        return values

    def put(name: str, column: Any) -> None:
        values[:, _COLUMN[name]] = column

    offers = PlacedOffers.of(offers)
    redeemed = tables.book.uses.of_visitor(state.visitor_id) if state.visitor_id else {}
    sums = _item_sums(state, offers, tables, redeemed)
    _put_purchases(put, state, offers, sums, tables.catalog)
    _put_embeddings(put, state, offers, tables.embeddings)
    put("session_share", sums[SEEN_COUNT] / max(1, len(np.unique(state.rows))))
    put("item_count", np.log1p(offers.items.counts))
    put("category_breadth", np.log1p(offers.leaves.counts))
    put("popularity", np.log1p(sums[DEMAND]))
    put("largest_popularity", np.log1p(sums[LARGEST_DEMAND]))
    put("percent_off", offers.percents)
    put("amount_off", np.log1p(offers.amounts))
    # An offer without a start or an end is as old, or lasts as long, as can be.
    put("age_days", np.log1p(_days(state.time - offers.start_times)))
    put("left_days", np.log1p(_days(offers.end_times - state.time)))
    put("visit_count", np.log1p(state.visit_count))
    put("visit_days", np.log1p(min(state.visit_days, _DAYS_LIMIT)))
    put("bought_item_count", np.log1p(len(state.bought_rows)))
    put("redeemed_overlap", sums[REDEEMED_COUNT] / offers.items.counts)
    _put_redemptions(put, state, offers, redeemed, tables.book)
    return values


def column(name: str) -> int:
    """The place of a feature in ``FEATURE_NAMES``."""
    return _COLUMN[name]


def _put_purchases(
    put: _Put,
    state: VisitorState,
    offers: PlacedOffers,
    sums: np.ndarray,
    catalog: Catalog,
) -> None:
    total = max(1.0, float(state.bought_counts.sum()))
    own, own_recent, own_days = sums[OWN], sums[RECENT], sums[DAYS]
    put("own_count", np.log1p(own))
    put("own_recent", np.log1p(own_recent))
    put("own_share", own / total)
    put("own_days", np.log1p(own_days))
    # Visits missed since the last purchase, against visits between two purchases.
    span_days = float(state.bought_days.max(initial=0.0))
    put("due", np.log1p(own * own_days / max(span_days, 1.0)) * (own > 0))
    leaf_counts = np.bincount(
        catalog.leaf[state.bought_rows],
        weights=state.bought_counts,
        minlength=len(catalog.category_codes.names),
    )
    in_category = _sums(leaf_counts[offers.leaves.rows], offers.leaves.starts)
    put("category_count", np.log1p(in_category))
    put("category_share", in_category / total)


def _put_embeddings(
    put: _Put, state: VisitorState, offers: PlacedOffers, embeddings: np.ndarray
) -> None:
    sample, starts, counts = offers.samples
    cosines = embeddings[sample] @ state.taste
    put("mean_cosine", _sums(cosines, starts) / counts)
    put("largest_cosine", _largest(cosines, starts))


def _put_redemptions(
    put: _Put,
    state: VisitorState,
    offers: PlacedOffers,
    redeemed: Mapping[str, int],
    book: OfferBook,
) -> None:
    put("offer_redemptions", np.log1p(book.uses.counts(offers.ids)))
    put("visitor_redemptions", np.log1p(sum(redeemed.values())))
    last = book.uses.last_time(state.visitor_id) if redeemed else None
    days = _DAYS_LIMIT if last is None else max(0.0, state.time - last) / 86_400.0
    put("visitor_redemption_days", np.log1p(min(days, _DAYS_LIMIT)))
    if redeemed:
        put("redeemed_before", np.log1p([redeemed.get(one, 0) for one in offers.ids]))


def _item_sums(
    state: VisitorState, offers: PlacedOffers, tables: OfferTables, redeemed: Mapping[str, int]
) -> np.ndarray:
    """``[7, offers] float64`` as ``sum_items`` fills it."""
    # Room, not the items that are counted: a new one has its row a moment before it counts.
    count = len(tables.catalog.leaf)
    marks = np.zeros(count, np.uint8)
    marks[state.bought_rows] |= np.uint8(BOUGHT)
    marks[state.rows] |= np.uint8(SEEN)
    for offer_id in redeemed:
        placed = tables.book.get(offer_id)
        if placed is not None:
            marks[placed.rows] |= np.uint8(REDEEMED)
    bought, recent, days = (np.zeros(count, np.float32) for _ in range(3))
    bought[state.bought_rows] = state.bought_counts
    recency = 0.5 ** (state.bought_days / _RECENT_HALF_LIFE_DAYS)
    recent[state.bought_rows] = state.bought_counts * recency
    days[state.bought_rows] = np.minimum(state.bought_days, _DAYS_LIMIT)
    demand, decay = tables.popularity.decayed(state.time)
    sums = np.zeros((7, len(offers)))
    sums[DAYS] = _DAYS_LIMIT
    # Compiled loops do not check.
    if offers.items.rows.max(initial=-1) >= count:
        raise IndexError(f"rows: expected 0 to {count - 1:,}, received others")
    sum_items(*offers.items, marks, bought, recent, days, demand, decay, sums)
    return sums


def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums of consecutive parts, none of them empty, ``[parts] float64``."""
    return np.add.reduceat(values.astype(np.float64), starts)


def _largest(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The largest value of each of these parts."""
    return np.maximum.reduceat(values, starts)


def _days(seconds: np.ndarray) -> np.ndarray:
    return np.minimum(np.maximum(0.0, seconds) / 86_400.0, _DAYS_LIMIT)
