"""Searches by types, categories, brands and their typos: title precision of engine and parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from serving.engine import Engine
from serving.evaluation.searches.query_evaluation import search_rankings
from serving.evaluation.system_rankings import ENGINE
from towers.bootstrap import mean_interval
from towers.datasets.head_queries import KINDS, HeadQuery
from towers.datasets.title_precision import CUT, WordHolders, title_precision

MEASURE = f"title precision@{CUT}"
_LOWEST_COUNT = 10
_HEAD_KINDS = ("type", "slip")


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
        By kind: ``query_count``, the systems, and the engine's lead over each; ``head_kinds``: the
        same of results that are what a type word names, not beside it; ``lowest``: the queries of
        least title precision as served, with it.
    """
    catalog = engine.bundle.catalog
    holders = WordHolders(catalog)
    held, are = _Values(), _Values()
    for number, query in enumerate(queries):
        progress(number)
        mask = holders.mask(query)
        if not mask.any():
            continue
        rankings = search_rankings(engine, query.text, depth=CUT, time=time)
        rows = {name: catalog.rows(item_ids) for name, item_ids in rankings.items()}
        held.add(query, rows, mask)
        head_mask = holders.head_mask(query)
        if query.kind in _HEAD_KINDS and head_mask.any():
            are.add(query, rows, head_mask)
    return {
        "measure": MEASURE,
        "kinds": held.by_kind(seed),
        "head_kinds": are.by_kind(seed),
        "lowest": held.lowest(),
    }


class _Values:
    """The precision of each query by system."""

    def __init__(self) -> None:
        self._queries: list[HeadQuery] = []
        self._values: dict[str, list[float]] = {}

    def add(self, query: HeadQuery, rows: Mapping[str, np.ndarray], mask: np.ndarray) -> None:
        self._queries.append(query)
        for name, found in rows.items():
            self._values.setdefault(name, []).append(title_precision(found, mask))

    def by_kind(self, seed: int) -> dict[str, dict[str, Any]]:
        kinds = {}
        for kind in KINDS:
            is_kind = np.array([query.kind == kind for query in self._queries], bool)
            if is_kind.any():
                values = {name: np.array(found)[is_kind] for name, found in self._values.items()}
                kinds[kind] = _kind_report(values, seed)
        return kinds

    def lowest(self) -> list[dict[str, Any]]:
        """The queries whose first results hold least of their words as served."""
        served = self._values.get(ENGINE, [])
        order = sorted(range(len(served)), key=served.__getitem__)[:_LOWEST_COUNT]
        return [
            {
                "kind": self._queries[number].kind,
                "text": self._queries[number].text,
                **{name: found[number] for name, found in self._values.items()},
            }
            for number in order
            if served[number] < 1.0
        ]


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
