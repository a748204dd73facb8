"""How content buyers are with an item: the share of its verdicts that are good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from data.records import Event, EventType
from towers.sessions.feedback import feedback, remembered

_PRIOR_VERDICTS = 5.0


def approval_of(events: Iterable[Event], rows: Sequence[int], categories: np.ndarray) -> np.ndarray:
    """Share of good verdicts of each item, ``[items] float32``, 0 to 1.

    A verdict is a review (good from four stars, bad up to two, half between) or a return (bad). An item's
    are shrunk towards its category's, and these towards the shop's, by five verdicts; without any
    verdict everywhere it is ½.

    Args:
        rows: Item row of each event, −1 for none.
        categories: ``[items] int32`` category code of each item.
    """
    good = np.zeros(len(categories))
    total = np.zeros(len(categories))
    for event, row in zip(events, rows, strict=True):
        if row < 0 or event.type not in (EventType.REVIEW, EventType.RETURN):
            continue
        event = remembered(event)
        if event.type is EventType.REVIEW and event.rating is None:
            continue
        good[row] += (feedback(event) + 1) / 2
        total[row] += 1
    shop = (good.sum() + _PRIOR_VERDICTS / 2) / (total.sum() + _PRIOR_VERDICTS)
    count = int(categories.max(initial=-1)) + 1
    of_categories = _shrunk(
        np.bincount(categories, weights=good, minlength=count),
        np.bincount(categories, weights=total, minlength=count),
        shop,
    )
    approval: np.ndarray = _shrunk(good, total, of_categories[categories]).astype(np.float32)
    return approval


def _shrunk(good: np.ndarray, total: np.ndarray, prior: np.ndarray | float) -> np.ndarray:
    return (good + _PRIOR_VERDICTS * prior) / (total + _PRIOR_VERDICTS)
