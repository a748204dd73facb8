"""Evaluation on a file of queries or sessions, with runs that external tools can check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from data.records import Event, EventType
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.engine import Engine
from serving.evaluation.as_served import Clock, one_event_behind
from serving.evaluation.metrics import rank_values, ranking_values, summary
from serving.evaluation.trec import read_qrels, read_queries, read_session_file, write_ranking
from serving.placements.placement_list import recommend_rank_request
from towers.bootstrap import mean_interval

_AFTER_SECONDS = 60.0


def ask_query_file(
    bundle: Path,
    queries: Path,
    *,
    qrels: Path | None,
    run: TextIO | None,
    depth: int,
    seed: int,
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """Searches for every query of a file, each as an anonymous visitor.

    Args:
        queries: One ``query_id<TAB>text`` per line.
        qrels: TREC judgments; grade 1 or more is relevant. None: no metrics.
        run: Output file of the rankings in TREC format; None for none.
        depth: Results per query.

    Returns:
        ``query_count``, and with judgments the metrics of queries with a relevant item.
    """
    query_rows = read_queries(queries)
    grades = None if qrels is None else read_qrels(qrels)
    clock, engine = _engine(bundle)
    rankings: list[list[str]] = []
    relevant: list[dict[str, int]] = []
    try:
        clock.now = engine.bundle.facts.counted_until + _AFTER_SECONDS
        for number, (query_id, text) in enumerate(query_rows):
            progress(number)
            answer = engine.search(SearchRequest(text, page_size=depth, record=False))
            if run is not None:
                found = [(result.item_id, result.score) for result in answer.results]
                write_ranking(run, query_id, found)
            hits = {k: v for k, v in (grades or {}).get(query_id, {}).items() if v > 0}
            if hits:
                rankings.append([result.item_id for result in answer.results])
                relevant.append(hits)
    finally:
        engine.close()
    report: dict[str, Any] = {"query_count": len(query_rows)}
    if grades is not None:
        report["judged_query_count"] = len(relevant)
        report["metrics"] = (
            summary(ranking_values(rankings, relevant), seed=seed) if relevant else {}
        )
    return report


def ask_session_file(
    bundle: Path,
    sessions: Path,
    *,
    run: TextIO | None,
    depth: int,
    seed: int,
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """Requests the home page after all items of a session but the last were viewed.

    Returns:
        ``session_count``, hit rate and reciprocal rank of the last item, and the contribution of
        the newest view: the hit rate without it, and the paired difference.
    """
    item_lists = read_session_file(sessions)
    clock, engine = _engine(bundle)
    ranks = np.full(len(item_lists), -1, np.int64)
    behind = ranks.copy()
    try:
        start = engine.bundle.facts.counted_until + _AFTER_SECONDS
        for number, (*seen, last) in enumerate(item_lists):
            progress(number)
            visitor_id = f"s{number + 1}"
            clock.now = start + len(seen)
            for event in viewed(seen, visitor_id, start):
                engine.sessions.apply(event)
            request = RecommendRequest(Placement.HOME, visitor_id, page_size=depth)
            answer = engine.recommend(request)
            found = [result.item_id for result in answer.results]
            if last in found:
                ranks[number] = found.index(last)
            rank_request = recommend_rank_request(
                request, engine.sessions.get(visitor_id), clock.now, engine.bundle
            )
            late = one_event_behind(engine.bundle.ranker, rank_request)
            row = engine.bundle.catalog.row_of.get(last, -1)
            if row in late:
                behind[number] = late.index(row)
            if run is not None:
                scored = [(result.item_id, result.score) for result in answer.results]
                write_ranking(run, visitor_id, scored)
    finally:
        engine.close()
    now, before = rank_values(ranks), rank_values(behind)
    return {
        "session_count": len(item_lists),
        "metrics": {
            **summary(now, seed=seed),
            "hr@20 one event behind": mean_interval(before["hr@20"], seed=seed),
            "hr@20 worth of the last event": mean_interval(
                now["hr@20"] - before["hr@20"], seed=seed
            ),
        },
    }


def viewed(item_ids: Sequence[str], visitor_id: str, start: float) -> list[Event]:
    """Views of items, a second apart from ``start`` on, as ``data.sources.session_lines`` does."""
    return [
        Event(f"{visitor_id}-{number}", EventType.VIEW, visitor_id, start + number, item_id=item_id)
        for number, item_id in enumerate(item_ids)
    ]


def _engine(bundle: Path) -> tuple[Clock, Engine]:
    clock = Clock()
    return clock, Engine.open(bundle, clock=clock)
