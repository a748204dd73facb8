"""What the after-sales placement is worth: what visitors buy in the days after a purchase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from data.records import EventType
from serving.api.requests import Placement, RecommendRequest
from serving.engine import Engine
from serving.evaluation.system_rankings import ENGINE, SystemRankings
from serving.placements.after_sales import Products, never_shown
from serving.placements.placement_list import recommend_rank_request
from towers.bootstrap import mean_interval
from towers.catalog.substitutes import substitutes
from towers.datasets.replayed_log import ReplayedLog
from towers.retrieval.sources.repurchase import REPURCHASE_SHARE
from towers.sessions.session import IDLE_GAP_SECONDS, Session
from towers.training.baselines.untrained import BASELINES, Baseline

_FIRST = 10
_DAYS = 14.0


class AfterSalesEvaluation:
    """Requests of the after-sales placement after purchases of a log, beside baselines of the same
    exclusions, which are not told what follows what.

    Args:
        engine: Its clock and its sessions stand at the moment of each request.
        depth: Results per request.
        baselines: By name.
    """

    def __init__(
        self, engine: Engine, depth: int, baselines: Mapping[str, Baseline] = BASELINES
    ) -> None:
        self._engine, self._depth, self._baselines = engine, depth, baselines
        self._rankings = SystemRankings()
        self._substitute_shares: list[float] = []

    def ask(self, session: Session, time: float, wanted: np.ndarray) -> None:
        """Makes a request after a visit with a purchase.

        Args:
            session: Of the visitor, after the visit's last event.
            wanted: ``[n] int64`` rows that the visitor buys in the days to come. What the placement never
                shows is no answer; a moment with no others is left out.
        """
        bundle = self._engine.bundle
        catalog, ranker = bundle.catalog, bundle.ranker
        products = Products.of((), session, time, catalog)
        if not len(products.bought):
            return
        barred = never_shown(products, bundle)
        relevant = [catalog.item_ids[row] for row in np.unique(wanted).tolist() if not barred[row]]
        if not relevant:
            return
        request = RecommendRequest(Placement.AFTER_SALES, session.visitor_id, page_size=self._depth)
        answer = self._engine.recommend(request)
        rankings = {ENGINE: [result.item_id for result in answer.results]}
        rank_request = recommend_rank_request(request, session, time, bundle)
        encoded = ranker.read(replace(rank_request, outside=barred, lifts={}))
        for name, rank in self._baselines.items():
            rows = rank(encoded, ranker.sources, self._depth)
            rankings[name] = [catalog.item_ids[row] for row in rows.tolist()]
        self._rankings.add(relevant, rankings)
        shown = catalog.rows([result.item_id for result in answer.results[:_FIRST]])
        rates = ranker.sources.repurchase.at(products.bought, catalog)
        kept = products.bought[rates < REPURCHASE_SHARE]
        of_kept = substitutes(catalog, kept)[shown]
        self._substitute_shares.append(float(of_kept.sum()) / max(1, len(shown)))

    def report(self, seed: int) -> dict[str, Any]:
        """Metrics as for other requests, and the share of substitutes of what was bought for good among
        the first ten; empty without requests."""
        if not self._rankings.relevant:
            return {}
        return {
            **self._rankings.report(seed),
            "substitute_share@10": mean_interval(np.array(self._substitute_shares), seed=seed),
        }


def purchase_moments(
    log: ReplayedLog, *, limit: int, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Visits of the test part with a purchase, sampled: the number of the visit's last event, and what
    the visitor buys on other visits of the days after it, ``[n] int64`` rows.

    Two weeks, or half of a test part that is shorter than four; visits nearer to the log's end are left
    out.
    """
    if log.learn_from >= len(log.events):
        return {}
    begin, end = log.events[log.learn_from].time, log.events[-1].time
    span = min(_DAYS * 86_400.0, (end - begin) / 2)
    bought: dict[str, list[tuple[float, int]]] = {}
    last: dict[int, int] = {}
    with_purchase = set()
    for number, event in enumerate(log.events):
        session = int(log.sessions[number])
        if number >= log.learn_from:
            last[session] = number
        if event.type is EventType.PURCHASE and log.rows[number] >= 0:
            bought.setdefault(event.visitor_id, []).append((event.time, int(log.rows[number])))
            with_purchase.add(session)
    moments: dict[int, np.ndarray] = {}
    for session, number in last.items():
        event = log.events[number]
        if session not in with_purchase or event.time > end - span:
            continue
        after, until = event.time + IDLE_GAP_SECONDS, event.time + span
        later = [row for time, row in bought[event.visitor_id] if after < time <= until]
        if later:
            moments[number] = np.array(later, np.int64)
    chosen = rng.permutation(sorted(moments))[:limit]
    return {number: moments[number] for number in sorted(chosen.tolist())}
