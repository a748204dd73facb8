"""The rankings of several systems for the same requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.evaluation.metrics import ranking_values, summary
from towers.bootstrap import mean_interval
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.training.baselines.classical import classical_scores
from towers.training.calibration_metrics import reliability

ENGINE = "engine"


@dataclass
class SystemRankings:
    """The rankings of every system, and what else was recorded, per request."""

    rankings: dict[str, list[list[str]]] = field(default_factory=dict)
    relevant: list[dict[str, int]] = field(default_factory=list)
    encoded_requests: list[EncodedRequest] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    is_bought: list[bool] = field(default_factory=list)

    def add(self, relevant: Sequence[str], rankings: Mapping[str, Sequence[str]]) -> None:
        """Adds one request: its relevant items, and each system's ranking, best first."""
        self.relevant.append(dict.fromkeys(relevant, 1))
        for name, ranking in rankings.items():
            self.rankings.setdefault(name, []).append(list(ranking))

    def part(self, numbers: Sequence[int]) -> SystemRankings:
        """Some of the requests, by number."""
        rankings = {
            name: [system_rankings[n] for n in numbers]
            for name, system_rankings in self.rankings.items()
        }
        return SystemRankings(rankings, [self.relevant[number] for number in numbers])

    def purchase_report(self, threshold: float) -> dict[str, float]:
        """Calibration metrics of the purchase probabilities; empty if none or all were bought."""
        is_bought = np.array(self.is_bought, bool)
        if is_bought.all() or not is_bought.any():
            return {}
        return reliability(np.array(self.probabilities), is_bought, threshold=threshold)

    def values(self) -> dict[str, dict[str, np.ndarray]]:
        """Each metric of each request, ``[requests] float64`` by its name, by system."""
        return {
            name: ranking_values(rankings, self.relevant)
            for name, rankings in self.rankings.items()
        }

    def report(self, seed: int) -> dict[str, Any]:
        """Every system's metrics with intervals, and the engine's lead over each."""
        values = self.values()
        rivals = [name for name in values if name != ENGINE]
        return {
            "request_count": len(self.relevant),
            "systems": {
                name: summary(metric_values, seed=seed) for name, metric_values in values.items()
            },
            "lead_at_ndcg@10": {
                name: mean_interval(values[ENGINE]["ndcg@10"] - values[name]["ndcg@10"], seed=seed)
                for name in rivals
            },
        }


def classical_rankings(
    ranker: Ranker, rank_request: RankRequest, weights: np.ndarray | None, depth: int
) -> dict[str, list[str]]:
    """Rankings of the engine's candidates by classical models on the same features."""
    if weights is None:
        return {}
    shortlist, item_ids = ranker.rank(rank_request), ranker.sources.catalog.item_ids
    rankings = {}
    for name, scores in classical_scores(weights, shortlist.features).items():
        order = np.lexsort((shortlist.rows, -scores))[:depth]
        rankings[name] = [item_ids[row] for row in shortlist.rows[order].tolist()]
    return rankings
