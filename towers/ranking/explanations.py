"""Attribution of the model's score to the session's events and to the features.

Adjustments and merchandising are not part of it: answers report them by name and amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from towers.compiled import I32, I64, NONE, compiled, read, written
from towers.optional_stages import finite
from towers.ranking.exact_codes import with_typed_item
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.hashed_sums import position_of
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.retrieval.source import NOTHING
from towers.retrieval.source_list import SOURCE_TYPES


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
    rank_request = shortlist.encoded.rank_request
    others = []
    for event_index in event_indexes:
        session = rank_request.session.without(event_index)
        text = rank_request.text if session.search_text == rank_request.text else ""
        others.append(replace(rank_request, session=session, text=text))
    again = rescored(ranker, others, shortlist, shortlist_positions)
    return shortlist.model_scores[shortlist_positions, None] - again


def rescored(
    ranker: Ranker,
    rank_requests: Sequence[RankRequest],
    shortlist: Shortlist,
    positions: np.ndarray,
) -> np.ndarray:
    """The model's scores of some of a shortlist's items under other requests, ``[m, requests] float32``.

    Sources are asked anew, and features are computed among the whole list, which some are relative to;
    what cannot differ is not computed twice: what sources find that read no events, and features of
    items that are not asked for.

    Args:
        rank_requests: The request of the list with other events.
        positions: ``[m] int64`` of the items on the list.
    """
    count = len(positions)
    order = np.concatenate([positions, np.delete(np.arange(len(shortlist.rows)), positions)])
    ascending = np.argsort(shortlist.rows[order])
    scores = np.zeros((count, len(rank_requests)), np.float32)
    matrices = []
    for column, rank_request in enumerate(rank_requests):
        encoded = ranker.read(rank_request)
        candidates = _found_again(ranker, encoded, shortlist, order, ascending)
        if ranker.reranker is None or "reranker" in shortlist.missing:
            scores[:, column] = ranker.fused(encoded, candidates)[:count]
        else:
            context = FeatureContext(encoded, candidates, ranker.sources, described_count=count)
            matrices.append(feature_matrix(context))
    if matrices and ranker.reranker is not None:
        # One call for all of them.
        of_all = finite(ranker.reranker.scores(finite(np.concatenate(matrices))))
        scores[:] = of_all.reshape(len(matrices), count).T
    return scores


def _found_again(
    ranker: Ranker,
    encoded: EncodedRequest,
    shortlist: Shortlist,
    order: np.ndarray,
    ascending: np.ndarray,
) -> Candidates:
    """A shortlist's items with what the sources say of them under another request.

    Args:
        order: ``[n] int64`` positions on the list, in the order of the result.
        ascending: ``[n] int64`` positions in that order, by ascending row.
    """
    sources, before = ranker.sources, shortlist.encoded
    is_same_query = encoded.query == before.query and encoded.is_search == before.is_search
    allowed, missing = sources.allowed(encoded.rank_request), list[str]()
    rows, ranks = shortlist.rows[order], shortlist.ranks[order].copy()
    sorted_rows, scores = rows[ascending], dict(shortlist.source_scores)
    for column, source_type in enumerate(SOURCE_TYPES):
        source = sources.get(source_type.name)
        if source is None or (is_same_query and not source_type.reads_events):
            continue
        find = partial(source.find, encoded, allowed, sources.config)
        found = sources.stages.run(source_type.name, find, NOTHING, missing)
        scores[source_type.name] = found.scores
        _set_ranks(sorted_rows, ascending, found.rows, ranks, column)
    if not is_same_query:
        _put_typed_item(sources, encoded, rows, ranks)
    return Candidates(rows, ranks, scores, tuple(missing))


@compiled(NONE, read(I64), read(I64), read(I64), written(I32, 2), I64)
def _set_ranks(
    sorted_rows: np.ndarray,
    ascending: np.ndarray,
    found_rows: np.ndarray,
    ranks: np.ndarray,
    column: int,
) -> None:
    """Sets the ranks of one source; ``ascending`` tells where each of ``sorted_rows`` stands."""
    ranks[:, column] = -1
    for rank in range(len(found_rows)):
        place = position_of(sorted_rows, found_rows[rank])
        if place < len(sorted_rows) and sorted_rows[place] == found_rows[rank]:
            ranks[ascending[place], column] = rank


def _put_typed_item(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, ranks: np.ndarray
) -> None:
    """The rank of the item whose id is the query, where no source finds it."""
    found = Candidates(np.zeros(0, np.int64), ranks[:0], {}, ())
    typed = with_typed_item(sources, encoded, found)
    for place in np.flatnonzero(np.isin(rows, typed.rows)).tolist():
        if (ranks[place] < 0).all():
            ranks[place] = typed.ranks[0]


def feature_effects(
    ranker: Ranker, shortlist: Shortlist, shortlist_positions: np.ndarray, means: np.ndarray
) -> np.ndarray:
    """How much each feature raises the model's score of some results, compared with its training mean.

    A feature with one value for the whole list has none: it does not tell its items apart. So it is with
    ``is_search``, which switches the score of the fixed rule on, whose effect is told as that of
    ``search_score``, and with features of the query's words on a browse page.

    Args:
        shortlist_positions: ``[m]`` positions of the results on the shortlist.
        means: ``[features]``.

    Returns:
        ``[m, features] float32``; zeros where the reranker is absent.
    """
    features = shortlist.features_at(shortlist_positions)
    effects = np.zeros_like(features)
    if ranker.reranker is None or "reranker" in shortlist.missing:
        return effects
    # Where a feature has its mean there is nothing to compute.
    listed = shortlist.candidate_features
    is_asked = (features != means) & (listed != listed[:1]).any(axis=0)
    places, columns = np.nonzero(is_asked)
    changed = features[places]
    changed[np.arange(len(places)), columns] = means[columns]
    scores = finite(ranker.reranker.scores(changed))
    effects[places, columns] = shortlist.model_scores[shortlist_positions[places]] - scores
    return effects
