"""What moved the score of each result: the session's events, and the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from towers.ranking.adjustments import feedback_push
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates
from towers.retrieval.rank_request import RankRequest


def event_effects(
    ranker: Ranker, shortlist: Shortlist, count: int, positions: Sequence[int]
) -> np.ndarray:
    """How the score of the first ``count`` results would fall without each of some events.

    Args:
        positions: Places in the session's events.

    Returns:
        ``[count, len(positions)] float32``: score as it is minus score without the event.
    """
    effects = np.zeros((min(count, len(shortlist.rows)), len(positions)), np.float32)
    rank_request = shortlist.encoded.rank_request
    for column, position in enumerate(positions):
        session = rank_request.session.without(position)
        text = rank_request.text if session.search_text == rank_request.text else ""
        other = replace(rank_request, session=session, text=text)
        again = rescored(ranker, other, shortlist)
        effects[:, column] = (shortlist.scores - again)[: len(effects)]
    return effects


def rescored(ranker: Ranker, rank_request: RankRequest, shortlist: Shortlist) -> np.ndarray:
    """Scores of another answer's items under ``question``, in their order, ``[n] float32``.

    All of them, since some features are relative to the list.
    """
    rows = shortlist.rows
    encoded = ranker.read(rank_request)
    found = ranker.sources.find(encoded)
    ranks = np.full((len(rows), found.ranks.shape[1]), -1, np.int32)
    place = np.minimum(np.searchsorted(found.rows, rows), max(0, len(found.rows) - 1))
    inside = found.rows[place] == rows if len(found.rows) else np.zeros(len(rows), bool)
    ranks[inside] = found.ranks[place[inside]]
    candidates = Candidates(rows, ranks, found.scores, found.missing)
    features = feature_matrix(FeatureContext(encoded, candidates, ranker.sources))
    # Opinions push in units of the answer that is explained.
    pushed = feedback_push(ranker.sources, encoded, rows, shortlist.unpushed)
    return ranker.model_scores(encoded, candidates, features) - pushed


def feature_effects(
    ranker: Ranker, shortlist: Shortlist, count: int, means: np.ndarray
) -> np.ndarray:
    """How much each feature lifts the first ``count`` scores over its training mean.

    Returns:
        ``[count, features] float32``; zeros where the reranker is away.
    """
    features = shortlist.features[:count]
    if ranker.reranker is None:
        return np.zeros_like(features)
    changed = np.repeat(features[:, None, :], len(means), axis=1)
    diagonal = np.arange(len(means))
    changed[:, diagonal, diagonal] = means
    scores = ranker.reranker.scores(changed.reshape(-1, len(means))).reshape(features.shape)
    return shortlist.scores[:count, None] - scores
