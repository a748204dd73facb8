"""Compiled loops over the items of offers: sums of each offer, and the best offer of each item."""

from __future__ import annotations

import numpy as np

from towers.compiled import F32, F64, I64, NONE, U8, compiled, read, written

BOUGHT, SEEN, REDEEMED = 1, 2, 4
"""Bits of an item's marks: the visitor bought it, has it in the session, redeemed an offer on it."""
OWN, RECENT, DAYS, SEEN_COUNT, REDEEMED_COUNT, DEMAND, LARGEST_DEMAND = range(7)
"""Rows of what ``sum_items`` fills."""

_OFFERS = (read(I64), read(I64), read(I64))
_VISITOR = (read(U8), read(F32), read(F32), read(F32))


@compiled(NONE, *_OFFERS, *_VISITOR, read(F64), F64, written(F64, 2))
def sum_items(
    rows: np.ndarray,
    starts: np.ndarray,
    counts: np.ndarray,
    marks: np.ndarray,
    bought: np.ndarray,
    recent: np.ndarray,
    days: np.ndarray,
    demand: np.ndarray,
    decay: float,
    sums: np.ndarray,
) -> None:
    """Sums over the items of each offer, ``[7, offers] float64``.

    Args:
        rows, starts, counts: ``Parts`` of the offers' items.
        marks: ``[items] uint8`` bits; ``bought``, ``recent`` and ``days`` are read of marked items alone.
        demand: ``[≤ items] float64``, to be multiplied by ``decay``.
        sums: Filled; the row ``DAYS`` holds the largest days at first, and then the fewest.
    """
    for offer in range(len(starts)):
        largest = 0.0
        for place in range(starts[offer], starts[offer] + counts[offer]):
            row = rows[place]
            mark = marks[row]
            if mark & BOUGHT:
                sums[OWN, offer] += bought[row]
                sums[RECENT, offer] += recent[row]
                sums[DAYS, offer] = min(sums[DAYS, offer], np.float64(days[row]))
            if mark & SEEN:
                sums[SEEN_COUNT, offer] += 1.0
            if mark & REDEEMED:
                sums[REDEEMED_COUNT, offer] += 1.0
            if row < len(demand):
                wanted = demand[row] * decay
                sums[DEMAND, offer] += wanted
                largest = max(largest, wanted)
        sums[LARGEST_DEMAND, offer] = largest


@compiled(NONE, read(I64), read(I64), read(F64), read(F64), read(F64), read(F64), written(I64))
def choose_best(
    starts: np.ndarray,
    places: np.ndarray,
    odds: np.ndarray,
    percents: np.ndarray,
    amounts: np.ndarray,
    prices: np.ndarray,
    best: np.ndarray,
) -> None:
    """The best offer of each item: of the largest odds, then the one that saves most, then the first.

    Args:
        starts, places: ``ItemGroups``.
        odds, percents, amounts: ``[offers]``; what an offer saves on one piece is a percentage of its
            price, or an amount.
        prices: ``[items]``, 0 where one is not known.
        best: ``[items]``, filled with places among the offers.
    """
    for item in range(len(starts)):
        end = starts[item + 1] if item + 1 < len(starts) else len(places)
        chosen, most = np.int64(-1), -np.inf
        for part in range(starts[item], end):
            place = places[part]
            saved = percents[place] / 100.0 * prices[item] + amounts[place]
            is_better = chosen < 0 or odds[place] > odds[chosen]
            if not is_better and odds[place] == odds[chosen]:
                is_better = saved > most or (saved == most and place < chosen)
            if is_better:
                chosen, most = place, saved
        best[item] = chosen
