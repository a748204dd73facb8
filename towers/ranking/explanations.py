"""Attribution of the model's score to the session's events and to the features.

Adjustments and merchandising are not part of it: answers report them by name and amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from towers.optional_stages import finite
from towers.ranking.exact_codes import with_typed_item
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import FEATURE_NAMES, IS_SEARCH, feature_matrix
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates
from towers.retrieval.rank_request import RankRequest

_IS_SEARCH = FEATURE_NAMES.index(IS_SEARCH)


def event_effects(
    ranker: Ranker,
    shortlist: Shortlist,
    shortlist_positions: np.ndarray,
    event_indexes: Sequence[int],
) -> np.ndarray:
    """How much the model's score of some results would fall without each of some events.

    Args:
        shortlist_positions: ``[m]`` positions of the results on the shortlist.
        event_indexes: Of the events in the session.

    Returns:
        ``[m, len(event_indexes)] float32``: score minus score without the event, for the same
        list.
    """
    effects = np.zeros((len(shortlist_positions), len(event_indexes)), np.float32)
    rank_request = shortlist.encoded.rank_request
    for column, event_index in enumerate(event_indexes):
        session = rank_request.session.without(event_index)
        text = rank_request.text if session.search_text == rank_request.text else ""
        other = replace(rank_request, session=session, text=text)
        again = rescored(ranker, other, shortlist, shortlist_positions)
        effects[:, column] = shortlist.model_scores[shortlist_positions] - again
    return effects


def rescored(
    ranker: Ranker, rank_request: RankRequest, shortlist: Shortlist, positions: np.ndarray
) -> np.ndarray:
    """The model's scores of some of a shortlist's items under another request, ``[m] float32``.

    Their features are computed among the whole list, which some are relative to.

    Args:
        positions: ``[m] int64`` of the items on the list.
    """
    rows = shortlist.rows
    encoded = ranker.read(rank_request)
    found = with_typed_item(ranker.sources, encoded, ranker.sources.find(encoded))
    ranks = np.full((len(rows), found.ranks.shape[1]), -1, np.int32)
    position = np.minimum(np.searchsorted(found.rows, rows), max(0, len(found.rows) - 1))
    inside = found.rows[position] == rows if len(found.rows) else np.zeros(len(rows), bool)
    ranks[inside] = found.ranks[position[inside]]
    candidates = Candidates(rows, ranks, found.scores, found.missing)
    if ranker.reranker is None or "reranker" in shortlist.missing:
        return ranker.fused(encoded, candidates)[positions]
    features = feature_matrix(FeatureContext(encoded, candidates, ranker.sources))[positions]
    return finite(ranker.reranker.scores(finite(features)))


def feature_effects(
    ranker: Ranker, shortlist: Shortlist, shortlist_positions: np.ndarray, means: np.ndarray
) -> np.ndarray:
    """How much each feature raises the model's score of some results, compared with its training mean.

    ``is_search`` has none: it is the same for all results and switches the score of the fixed rule on,
    whose effect is told as that of ``search_score``.

    Args:
        shortlist_positions: ``[m]`` positions of the results on the shortlist.
        means: ``[features]``.

    Returns:
        ``[m, features] float32``; zeros where the reranker is absent.
    """
    features = shortlist.features_at(shortlist_positions)
    if ranker.reranker is None or "reranker" in shortlist.missing:
        return np.zeros_like(features)
    changed = np.repeat(features[:, None, :], len(means), axis=1)
    diagonal = np.arange(len(means))
    changed[:, diagonal, diagonal] = means
    scores = finite(ranker.reranker.scores(changed.reshape(-1, len(means))))
    effects = shortlist.model_scores[shortlist_positions, None] - scores.reshape(features.shape)
    effects[:, _IS_SEARCH] = 0.0
    return np.asarray(effects, np.float32)
