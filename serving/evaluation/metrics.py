"""Metrics of rankings: how relevant they are, how diverse, and how much of the shop they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures
import numpy as np
from ir_measures import RR, P, R, nDCG

from towers.bootstrap import mean_interval
from towers.catalog.items import Catalog

MEASURES = {
    "ndcg@10": nDCG @ 10,
    "p@10": P @ 10,
    "r@10": R @ 10,
    "r@100": R @ 100,
    "mrr@10": RR @ 10,
}
"""For any number of relevant items, by reported name."""


def ranking_values(
    rankings: Sequence[Sequence[str]], relevant: Sequence[Mapping[str, int]]
) -> dict[str, np.ndarray]:
    """Each metric of each request, ``[requests] float64`` by name, F1 at 10 included.

    Args:
        rankings: Item ids, best first.
        relevant: Grade of each relevant item, 1 or more; every request has at least one.
    """
    run = {
        str(number): {item_id: -float(rank) for rank, item_id in enumerate(ranking)}
        for number, ranking in enumerate(rankings)
    }
    qrels = {str(number): dict(items) for number, items in enumerate(relevant)}
    values = {name: np.zeros(len(rankings)) for name in MEASURES}
    names = {measure: name for name, measure in MEASURES.items()}
    for metric in ir_measures.iter_calc(list(MEASURES.values()), qrels, run):
        values[names[metric.measure]][int(metric.query_id)] = metric.value
    both = values["p@10"] + values["r@10"]
    values["f1@10"] = np.divide(
        2 * values["p@10"] * values["r@10"], both, out=np.zeros_like(both), where=both > 0
    )
    return values


def rank_values(ranks: np.ndarray) -> dict[str, np.ndarray]:
    """Hit rate, reciprocal rank and NDCG at 10 and 20 for one relevant item per request.

    Args:
        ranks: ``[requests] int64`` rank of the relevant item from 0; −1 if it was not found.
    """
    values = {}
    for cut in (10, 20):
        hit = (ranks >= 0) & (ranks < cut)
        values[f"hr@{cut}"] = hit.astype(np.float64)
        values[f"mrr@{cut}"] = np.where(hit, 1.0 / (1.0 + np.maximum(ranks, 0)), 0.0)
        values[f"ndcg@{cut}"] = np.where(hit, 1.0 / np.log2(2.0 + np.maximum(ranks, 0)), 0.0)
    return values


@dataclass(frozen=True)
class ListMetrics:
    """Metrics of the first ten results as a list, whatever is relevant.

    Args:
        catalog: The items.
        embeddings: ``[items, dim] float32`` unit rows.
        groups: ``[items] int32`` group of variants of each item, negative where it stands alone; None:
            the bundle has no groups.
    """

    catalog: Catalog
    embeddings: np.ndarray
    groups: np.ndarray | None = None

    def values(self, rankings: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
        """Each metric of each request, ``[requests] float64`` by name.

        ``ild@10``, intra-list distance: the mean of one minus the cosine of each pair of items (Ziegler
        et al. 2005); 0 of fewer than two. ``brand_hhi@10``, the Herfindahl index of brands: the sum of
        the squares of their shares, 1 where all are of one brand; items without a brand count as a
        brand each. ``variants@10``, where there are groups: 1 where two items are of one, else 0.
        """
        lists = [self._rows(ranking) for ranking in rankings]
        found = {
            "ild@10": np.array([self._distance(rows) for rows in lists]),
            "brand_hhi@10": np.array([self._concentration(rows) for rows in lists]),
        }
        if self.groups is not None:
            of_lists = [self.groups[rows] for rows in lists]
            repeats = [
                len(codes) > len(np.unique(codes)) for codes in (c[c >= 0] for c in of_lists)
            ]
            found["variants@10"] = np.array(repeats, np.float64)
        return found

    def coverage(self, rankings: Sequence[Sequence[str]]) -> float:
        """Share of the listed items that are among the first ten of any request."""
        shown = {row for ranking in rankings for row in self._rows(ranking).tolist()}
        return len(shown) / max(1, self.catalog.listed_count)

    def _rows(self, ranking: Sequence[str]) -> np.ndarray:
        rows = self.catalog.rows(ranking[:10])
        return rows[rows >= 0]

    def _distance(self, rows: np.ndarray) -> float:
        count = len(rows)
        if count < 2:
            return 0.0
        vectors = self.embeddings[rows].astype(np.float64)
        cosines = vectors @ vectors.T
        return float(1.0 - (cosines.sum() - np.trace(cosines)) / (count * (count - 1)))

    def _concentration(self, rows: np.ndarray) -> float:
        if not len(rows):
            return 0.0
        names = [self.catalog.brand_name(row) or row for row in rows.tolist()]
        return sum((count / len(names)) ** 2 for count in Counter(names).values())


def summary(values: Mapping[str, np.ndarray], *, seed: int) -> dict[str, Any]:
    """Mean of each metric with its 95 % bootstrap interval."""
    return {
        name: mean_interval(measure_values, seed=seed) for name, measure_values in values.items()
    }
