"""Rankings of the next-basket methods at moments of a log of baskets."""

from __future__ import annotations

import numpy as np

from towers.datasets.replayed_log import ReplayedLog
from towers.retrieval.candidates import Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.training.baselines.baskets import VisitorBaskets
from towers.training.baselines.tifu_knn import TifuKnn
from towers.training.baselines.untrained import filled
from towers.training.baselines.up_cf import UpCf


class NextBasket:
    """TIFU-kNN and UP-CF, whose neighbours are the visitors as of ``log.learn_from``.

    The visitor's own baskets count up to the one that is being filled. They know the whole catalogue,
    not only the engine's candidates.
    """

    def __init__(self, log: ReplayedLog, item_count: int) -> None:
        self._log = log
        self._baskets = VisitorBaskets.of(log)
        known = self._baskets.before(log.learn_from)
        self._methods: dict[str, TifuKnn | UpCf] = {
            "tifu_knn": TifuKnn(known, item_count),
            "up_cf": UpCf(known, item_count),
        }

    def rankings(
        self, number: int, encoded: EncodedRequest, sources: Sources, count: int
    ) -> dict[str, np.ndarray]:
        """``[≤ count] int64`` rows by method, best first, for the visitor of event ``number``."""
        visitor_id = self._log.events[number].visitor_id
        baskets = self._baskets.of_visitor(visitor_id, int(self._log.sessions[number]))
        rankings = {}
        for name, method in self._methods.items():
            scores = method.scores(visitor_id, baskets)
            scored = np.flatnonzero(scores > 0)
            order = np.argsort(-scores[scored], kind="stable")
            rankings[name] = filled(scored[order], encoded, sources, count)
        return rankings
