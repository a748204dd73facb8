"""What the cross-sell placement is worth: the rest of a basket that is of another kind than its items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from serving.evaluation.system_rankings import ENGINE, SystemRankings, rival_rankings
from serving.placements.placement_list import recommend_rank_request
from towers.bootstrap import mean_interval
from towers.catalog.substitutes import substitutes
from towers.sessions.session import Session
from towers.training.baselines.rivals import Scorer
from towers.training.baselines.untrained import BASELINES, Baseline

_FIRST = 10


class CrossSellEvaluation:
    """Requests of the cross-sell placement at moments of a log, beside baselines of the same exclusions.

    Args:
        engine: Its clock and its sessions stand at the moment of each request.
        rivals: Other models on the reranker's features, by name.
        depth: Results per request.
        baselines: By name.
    """

    def __init__(
        self,
        engine: Engine,
        rivals: Mapping[str, Scorer],
        depth: int,
        baselines: Mapping[str, Baseline] = BASELINES,
    ) -> None:
        self._engine, self._rivals, self._depth = engine, rivals, depth
        self._baselines = baselines
        self._rankings = SystemRankings()
        self._substitute_shares: list[float] = []

    def ask(self, visitor_id: str, session: Session, time: float, wanted: np.ndarray) -> None:
        """Makes a request for the visitor's basket.

        Args:
            wanted: ``[n] int64`` rows that come into the basket later. Those that could take the place
                of what is in it are no answer; a moment with no others is left out.
        """
        catalog, ranker = self._engine.bundle.catalog, self._engine.bundle.ranker
        basket = catalog.rows(sorted(session.basket))
        basket = basket[basket >= 0]
        if not len(basket):
            return
        of_kind = substitutes(catalog, basket)
        relevant = [catalog.item_ids[row] for row in wanted.tolist() if not of_kind[row]]
        if not relevant:
            return
        request = RecommendRequest(Placement.CROSS_SELL, visitor_id, page_size=self._depth)
        answer = self._engine.recommend(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        rank_request = recommend_rank_request(request, session, time, self._engine.bundle)
        encoded = ranker.read(rank_request)
        for name, rank in self._baselines.items():
            rows = rank(encoded, ranker.sources, self._depth)
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        rankings |= rival_rankings(ranker, rank_request, self._rivals, self._depth)
        self._rankings.add(relevant, rankings)
        of_basket = {catalog.category(row) for row in basket.tolist()} - {()}
        shown = answer.results[:_FIRST]
        self._substitute_shares.append(
            sum(result.category in of_basket for result in shown) / max(1, len(shown))
        )

    def report(self, seed: int) -> dict[str, Any]:
        """Metrics as for other requests, and the share of the baskets' narrowest categories among the
        first ten; empty without requests."""
        if not self._rankings.relevant:
            return {}
        shares: Sequence[float] = self._substitute_shares
        return {
            **self._rankings.report(seed),
            "substitute_share@10": mean_interval(np.array(shares), seed=seed),
        }
