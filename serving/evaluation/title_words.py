"""Searches by types, categories, brands and their typos: title precision of engine and parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from serving.engine import Engine
from serving.evaluation.query_evaluation import search_rankings
from serving.evaluation.system_rankings import ENGINE
from towers.bootstrap import mean_interval
from towers.datasets.head_queries import KINDS, HeadQuery
from towers.datasets.title_precision import CUT, WordHolders, title_precision

MEASURE = f"title precision@{CUT}"
_LOWEST_COUNT = 10


def title_precision_report(
    engine: Engine,
    queries: Sequence[HeadQuery],
    *,
    time: float,
    seed: int,
    progress: Callable[..., object],
) -> dict[str, Any]:
    """Title precision of every system by kind of query, with intervals.

    Args:
        queries: Those that no listed item holds are left out.

    Returns:
        By kind: ``query_count``, the systems, and the engine's lead over each; ``lowest``: the
        queries of least precision as served, with it.
    """
    catalog = engine.bundle.catalog
    holders = WordHolders(catalog)
    asked: list[HeadQuery] = []
    values: dict[str, list[float]] = {}
    for number, query in enumerate(queries):
        progress(number)
        mask = holders.mask(query)
        if not mask.any():
            continue
        asked.append(query)
        rankings = search_rankings(engine, query.text, depth=CUT, time=time)
        for name, item_ids in rankings.items():
            precision = title_precision(catalog.rows(item_ids), mask)
            values.setdefault(name, []).append(precision)
    by_system = {name: np.array(found, np.float64) for name, found in values.items()}
    kinds = {}
    for kind in KINDS:
        is_kind = np.array([query.kind == kind for query in asked], bool)
        if is_kind.any():
            of_kind = {name: found[is_kind] for name, found in by_system.items()}
            kinds[kind] = _kind_report(of_kind, seed)
    return {"measure": MEASURE, "kinds": kinds, "lowest": _lowest(asked, by_system)}


def _kind_report(values: dict[str, np.ndarray], seed: int) -> dict[str, Any]:
    of_engine = values[ENGINE]
    return {
        "query_count": len(of_engine),
        "systems": {name: mean_interval(found, seed=seed) for name, found in values.items()},
        "lead": {
            name: mean_interval(of_engine - found, seed=seed)
            for name, found in values.items()
            if name != ENGINE
        },
    }


def _lowest(asked: Sequence[HeadQuery], values: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """The queries whose first results hold least of their words."""
    if not asked:
        return []
    order = np.argsort(values[ENGINE], kind="stable")[:_LOWEST_COUNT]
    return [
        {
            "kind": asked[number].kind,
            "text": asked[number].text,
            **{name: float(found[number]) for name, found in values.items()},
        }
        for number in order.tolist()
        if values[ENGINE][number] < 1.0
    ]
