"""What moved the model's score of results: the session's events, and the features.

Adjustments and the shop's rules are no part of it: an answer tells them by name and amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from towers.optional_stages import finite
from towers.ranking.exact_codes import with_typed_item
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates
from towers.retrieval.rank_request import RankRequest


def event_effects(
    ranker: Ranker, shortlist: Shortlist, places: np.ndarray, positions: Sequence[int]
) -> np.ndarray:
    """How the model's score of some results would fall without each of some events.

    Args:
        places: ``[m]`` where the results stand on the shortlist.
        positions: Of the events in the session.

    Returns:
        ``[m, len(positions)] float32``: score as it is minus score without the event, the list
        being the same.
    """
    effects = np.zeros((len(places), len(positions)), np.float32)
    rank_request = shortlist.encoded.rank_request
    for column, position in enumerate(positions):
        session = rank_request.session.without(position)
        text = rank_request.text if session.search_text == rank_request.text else ""
        other = replace(rank_request, session=session, text=text)
        again = rescored(ranker, other, shortlist)
        effects[:, column] = (shortlist.model_scores - again)[places]
    return effects


def rescored(ranker: Ranker, rank_request: RankRequest, shortlist: Shortlist) -> np.ndarray:
    """The model's scores of a shortlist's items under another request, in their order, ``[n]``.

    All of them, since some features are relative to the list.
    """
    rows = shortlist.rows
    encoded = ranker.read(rank_request)
    found = with_typed_item(ranker.sources, encoded, ranker.sources.find(encoded))
    ranks = np.full((len(rows), found.ranks.shape[1]), -1, np.int32)
    place = np.minimum(np.searchsorted(found.rows, rows), max(0, len(found.rows) - 1))
    inside = found.rows[place] == rows if len(found.rows) else np.zeros(len(rows), bool)
    ranks[inside] = found.ranks[place[inside]]
    candidates = Candidates(rows, ranks, found.scores, found.missing)
    if ranker.reranker is None or "reranker" in shortlist.missing:
        return ranker.fused(encoded, candidates)
    context = FeatureContext(encoded, candidates, ranker.sources)
    return finite(ranker.reranker.scores(finite(feature_matrix(context))))


def feature_effects(
    ranker: Ranker, shortlist: Shortlist, places: np.ndarray, means: np.ndarray
) -> np.ndarray:
    """How much each feature lifts the model's score of some results over its training mean.

    Args:
        places: ``[m]`` where the results stand on the shortlist.
        means: ``[features]``.

    Returns:
        ``[m, features] float32``; zeros where the reranker is away.
    """
    features = shortlist.features[places]
    if ranker.reranker is None or "reranker" in shortlist.missing:
        return np.zeros_like(features)
    changed = np.repeat(features[:, None, :], len(means), axis=1)
    diagonal = np.arange(len(means))
    changed[:, diagonal, diagonal] = means
    scores = finite(ranker.reranker.scores(changed.reshape(-1, len(means))))
    return shortlist.model_scores[places, None] - scores.reshape(features.shape)
