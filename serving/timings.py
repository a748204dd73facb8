"""How long each part of an answer takes, and how much of the exact answer the index finds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from serving.engine import Engine
from serving.requests import Placement, RecommendRequest, SearchRequest
from towers.features import feature_matrix
from towers.index import exact_top
from towers.question import Question
from towers.ranker import Ranker
from towers.scene import Scene

_RECALL_COUNT = 100
_TIMED_LIMIT = 300


def index_recall(ranker: Ranker, questions: Sequence[Question]) -> dict[str, Any]:
    """Recall of the index's top 100 against scoring every item, on the questions' own embeddings."""
    index, recalls = ranker.sources.index, []
    item_count = ranker.sources.catalog.count
    for question in questions:
        query = ranker.read(question).query
        found = index.search(query, _RECALL_COUNT)
        exact = exact_top(index.embeddings[:item_count], query, _RECALL_COUNT)
        recalls.append(len(np.intersect1d(found, exact)) / max(1, len(exact)))
    return {
        "recall@100": float(np.mean(recalls)) if recalls else 0.0,
        "query_count": len(recalls),
        "item_count": item_count,
        "leaf_count": index.shape.leaf_count,
        "leaves_searched": index.shape.leaves_searched,
    }


def stage_timings(engine: Engine, questions: Sequence[Question]) -> dict[str, float]:
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

    chosen = questions[:: max(1, -(-len(questions) // _TIMED_LIMIT))]
    for question in (one for one in chosen if one.text):
        engine.clear_queries()
        timed("query_encode_of_new_words", partial(ranker.read, question))
        if sources.lexical is not None:
            engine.clear_queries()
            search = sources.lexical.search
            timed("lexical_100_of_new_words", partial(search, question.text, 100))
    for question in map(_anew, chosen):
        reading = timed("query_encode", partial(ranker.read, question))
        timed("nearest_100", partial(sources.index.search, reading.query, 100))
        if question.text and sources.lexical is not None:
            search = sources.lexical.search
            timed("lexical_100", partial(search, f"{question.text} ", 100))
        found = timed("candidates", partial(ranker.candidates, reading))
        scene = Scene(reading, found, sources)
        features = timed("features", partial(feature_matrix, scene))
        if ranker.reranker is not None:
            timed("rerank", partial(ranker.reranker.scores, features))
        if question.text:
            request = SearchRequest(f"{question.text}  ", record=False)
            timed("whole_search", partial(engine.search, request))
        else:
            visitor = question.session.visitor_id
            asked = RecommendRequest(Placement.HOME, visitor)
            timed("whole_recommend", partial(engine.recommend, asked))
    return {name: float(np.median(seconds)) * 1e3 for name, seconds in taken.items()}


def _anew(question: Question) -> Question:
    """The question with a text that was not asked before: a blank at the end, which means nothing."""
    if not question.text:
        return question
    *earlier, search = question.session.events
    search = replace(search, query=f"{search.query} ")
    session = replace(question.session, events=(*earlier, search))
    return replace(question, text=f"{question.text} ", session=session)
