"""The features of the reranker, for training and serving alike.

Each feature is one function of a candidate and the request here, and is computed nowhere else: one finite
float32 value per candidate. All of them run in one compiled loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from towers.compiled import F32, Function, generated, inlined, merged, records, written
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.ranking.feature_context import FeatureContext
from towers.retrieval.candidates import SOURCES
from towers.retrieval.source import Source
from towers.retrieval.source_list import SOURCE_TYPES

SEARCH_SCORE = "search_score"
IS_SEARCH = "is_search"
"""The features from which the reranker starts in a search."""

_LEAST_SHARE = 1e-5


@dataclass(frozen=True, slots=True)
class Feature:
    """A named column.

    Args:
        compute: The value of a candidate, from its record and that of the request
            (``candidate_records``).
        needs: Flag of the request without which the feature is 0 and not computed: ``has_session``,
            ``has_bought``, ``has_words`` or ``has_query``; empty: always computed.
    """

    name: str
    compute: Callable[[Any, Any], Any]
    needs: str = ""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the candidate's record, which the loop reads itself: functions take long to compile."""

    name: str

    def __call__(self, item: Any, request: Any) -> Any:
        return getattr(item, self.name)


@merged
def _log_share(share: float) -> float:
    """A log-scaled share, in units of ``_LEAST_SHARE``; 0 stays 0."""
    return math.log1p(share / _LEAST_SHARE)


def _learnt_to_best(item: Any, request: Any) -> Any:
    """Difference to the candidate that is nearest to the query embedding."""
    return item.learnt_score - request.best_learnt


def _semantic_to_best(item: Any, request: Any) -> Any:
    """Difference to the cosine of the candidate whose text is nearest to the query."""
    return item.semantic_score - request.best_semantic


def _lexical_to_best(item: Any, request: Any) -> Any:
    """Lexical score as a share of the best candidate's."""
    return item.lexical_score / max(request.best_lexical, 1e-6)


def _blended(item: Any, request: Any) -> Any:
    """Mean of the towers' and the session-kNN shares, a good score even untrained."""
    return _log_share((item.learnt_share + item.neighbour_vote) / 2)


def _rarity_share(item: Any, request: Any) -> Any:
    """Share of the query's words that the item has, weighted by inverse document frequency."""
    return item.rarity_sum / max(request.rarity_sum, 1e-6)


def _overdue(item: Any, request: Any) -> Any:
    """Log ratio of days since the last purchase to the usual interval; 0 if never bought."""
    if item.bought_count <= 0:
        return 0.0
    usual = request.longest_bought_days / max(item.bought_count, 1.0)
    return math.log((1.0 + item.bought_days) / (1.0 + usual))


def _trend(item: Any, request: Any) -> Any:
    """Demand of the last days against that of the last months."""
    return math.log((1 + item.recent_popularity) / (1 + item.long_popularity))


def _surge(item: Any, request: Any) -> Any:
    """Demand of this hour against that of the last days."""
    return math.log((1 + item.present_popularity) / (1 + item.recent_popularity))


def _price_to_session(item: Any, request: Any) -> Any:
    """Log ratio of the price to the geometric mean of the session's prices; 0 where unknown."""
    if item.price <= 0 or request.mean_log_price == 0:
        return 0.0
    return math.log(item.price) - request.mean_log_price


def _rank_feature(source: type[Source]) -> Feature:
    column = SOURCES.index(source.name)
    return Feature(f"{source.name}_rank", lambda item, request: item.source_ranks[column])


def _score_feature(source: type[Source]) -> Feature:
    column = SOURCES.index(source.name)
    return Feature(f"{source.scored_as}_score", lambda item, request: item.source_scores[column])


def _share_feature(source: type[Source]) -> Feature:
    """Score relative to the largest of the list, to be comparable across sessions."""
    column = SOURCES.index(source.name)

    def share(item: Any, request: Any) -> Any:
        return item.source_scores[column] / max(request.best_source_scores[column], 1e-6)

    return Feature(f"{source.scored_as}_share", share)


_SCORED = [source for source in SOURCE_TYPES if source.scored_as]

FEATURES: tuple[Feature, ...] = (
    Feature("learnt_score", _Field("learnt_score")),
    Feature("learnt_to_best", _learnt_to_best),
    *map(_rank_feature, SOURCE_TYPES),
    Feature("semantic_score", _Field("semantic_score"), "has_query"),
    Feature("semantic_to_best", _semantic_to_best, "has_query"),
    Feature("lexical_score", _Field("lexical_score"), "has_words"),
    Feature("lexical_to_best", _lexical_to_best, "has_words"),
    Feature("code_match", _Field("has_code"), "has_words"),
    *map(_score_feature, _SCORED),
    *map(_share_feature, _SCORED),
    Feature("learnt_log_share", lambda item, request: _log_share(item.learnt_share)),
    Feature(
        "neighbour_log_vote", lambda item, request: _log_share(item.neighbour_vote), "has_session"
    ),
    Feature("blended", _blended),
    Feature("followed_score", lambda item, request: math.sqrt(item.follow_share), "has_session"),
    Feature("source_count", _Field("source_count")),
    # The query's words anywhere in the item.
    Feature(
        "query_word_share", lambda item, request: item.word_count / request.word_count, "has_words"
    ),
    Feature("query_rarity_share", _rarity_share, "has_words"),
    Feature("heaviest_missing", _Field("heaviest_missing"), "has_words"),
    Feature("query_pair_share", _Field("pair_share"), "has_words"),
    Feature("last_word", _Field("has_last_word"), "has_words"),
    Feature(
        "item_word_share",
        lambda item, request: item.word_count / max(item.item_word_count, 1),
        "has_words",
    ),
    Feature(SEARCH_SCORE, _Field("search_score"), "has_query"),
    # The query's terms by field.
    Feature("title_share", _Field("title_share"), "has_query"),
    Feature("leaf_share", _Field("leaf_share"), "has_query"),
    Feature("brand_share", _Field("brand_share"), "has_query"),
    Feature("field_share", _Field("field_share"), "has_query"),
    Feature("title_coverage", _Field("title_coverage"), "has_query"),
    Feature("leaf_coverage", _Field("leaf_coverage"), "has_query"),
    Feature("head_in_title", _Field("head_in_title"), "has_query"),
    Feature("head_in_leaf", _Field("head_in_leaf"), "has_query"),
    Feature("head_is_title_head", _Field("head_is_title_head"), "has_query"),
    Feature("head_position", _Field("head_position"), "has_query"),
    Feature("query_word_count", lambda item, request: request.typed_count),
    Feature(IS_SEARCH, lambda item, request: request.is_search),
    # What the visitor bought before.
    Feature("bought_count", lambda item, request: math.log1p(item.bought_count), "has_bought"),
    Feature(
        "bought_share",
        lambda item, request: item.bought_count / max(1, request.visit_count),
        "has_bought",
    ),
    Feature("bought_days", lambda item, request: math.log1p(item.bought_days)),
    Feature("overdue", _overdue, "has_bought"),
    Feature("history_item_count", lambda item, request: math.log1p(request.bought_item_count)),
    Feature("history_category_share", _Field("bought_category_share"), "has_bought"),
    Feature("history_brand_share", _Field("bought_brand_share"), "has_bought"),
    # The item itself.
    Feature("popularity", lambda item, request: math.log1p(item.long_popularity)),
    Feature("recent_popularity", lambda item, request: math.log1p(item.recent_popularity)),
    Feature("trend", _trend),
    Feature("surge", _surge),
    Feature("rebuy_share", _Field("repurchase_rate")),
    Feature("completeness", _Field("completeness")),
    Feature("price", lambda item, request: math.log1p(item.price)),
    # The session.
    Feature("price_to_session", _price_to_session, "has_session"),
    Feature("session_event_count", lambda item, request: math.log1p(request.session_item_count)),
    Feature("session_category_share", _Field("category_share"), "has_session"),
    Feature("session_top_share", _Field("top_share"), "has_session"),
    Feature("session_brand_share", _Field("session_brand_share"), "has_session"),
    Feature("newest_category_same", _Field("is_newest_category"), "has_session"),
    Feature("newest_similarity", _Field("newest_similarity"), "has_session"),
    Feature("nearest_similarity", _Field("nearest_similarity"), "has_session"),
    Feature("mean_similarity", _Field("mean_similarity"), "has_session"),
    Feature("looked_at_similarity", _Field("dwell_similarity"), "has_session"),
    Feature("longest_look", _Field("longest_dwell"), "has_session"),
    Feature("seen_count", _Field("seen_count"), "has_session"),
    Feature("seen_place", _Field("seen_recency"), "has_session"),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def _loop() -> Function:
    """All features in one loop over the candidates."""
    names: dict[str, Function] = {}
    lines = [
        "def feature_loop(items, requests, matrix):",
        "    request = requests[0]",
        "    for row in range(len(items)):",
        "        item = items[row]",
    ]
    for number, feature in enumerate(FEATURES):
        needed = f"if request.{feature.needs}: " if feature.needs else ""
        if isinstance(feature.compute, _Field):
            value = f"item.{feature.compute.name}"
        else:
            value = f"feature_{number}(item, request)"
            names[f"feature_{number}"] = inlined(feature.compute)
        lines.append(f"        {needed}matrix[row, {number}] = {value}")
    signature = (records(CANDIDATE), records(REQUEST), written(F32, 2))
    return generated("feature_loop", "\n".join(lines) + "\n", names, signature)


_feature_loop = _loop()


def feature_matrix(context: FeatureContext) -> np.ndarray:
    """All features of all candidates, ``[candidates, features] float32``."""
    matrix = np.zeros((len(context.items), len(FEATURES)), np.float32)
    _feature_loop(context.items, context.request, matrix)
    return matrix
