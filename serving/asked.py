"""The same requests put to several systems, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.measures import mean_interval, ranking_values, summary
from towers.classical import classical_scores
from towers.question import Question, Reading
from towers.ranker import Ranker
from towers.reliability import reliability

ENGINE = "engine"


@dataclass
class Asked:
    """Rankings of every system for the same requests."""

    rankings: dict[str, list[list[str]]] = field(default_factory=dict)
    wanted: list[dict[str, int]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    is_bought: list[bool] = field(default_factory=list)

    def add(self, wanted: Sequence[str], rankings: Mapping[str, Sequence[str]]) -> None:
        """One request: the items wanted, and each system's, best first."""
        self.wanted.append(dict.fromkeys(wanted, 1))
        for name, ranking in rankings.items():
            self.rankings.setdefault(name, []).append(list(ranking))

    def part(self, numbers: Sequence[int]) -> Asked:
        """Some of the requests, by their place."""
        rankings = {name: [told[n] for n in numbers] for name, told in self.rankings.items()}
        return Asked(rankings, [self.wanted[number] for number in numbers])

    def purchase_report(self, threshold: float) -> dict[str, float]:
        """How reliable the probabilities of the results were; empty where there is nothing to tell."""
        happened = np.array(self.is_bought, bool)
        if happened.all() or not happened.any():
            return {}
        return reliability(np.array(self.probabilities), happened, threshold=threshold)

    def values(self) -> dict[str, dict[str, np.ndarray]]:
        """Each measure of each request, ``[requests] float64`` by its name, by system."""
        return {
            name: ranking_values(rankings, self.wanted) for name, rankings in self.rankings.items()
        }

    def report(self, seed: int) -> dict[str, Any]:
        """Every system's measures with intervals, and how far the engine leads each."""
        values = self.values()
        rivals = [name for name in values if name != ENGINE]
        return {
            "request_count": len(self.wanted),
            "systems": {name: summary(measured, seed=seed) for name, measured in values.items()},
            "lead_at_ndcg@10": {
                name: mean_interval(values[ENGINE]["ndcg@10"] - values[name]["ndcg@10"], seed=seed)
                for name in rivals
            },
        }


def classical_rankings(
    ranker: Ranker, question: Question, weights: np.ndarray | None, depth: int
) -> dict[str, list[str]]:
    """What the classical models make of the very candidates and features of the engine."""
    if weights is None:
        return {}
    ranked, item_ids = ranker.rank(question), ranker.sources.catalog.item_ids
    rankings = {}
    for name, scores in classical_scores(weights, ranked.features).items():
        order = np.lexsort((ranked.rows, -scores))[:depth]
        rankings[name] = [item_ids[row] for row in ranked.rows[order].tolist()]
    return rankings
