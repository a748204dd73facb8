"""Latency of each stage of an answer."""

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
    """Median milliseconds of each stage at batch 1, one thread, over at most 300 requests.

    No query text is in the result cache; stages named ``…_of_new_words`` run with empty word
    caches as well.
    """
    ranker = engine.bundle.ranker
    sources = ranker.sources
    seconds_by_stage: dict[str, list[float]] = {}

    def timed(name: str, run: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        value = run()
        seconds_by_stage.setdefault(name, []).append(time.perf_counter() - start)
        return value

    sampled_requests = rank_requests[:: max(1, -(-len(rank_requests) // _TIMED_LIMIT))]
    for rank_request in (one for one in sampled_requests if one.text):
        engine.clear_queries()
        timed("query_encode_of_new_words", partial(ranker.read, rank_request))
        if sources.lexical is not None:
            engine.clear_queries()
            timed(
                "lexical_100_of_new_words",
                partial(_search_words, sources.lexical, rank_request.text),
            )
    for rank_request in map(_uncached, sampled_requests):
        encoded = timed("query_encode", partial(ranker.read, rank_request))
        timed("nearest_100", partial(sources.index.search, encoded.query_embedding, 100))
        if rank_request.text and sources.lexical is not None:
            timed("lexical_100", partial(_search_words, sources.lexical, f"{rank_request.text} "))
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
            home_request = RecommendRequest(Placement.HOME, visitor)
            timed("whole_recommend", partial(engine.recommend, home_request))
    return {name: float(np.median(seconds)) * 1e3 for name, seconds in seconds_by_stage.items()}


def _search_words(lexical: LexicalIndex, text: str) -> None:
    lexical.search(lexical.parse(text), 100)


def _uncached(rank_request: RankRequest) -> RankRequest:
    """The request with a trailing blank in its text: the same meaning, but no cached result."""
    if not rank_request.text:
        return rank_request
    *earlier, search = rank_request.session.events
    search = replace(search, query=f"{search.query} ")
    session = replace(rank_request.session, events=(*earlier, search))
    return replace(rank_request, text=f"{rank_request.text} ", session=session)
