"""Rule-based adjustments of the model's scores, by name, for what logs are too sparse to learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from towers.optional_stages import finite
from towers.ranking.exact_codes import exact_code_lift, may_have_code
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sparse_scores import SparseScores
from towers.text.understood import UnderstoodKind, UnderstoodUse

NEGATIVE_FEEDBACK = "negative_feedback"
SURGE = "surge"
LOW_PRICE = "low_price"
EXACT_CODE = "exact_code"

_LEAST_SIMILARITY = 0.3
"""Cosine up to which negative feedback on one item never affects another."""
_REACH = 0.02
"""Share of the catalogue, the nearest to a disliked item, that is affected at most. How close embeddings
lie depends on the catalogue: a cosine of .3 is exceeded by .7 % of the pairs of items of a hardware shop
and by 81 % of a small Chinese one's."""
_REACH_SAMPLE = 1_024
_LIKED_INTEREST = 2.0
"""Least interest of a liked item: more than a view."""
_PUSH_SPREADS = 3.0
"""Penalty of a disliked item, in standard deviations of the answer's scores."""
_LOW_PRICE_SPREADS = 2.5
"""Lift of the lowest price over the highest, in standard deviations of the relevant items' scores."""


def adjustments_of(
    sources: Sources,
    encoded: EncodedRequest,
    candidates: Candidates,
    model_scores: np.ndarray,
    missing: list[str],
) -> Mapping[str, np.ndarray]:
    """The adjustments that affect any candidate, ``[n] float32`` each.

    Args:
        model_scores: ``[n] float32``.
        missing: Receives the names of adjustments that failed.
    """
    rules: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    # The order matters: a lift to the top is relative to scores with the earlier adjustments.
    if len(encoded.summary.disliked_rows):
        rules[NEGATIVE_FEEDBACK] = partial(feedback_push, sources, encoded, candidates.rows)
    if not has_hint(encoded):
        rules[SURGE] = partial(surge_lift, sources, encoded, candidates.rows)
    if encoded.is_search and encoded.query.conditions.has(UnderstoodUse.PREFERENCE):
        rules[LOW_PRICE] = partial(low_price_lift, sources, encoded, candidates.rows)
    if encoded.is_search and may_have_code(encoded.query, sources.catalog):
        rules[EXACT_CODE] = partial(exact_code_lift, encoded, candidates, sources.catalog)
    for name, lift in encoded.rank_request.lifts.items():
        rules[name] = partial(_of_placement, lift, candidates.rows)
    found: dict[str, np.ndarray] = {}
    total, nothing = model_scores, np.zeros(0, np.float32)
    for name, adjust in rules.items():
        column = sources.stages.run(name, partial(_finite, adjust, total), nothing, missing)
        if np.count_nonzero(column):
            found[name] = column
            total = total + column
    return found


def _finite(adjust: Callable[[np.ndarray], np.ndarray], scores: np.ndarray) -> np.ndarray:
    return finite(adjust(scores))


def _of_placement(lift: SparseScores, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return lift.at(rows)


def feedback_push(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Penalties of items with negative feedback and of similar ones: ``[n] float32``, at most 0.

    A rule, since few logs have enough bad reviews to learn from. In units of the standard deviation of
    ``scores``, growing linearly with similarity: full for the disliked item itself, none for what is
    as similar to a liked one.
    """
    embeddings, summary = sources.index.embeddings, encoded.summary
    disliked = embeddings[summary.disliked_rows]
    of_candidates = embeddings[rows]
    similarity = of_candidates @ disliked.T
    least = np.broadcast_to(
        _least_similarity(embeddings[: sources.catalog.count], disliked), similarity.shape
    )
    liked = embeddings[summary.rows[summary.interest >= _LIKED_INTEREST]]
    if len(liked):
        least = np.maximum(least, (of_candidates @ liked.T).max(axis=1)[:, None])
    share = np.clip((similarity - least) / np.maximum(1.0 - least, 1e-6), 0.0, 1.0).max(axis=1)
    # Also where a liked item has the same text.
    share[np.isin(rows, summary.disliked_rows)] = 1.0
    spread = float(scores.std()) if len(scores) > 1 else 1.0
    return np.asarray(-_PUSH_SPREADS * spread * share, np.float32)


def _least_similarity(embeddings: np.ndarray, disliked: np.ndarray) -> np.ndarray:
    """Cosine to each disliked item from which on others are affected, ``[k]``, by evenly spaced rows."""
    sample = embeddings[:: max(1, len(embeddings) // _REACH_SAMPLE)]
    similarity = np.sort(sample @ disliked.T, axis=0)
    reached = similarity[len(sample) - 1 - int(_REACH * len(sample))]
    return np.asarray(np.maximum(reached, _LEAST_SIMILARITY))


def surge_lift(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Lifts of surging items, for visitors who have shown no intent, ``[n] float32``.

    A rule, since logs have few promotions. What surges, ``Popular.is_surging`` says.
    """
    time = encoded.rank_request.time
    is_surging = sources.popular.is_surging(rows, time)
    if not is_surging.any():
        return np.zeros(len(rows), np.float32)
    # Just to the top; among surging items the strongest surge leads.
    lead = np.log1p(sources.surge.at(rows, time)) * is_surging
    to_top = scores.max(initial=-np.inf) - scores + lead
    return np.where(is_surging, to_top, 0.0).astype(np.float32)


def low_price_lift(
    sources: Sources, encoded: EncodedRequest, rows: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Lifts of low prices for a query such as "cheap watch", ``[n] float32``, at least 0.

    Only items that match the query's words are lifted, and that are in the category that it names, if
    it names one: a strap is no cheap watch. Items without a price are not lifted.
    """
    catalog, lexical = sources.catalog, sources.lexical
    price, leaf = catalog.price[rows], catalog.leaf[rows]
    is_relevant = np.isfinite(price)
    if lexical is not None:
        is_relevant &= np.isin(rows, lexical.matching_rows(encoded.query))
    named = {n.value for n in encoded.query.names if n.kind is UnderstoodKind.CATEGORY}
    if named:
        inside = [one for one in set(leaf.tolist()) if named & {*catalog.category_path(one)}]
        is_relevant &= np.isin(leaf, inside)
    lifts = np.zeros(len(rows), np.float32)
    relevant = np.flatnonzero(is_relevant)
    if len(relevant) > 1:
        prices, leaves = price[relevant], leaf[relevant]
        # Half by the price among all, half by that within the category: if the query names none,
        # what merely goes with the thing is often cheaper than the thing.
        everywhere = cheapness(prices, np.ones((len(relevant), len(relevant)), bool))
        cheap = (everywhere + cheapness(prices, leaves[:, None] == leaves)) / 2
        spread = float(scores[relevant].std()) or 1.0
        lifts[relevant] = _LOW_PRICE_SPREADS * spread * cheap
    return lifts


def cheapness(prices: np.ndarray, are_peers: np.ndarray) -> np.ndarray:
    """Share of an item's peers that are dearer, ties by half, ``[n] float64``; ½ without peers.

    Args:
        prices: ``[n]``, none missing.
        are_peers: ``[n, n] bool``, symmetric, true on the diagonal.
    """
    dearer = (are_peers & (prices[:, None] < prices)).sum(axis=1)
    ties = (are_peers & (prices[:, None] == prices)).sum(axis=1) - 1
    others = are_peers.sum(axis=1) - 1
    return np.where(others > 0, (dearer + ties / 2) / np.maximum(others, 1), 0.5)


def has_hint(encoded: EncodedRequest) -> bool:
    """Whether anything shows this visitor's intent.

    A query, any event of the session (also a search without clicks), past purchases, negative feedback,
    or the page itself.
    """
    session = encoded.rank_request.session
    return bool(
        encoded.is_search
        or encoded.rank_request.has_page_hint
        or session.events
        or session.bought
        or session.disliked
    )
