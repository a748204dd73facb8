"""How long each stage of an answer takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from towers.indexes.lexical_index import LexicalIndex
from towers.ranking.feature_context import FeatureContext
from towers.ranking.features import feature_matrix
from towers.retrieval.rank_request import RankRequest

_TIMED_LIMIT = 300


def stage_timings(engine: Engine, rank_requests: Sequence[RankRequest]) -> dict[str, float]:
    """Median milliseconds of each part at batch 1, one thread, over at most 300 questions.

    A text is a new one each time; what ends in ``of_new_words`` has met none of its words before.
    """
    ranker = engine.bundle.ranker
    sources = ranker.sources
    taken: dict[str, list[float]] = {}

    def timed(name: str, run: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        value = run()
        taken.setdefault(name, []).append(time.perf_counter() - began)
        return value

    chosen = rank_requests[:: max(1, -(-len(rank_requests) // _TIMED_LIMIT))]
    for rank_request in (one for one in chosen if one.text):
        engine.clear_queries()
        timed("query_encode_of_new_words", partial(ranker.read, rank_request))
        if sources.lexical is not None:
            engine.clear_queries()
            timed(
                "lexical_100_of_new_words", partial(_by_words, sources.lexical, rank_request.text)
            )
    for rank_request in map(_anew, chosen):
        encoded = timed("query_encode", partial(ranker.read, rank_request))
        timed("nearest_100", partial(sources.index.search, encoded.query_embedding, 100))
        if rank_request.text and sources.lexical is not None:
            timed("lexical_100", partial(_by_words, sources.lexical, f"{rank_request.text} "))
        found = timed("candidates", partial(ranker.candidates, encoded))
        context = FeatureContext(encoded, found, sources)
        features = timed("features", partial(feature_matrix, context))
        if ranker.reranker is not None:
            timed("rerank", partial(ranker.reranker.scores, features))
        if rank_request.text:
            request = SearchRequest(f"{rank_request.text}  ", record=False)
            timed("whole_search", partial(engine.search, request))
        else:
            visitor = rank_request.session.visitor_id
            asked = RecommendRequest(Placement.HOME, visitor)
            timed("whole_recommend", partial(engine.recommend, asked))
    return {name: float(np.median(seconds)) * 1e3 for name, seconds in taken.items()}


def _by_words(lexical: LexicalIndex, text: str) -> None:
    lexical.search(lexical.parse(text), 100)


def _anew(rank_request: RankRequest) -> RankRequest:
    """The question with a text that was not asked before: a blank at the end, which means nothing."""
    if not rank_request.text:
        return rank_request
    *earlier, search = rank_request.session.events
    search = replace(search, query=f"{search.query} ")
    session = replace(rank_request.session, events=(*earlier, search))
    return replace(rank_request, text=f"{rank_request.text} ", session=session)
