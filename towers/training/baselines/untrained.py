"""Baselines for the learnt ranker: rankings without training, on the same candidate sources.

Each takes an encoded request and gives item rows, best first; a short list is filled up with popular
items. All respect the request's filters and exclusions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest

Baseline = Callable[[EncodedRequest, Sources, int], np.ndarray]
"""An encoded request, the sources and a count to ``[≤ count] int64`` rows."""

_FETCHED = 1_000


def popular(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """The items of highest demand in the last months, the same for all visitors."""
    return filled(np.zeros(0, np.int64), encoded, sources, count)


def trending(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """The items of highest demand in the last days."""
    return filled(sources.trend.top(_FETCHED), encoded, sources, count)


def covisited(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """Items that co-occur with those of the session."""
    if sources.cooccurrence is None or not len(encoded.summary.rows):
        return popular(encoded, sources, count)
    scores = sources.cooccurrence.together(encoded.summary.rows, encoded.summary.interest)
    return filled(scores.top(_FETCHED), encoded, sources, count)


def session_knn(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """Items of the most similar past sessions."""
    if sources.session_knn is None:
        return popular(encoded, sources, count)
    scores = sources.session_knn.votes(encoded.summary.rows)
    return filled(scores.top(_FETCHED), encoded, sources, count)


def bought_most(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """The visitor's own most frequent purchases; a strong baseline in groceries."""
    order = np.argsort(-encoded.summary.bought_counts, kind="stable")
    return filled(encoded.summary.bought_rows[order], encoded, sources, count)


def two_towers(encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """The first stage alone: nearest items of the query embedding. An ablation, since it is learnt."""
    found = sources.nearest(encoded, count)
    return filled(found, encoded, sources, count)


BASELINES: Mapping[str, Baseline] = {
    "popular": popular,
    "trending": trending,
    "covisited": covisited,
    "session_knn": session_knn,
    "bought_most": bought_most,
}
"""The baselines by name."""


def filled(rows: np.ndarray, encoded: EncodedRequest, sources: Sources, count: int) -> np.ndarray:
    """The first ``count`` of ``rows``, then of popular items, that the request allows."""
    everything = np.concatenate([rows, sources.popularity.top(count + _FETCHED)])
    allowed = sources.only_allowed(encoded.rank_request, everything)
    _, first = np.unique(allowed, return_index=True)
    return allowed[np.sort(first)][:count]
