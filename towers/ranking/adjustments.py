"""Fixed rules that adjust the model's scores: negative feedback and surges."""

from __future__ import annotations

import numpy as np

from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest

_UNLIKE = 0.3
"""Cosine of two item embeddings up to which an opinion on one says nothing of the other."""
_PUSH_SPREADS = 3.0
"""Standard deviations of an answer's scores by which a disliked item itself falls."""
_SURGE_RATIO = 8.0


def feedback_push(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """How far opinions against items push them and their like down, ``[n] float32``.

    A rule and not learnt, since few logs hold enough bad reviews to learn it from: in units of
    the spread of ``scores``, nothing for what is unlike, all of it for the item itself.
    """
    if not len(encoded.summary.disliked_rows):
        return np.zeros(len(rows), np.float32)
    embeddings = sources.index.embeddings
    likeness = (embeddings[rows] @ embeddings[encoded.summary.disliked_rows].T).max(axis=1)
    share = np.clip((likeness - _UNLIKE) / (1.0 - _UNLIKE), 0.0, 1.0)
    spread = float(scores.std()) if len(scores) > 1 else 1.0
    return np.asarray(_PUSH_SPREADS * spread * share, np.float32)


def surge_lift(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """How far a surge lifts items on the page of somebody of whom nothing is known, ``[n]``.

    A rule, since a log holds few promotions: what is wanted ``_SURGE_RATIO`` times as much in
    this hour as in the days before is shown to whoever has given no hint of their own.
    """
    if encoded.is_search or len(encoded.summary.rows) or len(encoded.summary.bought_rows):
        return np.zeros(len(rows), np.float32)
    time = encoded.rank_request.time
    usual = sources.trend.at(rows, time) * sources.surge.half_life_days
    usual /= sources.trend.half_life_days
    is_surging = 1.0 + sources.surge.at(rows, time) >= _SURGE_RATIO * (1.0 + usual)
    # To the top and no further: among themselves those that surge most lead.
    lead = np.log1p(sources.surge.at(rows, time)) * is_surging
    to_top = scores.max(initial=-np.inf) - scores + lead
    return np.where(is_surging, to_top, 0.0).astype(np.float32)
