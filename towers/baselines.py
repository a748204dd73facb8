"""What a learnt engine must beat: rankings that need no training, on the same sources.

Each takes a reading and gives item rows, best first; a list that is too short is filled up with
what is popular. All leave out what the question excludes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from towers.candidates import Sources
from towers.question import Reading

Baseline = Callable[[Reading, Sources, int], np.ndarray]
"""A reading, the sources and a count to ``[≤ count] int64`` rows."""

_FETCHED = 1_000


def popular(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """The most wanted items of the last months, the same for everybody."""
    return _filled(np.zeros(0, np.int64), reading, sources, count)


def trending(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """The most wanted items of the last days."""
    return _filled(sources.trend.top(_FETCHED), reading, sources, count)


def covisited(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """What past sessions held beside the items of this one."""
    if sources.covisits is None or not len(reading.rows):
        return popular(reading, sources, count)
    scores = sources.covisits.find(reading.rows, reading.interest)
    return _filled(scores.top(_FETCHED), reading, sources, count)


def session_knn(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """What the past sessions most like this one held."""
    if sources.neighbours is None:
        return popular(reading, sources, count)
    scores = sources.neighbours.find(reading.rows)
    return _filled(scores.top(_FETCHED), reading, sources, count)


def bought_most(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """What this visitor bought most often before; hard to beat in a grocery."""
    order = np.argsort(-reading.bought_counts, kind="stable")
    return _filled(reading.bought_rows[order], reading, sources, count)


def two_towers(reading: Reading, sources: Sources, count: int) -> np.ndarray:
    """The first stage alone: nearest items of the query embedding. Learnt, so an ablation."""
    found = sources.index.search(reading.query, count + len(reading.question.excluded))
    return _filled(found, reading, sources, count)


BASELINES: Mapping[str, Baseline] = {
    "popular": popular,
    "trending": trending,
    "covisited": covisited,
    "session_knn": session_knn,
    "bought_most": bought_most,
}
"""The baselines by name."""


def _filled(rows: np.ndarray, reading: Reading, sources: Sources, count: int) -> np.ndarray:
    everything = np.concatenate([rows, sources.popularity.top(count + _FETCHED)])
    allowed = everything[~np.isin(everything, reading.question.excluded)]
    allowed = allowed[sources.catalog.listed[allowed]]
    _, first = np.unique(allowed, return_index=True)
    return allowed[np.sort(first)][:count]
