"""Fixed rules that adjust the model's scores, each under its name: what the model has not learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from towers.optional_stages import finite
from towers.ranking.exact_codes import exact_code_lift
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.rank_request import EncodedRequest

NEGATIVE_FEEDBACK = "negative_feedback"
SURGE = "surge"
EXACT_CODE = "exact_code"

_UNLIKE = 0.3
"""Cosine of two item embeddings up to which an opinion on one says nothing of the other."""
_PUSH_SPREADS = 3.0
"""Standard deviations of an answer's scores by which a disliked item itself falls."""
_SURGE_RATIO = 8.0


def adjustments_of(
    sources: Sources,
    encoded: EncodedRequest,
    candidates: Candidates,
    model_scores: np.ndarray,
    missing: list[str],
) -> Mapping[str, np.ndarray]:
    """The adjustments that touch any candidate, ``[n] float32`` each.

    Args:
        model_scores: ``[n] float32``.
        missing: Takes the name of an adjustment that failed.
    """
    adjusted: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    # In this order: a lift to the top is one over what was pushed down or lifted before.
    if len(encoded.summary.disliked_rows):
        adjusted[NEGATIVE_FEEDBACK] = partial(feedback_push, sources, encoded, candidates.rows)
    if not has_hint(encoded):
        adjusted[SURGE] = partial(surge_lift, sources, encoded, candidates.rows)
    if encoded.is_search:
        adjusted[EXACT_CODE] = partial(exact_code_lift, encoded, candidates, sources.catalog)
    found: dict[str, np.ndarray] = {}
    total, nothing = model_scores, np.zeros(0, np.float32)
    for name, adjust in adjusted.items():
        column = sources.stages.run(name, partial(_finite, adjust, total), nothing, missing)
        if column.any():
            found[name] = column
            total = total + column
    return found


def _finite(adjust: Callable[[np.ndarray], np.ndarray], scores: np.ndarray) -> np.ndarray:
    return finite(adjust(scores))


def feedback_push(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """How far opinions against items push them and their like down: ``[n] float32``, 0 or less.

    A rule and not learnt, since few logs hold enough bad reviews to learn it from: in units of
    the spread of ``scores``, nothing for what is unlike, all of it for the item itself.
    """
    embeddings = sources.index.embeddings
    similarity = (embeddings[rows] @ embeddings[encoded.summary.disliked_rows].T).max(axis=1)
    share = np.clip((similarity - _UNLIKE) / (1.0 - _UNLIKE), 0.0, 1.0)
    spread = float(scores.std()) if len(scores) > 1 else 1.0
    return np.asarray(-_PUSH_SPREADS * spread * share, np.float32)


def surge_lift(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """How far a surge lifts items on the page of somebody who has given no hint, ``[n] float32``.

    A rule, since a log holds few promotions: it lifts what is in demand ``_SURGE_RATIO`` times as
    much in this hour as in the days before.
    """
    time = encoded.rank_request.time
    usual = sources.trend.at(rows, time) * sources.surge.half_life_days
    usual /= sources.trend.half_life_days
    is_surging = 1.0 + sources.surge.at(rows, time) >= _SURGE_RATIO * (1.0 + usual)
    # To the top and no further: among themselves those that surge most lead.
    lead = np.log1p(sources.surge.at(rows, time)) * is_surging
    to_top = scores.max(initial=-np.inf) - scores + lead
    return np.where(is_surging, to_top, 0.0).astype(np.float32)


def has_hint(encoded: EncodedRequest) -> bool:
    """Whether anything says what this very shopper is after.

    Their query, whatever they did in this visit (a search that found nothing they clicked too),
    what they ever bought or disliked, the page they are on.
    """
    session = encoded.rank_request.session
    return bool(
        encoded.is_search
        or encoded.rank_request.has_page_hint
        or session.events
        or session.bought
        or session.disliked
    )
