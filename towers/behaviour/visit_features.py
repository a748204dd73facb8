"""What is known of a visit up to an event: one row a prefix, and one row an event.

Every value is a fold over events up to and including that event; nothing is read from today's
catalogue but category and brand.
"""

from __future__ import annotations

import numpy as np

from data.records import RECORDABLE_TYPES, EventType
from towers.behaviour.folds import Occurrences
from towers.behaviour.visit_log import VisitLog

SLOT_COUNT = 12
"""Newest events of a visit that sequence models read."""

_TYPES = np.array([int(type_) for type_ in RECORDABLE_TYPES])
_TYPE_NAMES = [type_.label for type_ in RECORDABLE_TYPES]
_PRIOR_COUNT = 20.0

FACT_NAMES = (
    *(f"is_{name}" for name in _TYPE_NAMES),
    "seconds_since_previous",
    "price",
    "price_is_known",
    "item_events",
    "item_purchase_rate",
    "category_purchase_rate",
    "item_repeats_in_visit",
)
"""Facts of one event."""

SUMMARY_NAMES = (
    *FACT_NAMES,
    *(f"{name}_count" for name in _TYPE_NAMES),
    "distinct_items",
    "distinct_categories",
    "seconds_since_start",
    "cart_size",
    "price_over_visit_mean",
    "visitor_earlier_events",
    "visitor_earlier_purchases",
    "days_since_last_visit",
    "is_new_visitor",
    "item_bought_earlier",
    "hour_sine",
    "hour_cosine",
    "weekday_sine",
    "weekday_cosine",
)
"""Features of a prefix: the facts of its newest event, and sums over all of it."""


class VisitFeatures:
    """Features of all prefixes of all visits of a log.

    Args:
        log: The log.

    Attributes:
        facts: ``[events, FACT_NAMES] float32``; counts, seconds and prices as logarithms.
        summaries: ``[events, SUMMARY_NAMES] float32`` of the prefix that ends with the event.
    """

    def __init__(self, log: VisitLog) -> None:
        self._log = log
        numbers = np.arange(log.count)
        self._visit_events = Occurrences(log.visits, numbers, log.count)
        is_type = log.types[:, None] == _TYPES
        bought = log.types == EventType.PURCHASE
        categories = log.categories_of(log.items)
        repeats_of = _pair_codes(log.visits, log.items)
        repeats = Occurrences(repeats_of, numbers, log.count).count_before(repeats_of, numbers)
        previous = self._visit_events.last_before(log.visits, numbers)
        since_previous = np.where(previous >= 0, log.times - log.times[previous], 0.0)
        has_price = np.isfinite(log.prices)
        price = np.where(has_price, np.log1p(np.maximum(log.prices, 0.0)), 0.0)
        item_rate, item_count = _purchase_rate(log.items, bought)
        self.facts = np.column_stack(
            [
                is_type,
                np.log1p(np.maximum(since_previous, 0.0)),
                price,
                has_price,
                np.log1p(item_count),
                item_rate,
                _purchase_rate(categories, bought)[0],
                np.log1p(repeats),
            ]
        ).astype(np.float32)
        counts = np.column_stack([self._in_visit(is_type[:, at]) for at in range(len(_TYPES))])
        first_item = (repeats == 0) & (log.items >= 0)
        of_category = _pair_codes(log.visits, categories)
        first_category = Occurrences(of_category, numbers, log.count).count_before(
            of_category, numbers
        )
        starts = numbers.copy()
        order = np.argsort(log.visits, kind="stable")
        begins = np.diff(log.visits[order], prepend=-1) != 0
        starts[order] = order[np.maximum.accumulate(np.where(begins, numbers, 0))]
        cart = (
            counts[:, EventType.ADD_TO_CART - 1]
            - counts[:, EventType.REMOVE_FROM_CART - 1]
            - counts[:, EventType.PURCHASE - 1]
        )
        priced = self._in_visit(has_price)
        mean_price = self._in_visit(price) / np.maximum(priced, 1)
        by_visitor = Occurrences(log.visitors, numbers, log.count)
        earlier = by_visitor.count_before(log.visitors, starts)
        last = by_visitor.last_before(log.visitors, starts)
        away = np.where(last >= 0, log.times[starts] - log.times[last], 0.0) / 86_400
        of_visitor = _pair_codes(log.visitors, log.items)
        hour, weekday = log.times / 86_400 % 1.0, log.times / (7 * 86_400) % 1.0
        self.summaries = np.column_stack(
            [
                self.facts,
                np.log1p(counts),
                np.log1p(self._in_visit(first_item)),
                np.log1p(self._in_visit((first_category == 0) & (categories >= 0))),
                np.log1p(np.maximum(log.times - log.times[starts], 0.0)),
                np.log1p(np.maximum(cart, 0)),
                np.where(has_price, price - mean_price, 0.0),
                np.log1p(earlier),
                np.log1p(
                    Occurrences(log.visitors[bought], numbers[bought], log.count).count_before(
                        log.visitors, starts
                    )
                ),
                np.log1p(np.maximum(away, 0.0)),
                earlier == 0,
                Occurrences(of_visitor[bought], numbers[bought], log.count).count_before(
                    of_visitor, starts
                )
                > 0,
                np.sin(2 * np.pi * hour),
                np.cos(2 * np.pi * hour),
                np.sin(2 * np.pi * weekday),
                np.cos(2 * np.pi * weekday),
            ]
        ).astype(np.float32)

    def sequences(self, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Facts of the newest ``SLOT_COUNT`` events of each prefix, newest first.

        Args:
            moments: ``[n] int64`` number of each prefix's newest event.

        Returns:
            ``[n, SLOT_COUNT, facts] float32``, and ``[n, SLOT_COUNT] bool`` of the slots in use.
        """
        numbers = np.full((len(moments), SLOT_COUNT), -1, np.int64)
        visits = self._log.visits[moments]
        place = moments.copy()
        for slot in range(SLOT_COUNT):
            numbers[:, slot] = place
            place = self._visit_events.last_before(visits, np.maximum(place, 0))
        present = numbers >= 0
        return np.where(present[..., None], self.facts[numbers], np.float32(0.0)), present

    def _in_visit(self, values: np.ndarray) -> np.ndarray:
        """Sum of ``values [events]`` over the prefix that ends with each event, ``float64``."""
        order = np.argsort(self._log.visits, kind="stable")
        sums = np.cumsum(values[order].astype(np.float64))
        begins = np.flatnonzero(np.diff(self._log.visits[order], prepend=-1))
        before = np.repeat(sums[begins] - values[order][begins], np.diff([*begins, len(order)]))
        result = np.empty(len(order))
        result[order] = sums - before
        return result


def _pair_codes(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """One code for each pair; −1 where ``right`` is negative."""
    return np.where(right >= 0, left * (right.max(initial=0) + 1) + right, -1)


def _purchase_rate(keys: np.ndarray, bought: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of purchases among each key's earlier events, towards that of all, and their count."""
    numbers = np.arange(len(keys))
    known = keys >= 0
    seen = Occurrences(keys[known], numbers[known], len(keys)).count_before(keys, numbers)
    bought_known = known & bought
    sold = Occurrences(keys[bought_known], numbers[bought_known], len(keys)).count_before(
        keys, numbers
    )
    overall = (np.cumsum(bought) - bought) / np.maximum(numbers, 1)
    return (sold + _PRIOR_COUNT * overall) / (seen + _PRIOR_COUNT), seen
