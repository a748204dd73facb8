"""What the sources and the vectors say of each candidate, raw and relative to the list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from towers.compiled import (
    F32,
    I32,
    I64,
    NONE,
    compiled,
    merged,
    read,
    records,
)
from towers.indexes.inner_products import product
from towers.indexes.lexical_index import CODE_SCORE
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.ranking.field_matches import field_score
from towers.retrieval.candidates import SOURCES, Candidates, Sources
from towers.retrieval.fusion import fused_score
from towers.retrieval.hashed_sums import position_of
from towers.retrieval.rank_request import EncodedRequest

_FAR_RANK = np.float32(20.0)
_LEARNT_TEMPERATURE = np.float32(0.07)
"""Softmax temperature for shares of the towers' scores; about that of their training."""
_COMPLETENESS_WEIGHT, _PAIR_WEIGHT = np.float32(0.02), np.float32(0.2)
"""Weights of an item's completeness and of the query's bigrams in ``search_score``; tuned as those of
``field_score`` are."""
_CODE_SCORE = np.float32(CODE_SCORE)
_LEXICAL, _NEIGHBOURS = SOURCES.index("lexical"), SOURCES.index("neighbours")
_NO_VECTORS, _NO_VECTOR = np.zeros((0, 0), np.float32), np.zeros(0, np.float32)


def score_list(
    encoded: EncodedRequest,
    candidates: Candidates,
    sources: Sources,
    items: np.ndarray,
    request: np.ndarray,
    *,
    listed_count: int,
    term_count: int,
    has_query: bool,
) -> None:
    """Fills the records' fields of the sources, of the vectors and of the fixed rule.

    Args:
        items: ``[n] CANDIDATE`` of ``candidates``, with the words' fields filled in.
        request: ``[1] REQUEST``.
        listed_count: The first so many candidates make up the list that others are compared with.
        term_count: Terms of the query.
        has_query: Whether the request has words of its own.
    """
    for column, name in enumerate(SOURCES):
        scores = candidates.scores[name]
        if len(scores.rows):
            _look_up(items, candidates.rows, column, scores.rows, scores.values)
    vectors, vector = _NO_VECTORS, _NO_VECTOR
    semantic, index = sources.semantic, sources.index
    if has_query and semantic is not None:
        vectors, vector = semantic.vectors, semantic.query_vector(encoded.query)
    votes = candidates.scores[SOURCES[_NEIGHBOURS]].values
    _score(
        *(items, request, candidates.rows, candidates.ranks, listed_count, term_count),
        *(index.embeddings, encoded.query_embedding, vectors, vector, votes),
    )


@compiled(NONE, records(CANDIDATE), read(I64), I64, read(I64), read(F32))
def _look_up(
    items: np.ndarray,
    candidate_rows: np.ndarray,
    column: int,
    rows: np.ndarray,
    values: np.ndarray,
) -> None:
    """Each candidate's score in one source, whose ``rows`` ascend."""
    for position in range(len(candidate_rows)):
        row = candidate_rows[position]
        place = position_of(rows, row)
        if place < len(rows) and rows[place] == row:
            items[position].source_scores[column] = values[place]


@merged
def _search_score(item: Any, bests: np.ndarray, term_count: int) -> Any:
    """Score of a search by a fixed rule: fused sources, matched fields, bigrams.

    What a search is ranked by where nothing is learnt, and what the reranker starts from.
    """
    fused = fused_score(
        item.has_code, item.lexical_score, item.learnt_score, item.semantic_score, bests
    )
    score = fused + field_score(item, term_count) + _PAIR_WEIGHT * item.pair_share
    # Of equals the better described one.
    return score + _COMPLETENESS_WEIGHT * item.completeness


_LIST = (records(CANDIDATE), records(REQUEST), read(I64), read(I32, 2), I64, I64)
_VECTORS = (read(F32, 2), read(F32), read(F32, 2), read(F32), read(F32))


@compiled(NONE, *_LIST, *_VECTORS)
def _score(
    items: np.ndarray,
    requests: np.ndarray,
    rows: np.ndarray,
    ranks: np.ndarray,
    listed_count: int,
    term_count: int,
    embeddings: np.ndarray,
    query_embedding: np.ndarray,
    text_vectors: np.ndarray,
    text_vector: np.ndarray,
    votes: np.ndarray,
) -> None:
    request = requests[0]
    vote_total = 0.0
    for vote in votes:
        vote_total += vote
    request.best_learnt, request.best_semantic = -1.0, -1.0
    for position in range(len(rows)):
        item, row = items[position], rows[position]
        item.learnt_score = product(embeddings[row], query_embedding)
        if row < len(text_vectors):
            item.semantic_score = product(text_vectors[row], text_vector)
        item.has_code = item.source_scores[_LEXICAL] >= _CODE_SCORE
        item.lexical_score = item.source_scores[_LEXICAL] % _CODE_SCORE
        item.neighbour_vote = item.source_scores[_NEIGHBOURS] / max(vote_total, 1e-6)
        for column in range(ranks.shape[1]):
            rank = ranks[position, column]
            if rank >= 0:
                item.source_ranks[column] = _FAR_RANK / (_FAR_RANK + rank)
                item.source_count += 1
        if position < listed_count:
            request.best_learnt = max(request.best_learnt, item.learnt_score)
            request.best_semantic = max(request.best_semantic, item.semantic_score)
            request.best_lexical = max(request.best_lexical, item.lexical_score)
            for column in range(ranks.shape[1]):
                request.best_source_scores[column] = max(
                    request.best_source_scores[column], item.source_scores[column]
                )
    total = 0.0
    for position in range(len(rows)):
        item = items[position]
        distance = item.learnt_score - request.best_learnt
        item.learnt_share = math.exp(distance / _LEARNT_TEMPERATURE)
        if position < listed_count:
            total += item.learnt_share
    bests = np.zeros(3, np.float32)
    bests[0] = request.best_lexical
    bests[1] = max(request.best_learnt, np.float32(0))
    bests[2] = max(request.best_semantic, np.float32(0))
    for position in range(len(rows)):
        item = items[position]
        item.learnt_share = item.learnt_share / max(total, 1e-6)
        if request.has_query:
            item.search_score = _search_score(item, bests, term_count)
