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
    # Stage by stage, so that each finds its tables in the processor's cache.
    encoded = [ranker.read(rank_request) for rank_request in rank_requests]
    candidates = _found_again(ranker.sources, encoded, shortlist, order)
    scores = np.zeros((count, len(encoded)), np.float32)
    pairs = [*zip(encoded, candidates, strict=True)]
    if ranker.reranker is None or "reranker" in shortlist.missing:
        for column, pair in enumerate(pairs):
            scores[:, column] = ranker.fused(*pair)[:count]
    elif pairs:
        contexts = [FeatureContext(*pair, ranker.sources, described_count=count) for pair in pairs]
        # One call for all of them.
        features = finite(np.concatenate([feature_matrix(context) for context in contexts]))
        of_all = finite(ranker.reranker.scores(features))
        scores[:] = of_all.reshape(len(pairs), count).T
    return scores


def _found_again(
    sources: Sources,
    requests: Sequence[EncodedRequest],
    shortlist: Shortlist,
    order: np.ndarray,
) -> list[Candidates]:
    """A shortlist's items with what the sources say of them under each of other requests.

    Args:
        order: ``[n] int64`` positions on the list, in the order of the results.
    """
    before, rows = shortlist.encoded, shortlist.rows[order]
    ascending = np.argsort(rows)
    sorted_rows, ranks_before = rows[ascending], shortlist.ranks[order]
    is_same = [one.query == before.query and one.is_search == before.is_search for one in requests]
    allowed = [sources.allowed(one.rank_request) for one in requests]
    ranks = [ranks_before.copy() for _ in requests]
    scores = [dict(shortlist.source_scores) for _ in requests]
    missing: list[list[str]] = [[] for _ in requests]
    for column, source_type in enumerate(SOURCE_TYPES):
        source, name = sources.get(source_type.name), source_type.name
        if source is None:
            continue
        for number, encoded in enumerate(requests):
            if is_same[number] and not source_type.reads_events:
                continue
            find = partial(source.find, encoded, allowed[number], sources.config)
            found = sources.stages.run(name, find, NOTHING, missing[number])
            scores[number][name] = found.scores
            _set_ranks(sorted_rows, ascending, found.rows, ranks[number], column)
    for number, encoded in enumerate(requests):
        if not is_same[number]:
            _put_typed_item(sources, encoded, rows, ranks[number])
    of_all = zip(ranks, scores, missing, strict=True)
    return [Candidates(rows, its, of_one, tuple(lacking)) for its, of_one, lacking in of_all]


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
