"""How much of the learnt reranker a release serves in searches: no stage may do harm.

The reranker is a residual on a fixed rule. Its share is chosen on queries that it was not trained on, by
what came out better; 0 serves the rule alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from data.records import Event, EventType
from towers.datasets.head_queries import HeadQuery
from towers.datasets.pseudo_judgments import RARE
from towers.datasets.ranking_lists import Lists
from towers.datasets.title_precision import CUT, WordHolders, title_precision
from towers.models.deep_cross import DeepCross
from towers.ranking.features import FEATURE_NAMES, IS_SEARCH
from towers.ranking.ranker import Ranker
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session

SHARES = (1.0, 0.5, 0.25, 0.0)
_TOLERANCE = 0.005
"""Title precision that a larger share may lose to the rule in any kind: one result in 200."""
_LEAST_LISTS = _LEAST_QUERIES = 50
_IS_SEARCH = FEATURE_NAMES.index(IS_SEARCH)


@dataclass(frozen=True)
class SearchShare:
    """The share that is served, and what it was chosen by.

    Args:
        share: 1: the reranker as trained; 0: the fixed rule.
        measure: What ``values`` are.
        count: Queries or lists.
        values: The measure at each of ``SHARES``; empty where there were too few.
        precisions: Title precision of held-out head queries at each of ``SHARES``, by kind; ``is it``
            counts only results whose head noun is the word.
    """

    share: float
    measure: str
    count: int
    values: tuple[float, ...]
    precisions: dict[str, tuple[float, ...]]

    @property
    def warnings(self) -> list[str]:
        """What the engineer should know of it."""
        if self.share == 1.0:
            return []
        found = ", ".join(
            f"{value:.3f} at {share:g}"
            for share, value in zip(SHARES, self.values, strict=bool(self.values))
        )
        return [
            f"searches are served with {self.share:g} of the reranker beside the fixed rule:"
            f" {self.measure} of {self.count:,} held-out queries is {found or 'too little to tell'}"
        ]

    def report(self) -> dict[str, Any]:
        """For ``metrics.json``."""
        return {"shares": SHARES, **asdict(self)}


def choose_search_share(
    model: DeepCross,
    ranker: Ranker,
    validation: Lists,
    queries: Sequence[HeadQuery],
    *,
    is_taught: bool,
    time: float,
) -> SearchShare:
    """Chooses the share and sets it in ``model``.

    Where people's judgments or clicks taught the reranker, by NDCG of its validation lists; elsewhere
    by title precision of head queries: the largest share that loses nothing to the rule.

    Args:
        ranker: Without a reranker.
        validation: Lists that the model was not trained on.
        queries: Queries that it was not trained on.
        is_taught: Whether validation lists come from judgments or clicks.
        time: Of the requests, seconds since 1970.
    """
    precisions = _title_precisions(model, ranker, queries, time)
    kinds = {kind: tuple(np.mean(of_kind, axis=0).tolist()) for kind, of_kind in precisions.items()}
    searches = validation.present.any(axis=1) & (validation.features[:, 0, _IS_SEARCH] > 0)
    everything = [values for of_kind in precisions.values() for values in of_kind]
    if is_taught and int(searches.sum()) >= _LEAST_LISTS:
        values = _list_ndcg(model, validation, np.flatnonzero(searches))
        chosen = SearchShare(
            SHARES[int(np.argmax(values))], f"NDCG@{CUT}", int(searches.sum()), values, kinds
        )
    elif is_taught or len(everything) >= _LEAST_QUERIES:
        values = tuple(np.mean(everything, axis=0).tolist()) if everything else ()
        share = next(
            share
            for position, share in enumerate(SHARES)
            if all(of[position] >= of[-1] - _TOLERANCE for of in kinds.values())
        )
        measure = f"title precision@{CUT}"
        chosen = SearchShare(share, measure, len(everything), values, kinds)
    else:
        # What nobody taught, and too little was tried on, is not served.
        chosen = SearchShare(0.0, f"title precision@{CUT}", len(everything), (), kinds)
    model.search_share.assign(chosen.share)
    return chosen


def _title_precisions(
    model: DeepCross, ranker: Ranker, queries: Sequence[HeadQuery], time: float
) -> dict[str, list[list[float]]]:
    """Title precision at each share, by kind and query."""
    found: dict[str, list[list[float]]] = {}
    holders = WordHolders(ranker.sources.catalog)
    for query in queries:
        mask = holders.mask(query)
        if not mask.any():
            continue
        event = Event("", EventType.SEARCH, "", time, query=query.text)
        session = Session.empty("").after(event)
        shortlist = ranker.rank(RankRequest(session, time, query.text))
        rule, residual = _parts(model, shortlist.features)
        orders = [np.argsort(-(rule + share * residual), kind="stable") for share in SHARES]
        rankings = [shortlist.rows[order] for order in orders]
        masks = {query.kind: mask}
        if query.kind != RARE:
            masks[f"{query.kind}: is it"] = holders.head_mask(query)
        for kind, of_kind in masks.items():
            if of_kind.any():
                cut = 1 if kind == RARE else CUT
                values = [title_precision(rows, of_kind, cut) for rows in rankings]
                found.setdefault(kind, []).append(values)
    return found


def _list_ndcg(model: DeepCross, lists: Lists, chosen: np.ndarray) -> tuple[float, ...]:
    values = []
    for number in chosen.tolist():
        present = lists.present[number]
        rule, residual = _parts(model, lists.features[number][present])
        gains = lists.labels[number][present]
        values.append([_ndcg(rule + share * residual, gains) for share in SHARES])
    return tuple(np.mean(values, axis=0).tolist())


def _parts(model: DeepCross, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rule's part of the scores, and the residual, ``[n]`` each."""
    model.search_share.assign(1.0)
    rule = model.rule(features).numpy()
    return rule, model(features).numpy() - rule


def _ndcg(scores: np.ndarray, gains: np.ndarray) -> float:
    """NDCG at ``CUT`` (Järvelin and Kekäläinen 2002), linear gains; stored order breaks no ties."""
    order = np.lexsort((gains, -scores))[:CUT]
    discounts = 1.0 / np.log2(np.arange(2, 2 + CUT))
    best = np.sort(gains)[::-1][:CUT]
    ideal = float(best @ discounts[: len(best)])
    return float(gains[order] @ discounts[: len(order)]) / max(ideal, 1e-9)
