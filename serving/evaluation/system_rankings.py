"""The rankings of several systems for the same requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.evaluation.metrics import ListMetrics, ranking_values, summary
from serving.policy.settings import Policy
from serving.policy.steps import DIVERSITY, PageRequest, decided
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
    weights: list[float] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)

    def add(
        self, relevant: Sequence[str], rankings: Mapping[str, Sequence[str]], segment: str = ""
    ) -> None:
        """Adds one request: its relevant items, each system's ranking, best first, the segment."""
        self.relevant.append(dict.fromkeys(relevant, 1))
        self.segments.append(segment)
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
        return reliability(
            np.array(self.probabilities),
            is_bought,
            threshold=threshold,
            weights=np.array(self.weights),
        )

    def values(self) -> dict[str, dict[str, np.ndarray]]:
        """Each metric of each request, ``[requests] float64`` by its name, by system."""
        return {
            name: ranking_values(rankings, self.relevant)
            for name, rankings in self.rankings.items()
        }

    def report(self, seed: int, lists: ListMetrics | None = None) -> dict[str, Any]:
        """Every system's metrics with intervals, the engine's lead over each, and all by segment.

        Rerankers of other seeds stand for nothing by themselves: of them the spread is told.

        Args:
            lists: Adds the metrics of the first ten as a list.
        """
        everything = self.values()
        values = {name: one for name, one in everything.items() if not is_of_seed(name)}
        report: dict[str, Any] = {"request_count": len(self.relevant)}
        if lists is not None:
            for name in values:
                values[name] |= lists.values(self.rankings[name])
            report["coverage@10"] = {name: lists.coverage(self.rankings[name]) for name in values}
        report["systems"] = _summaries(values, np.arange(len(self.relevant)), seed)
        report["lead_at_ndcg@10"] = {
            name: mean_interval(values[ENGINE][_LEAD_MEASURE] - one[_LEAD_MEASURE], seed=seed)
            for name, one in values.items()
            if name != ENGINE
        }
        of_seeds = [one for name, one in everything.items() if is_of_seed(name)]
        if of_seeds:
            report["seeds_at_ndcg@10"] = _of_seeds([values[ENGINE], *of_seeds], values)
        parts = {
            name: np.flatnonzero(np.array(self.segments) == name)
            for name in sorted({*self.segments} - {""})
        }
        if parts:
            report["segments"] = {
                name: {
                    "request_count": len(numbers),
                    "systems": _summaries(values, numbers, seed),
                }
                for name, numbers in parts.items()
            }
        return report


def is_of_seed(name: str) -> bool:
    """Whether a system is the reranker of another seed."""
    return name.startswith(SEED)


def _of_seeds(
    rerankers: Sequence[Mapping[str, np.ndarray]], values: Mapping[str, Mapping[str, np.ndarray]]
) -> dict[str, Any]:
    """The spread of the engine's metric, and of its leads, over rerankers of several seeds."""
    means = [float(one[_LEAD_MEASURE].mean()) for one in rerankers]
    return {
        "count": len(means),
        "engine": _spread(means),
        "leads": {
            name: _spread([mean - float(one[_LEAD_MEASURE].mean()) for mean in means])
            for name, one in values.items()
            if name != ENGINE
        },
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation of the sample, least and largest."""
    return {
        "mean": float(np.mean(values)),
        "deviation": float(np.std(values, ddof=1)),
        "low": min(values),
        "high": max(values),
    }


def _summaries(
    values: Mapping[str, Mapping[str, np.ndarray]], numbers: np.ndarray, seed: int
) -> dict[str, Any]:
    """Every system's metrics over some of the requests."""
    return {
        name: summary({key: one[numbers] for key, one in metrics.items()}, seed=seed)
        for name, metrics in values.items()
    }


def rival_rankings(
    ranker: Ranker, rank_request: RankRequest, rivals: Mapping[str, Scorer], depth: int
) -> dict[str, list[str]]:
    """Rankings of the engine's candidates by other models on the same features."""
    if not rivals:
        return {}
    shortlist, item_ids = ranker.rank(rank_request), ranker.sources.catalog.item_ids
    features, rankings = shortlist.features, {}
    for name, score in rivals.items():
        order = np.lexsort((shortlist.rows, -score(features)))[:depth]
        rankings[name] = [item_ids[row] for row in shortlist.rows[order].tolist()]
    return rankings


def diverse_rankings(
    ranker: Ranker, rank_request: RankRequest, diversities: Sequence[float], depth: int
) -> dict[str, list[str]]:
    """The engine's rankings of a browse request under other values of the policy's diversity.

    Their names are ``diversity`` and the value.
    """
    if not diversities:
        return {}
    shortlist, item_ids = ranker.rank(rank_request), ranker.sources.catalog.item_ids
    page = PageRequest(depth, is_first=True, token="")
    rankings = {}
    for diversity in diversities:
        done = decided(shortlist, Policy(diversity=diversity), page, ranker.sources)
        rows = done.shortlist.rows[:depth].tolist()
        rankings[f"{DIVERSITY} {diversity:g}"] = [item_ids[row] for row in rows]
    return rankings
