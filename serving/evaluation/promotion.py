"""What the promotion placement is worth: what comes into the basket of what is on offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from serving.evaluation.system_rankings import ENGINE, SystemRankings, rival_rankings
from serving.placements.placement_list import recommend_rank_request
from serving.placements.promotion import items_on_offer
from towers.bootstrap import mean_interval
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session import Session
from towers.training.baselines.rivals import Scorer
from towers.training.baselines.untrained import BASELINES

TIMES_REDEMPTION = "times_redemption"
"""The engine's odds of a purchase times the odds that the item's offer is redeemed."""


class PromotionEvaluation:
    """Requests of the promotion placement at moments of a log, beside baselines among the same offers.

    Args:
        engine: Its clock and its sessions stand at the moment of each request.
        rivals: Other models on the reranker's features, by name.
        depth: Results per request.
    """

    def __init__(self, engine: Engine, rivals: Mapping[str, Scorer], depth: int) -> None:
        self._engine, self._rivals, self._depth = engine, rivals, depth
        self._rankings = SystemRankings()
        self._item_counts: list[float] = []

    def ask(self, visitor_id: str, session: Session, time: float, wanted: np.ndarray) -> None:
        """Makes a request.

        Args:
            wanted: ``[n] int64`` rows that come into the basket later. What is not on offer to the
                visitor is no answer; a moment with no others is left out.
        """
        bundle = self._engine.bundle
        catalog, ranker = bundle.catalog, bundle.ranker
        request = RecommendRequest(Placement.PROMOTION, visitor_id, page_size=self._depth)
        rank_request = recommend_rank_request(request, session, time, bundle)
        allowed = ranker.sources.allowed(ranker.read(rank_request).rank_request)
        relevant = [catalog.item_ids[row] for row in allowed.only(wanted).tolist()]
        if not relevant:
            return
        answer = self._engine.recommend(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        on_offer = items_on_offer(session, time, bundle)
        values = (on_offer.log_odds / bundle.score_weight).astype(np.float32)
        times = replace(rank_request, lifts={"redemption": SparseScores(on_offer.rows, values)})
        found = {TIMES_REDEMPTION: ranker.rank(times).rows[: self._depth]}
        encoded = ranker.read(rank_request)
        for name, rank in BASELINES.items():
            found[name] = rank(encoded, ranker.sources, self._depth)
        for name, rows in found.items():
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        rankings |= rival_rankings(ranker, rank_request, self._rivals, self._depth)
        self._rankings.add(relevant, rankings)
        self._item_counts.append(float(allowed.count()))

    def report(self, seed: int) -> dict[str, Any]:
        """Metrics as for other requests, and how many items were on offer; empty without requests."""
        if not self._rankings.relevant:
            return {}
        return {
            **self._rankings.report(seed),
            "on_offer_count": mean_interval(np.array(self._item_counts), seed=seed),
        }
