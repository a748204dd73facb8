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
from towers.training.baselines.rivals import SEED, Scorer
from towers.training.calibration_metrics import reliability

ENGINE = "engine"
_LEAD_MEASURE = "ndcg@10"


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
        """Every system's metrics with intervals, and the engine's lead over each.

        Rerankers of other seeds stand for nothing by themselves: of them the spread is told.
        """
        values = self.values()
        systems = {name: one for name, one in values.items() if not is_of_seed(name)}
        of_seeds = {name: one for name, one in values.items() if is_of_seed(name)}
        leads = {
            name: values[ENGINE][_LEAD_MEASURE] - one[_LEAD_MEASURE]
            for name, one in systems.items()
            if name != ENGINE
        }
        report = {
            "request_count": len(self.relevant),
            "systems": {name: summary(one, seed=seed) for name, one in systems.items()},
            "lead_at_ndcg@10": {
                name: mean_interval(lead, seed=seed) for name, lead in leads.items()
            },
        }
        if of_seeds:
            means = [
                float(one[_LEAD_MEASURE].mean()) for one in (values[ENGINE], *of_seeds.values())
            ]
            report["seeds_at_ndcg@10"] = {
                "count": len(means),
                "engine": _spread(means),
                "leads": {
                    name: _spread([mean - float(one[_LEAD_MEASURE].mean()) for mean in means])
                    for name, one in systems.items()
                    if name != ENGINE
                },
            }
        return report


def is_of_seed(name: str) -> bool:
    """Whether a system is the reranker of another seed."""
    return name.startswith(SEED)


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation of the sample, least and largest."""
    return {
        "mean": float(np.mean(values)),
        "deviation": float(np.std(values, ddof=1)),
        "low": min(values),
        "high": max(values),
    }


def rival_rankings(
    ranker: Ranker, rank_request: RankRequest, rivals: Mapping[str, Scorer], depth: int
) -> dict[str, list[str]]:
    """Rankings of the engine's candidates by other models on the same features."""
    if not rivals:
        return {}
    shortlist, item_ids = ranker.rank(rank_request), ranker.sources.catalog.item_ids
    rankings = {}
    for name, score in rivals.items():
        order = np.lexsort((shortlist.rows, -score(shortlist.features)))[:depth]
        rankings[name] = [item_ids[row] for row in shortlist.rows[order].tolist()]
    return rankings
