"""The features of the reranker, for training and serving alike.

Each feature is one function here and is computed nowhere else: one finite float32 value per candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from towers.ranking.feature_context import FeatureContext
from towers.retrieval.candidates import SOURCES
from towers.retrieval.source import Source
from towers.retrieval.source_list import SOURCE_TYPES
from towers.text.tokens import PADDING

SEARCH_SCORE = "search_score"
IS_SEARCH = "is_search"
"""The features from which the reranker starts in a search."""

_FOLLOWED_COUNT = 5
_FOLLOWED_DECAY = 0.7
_LEAST_SHARE = 1e-5


@dataclass(frozen=True, slots=True)
class Feature:
    """A named column.

    Args:
        compute: Gives one value per candidate, ``[n]``, or one for all.
        needs: Attribute of the context without which the feature is 0 and not computed:
            ``has_session``, ``has_bought``, ``has_words`` or ``has_query``; empty: always computed.
        is_of_list: Whether the values depend on the list that the candidates are in, by ranks and
            scores of the sources or relative to the other candidates.
    """

    name: str
    compute: Callable[[FeatureContext], Any]
    needs: str = ""
    is_of_list: bool = False


def _word_share(context: FeatureContext) -> np.ndarray | float:
    """Share of the query's words that the item has, by token number."""
    return context.has_word.mean(axis=0) if len(context.has_word) else 0.0


def _rarity_share(context: FeatureContext) -> np.ndarray | float:
    """The same, weighted by inverse document frequency."""
    weights = context.word_weights
    return weights @ context.has_word / max(float(weights.sum()), 1e-6) if len(weights) else 0.0


def _heaviest_missing(context: FeatureContext) -> np.ndarray | float:
    """Weight of the heaviest word of the query that the item lacks."""
    missing = context.word_weights[:, None] * ~context.has_word
    return missing.max(axis=0, initial=0.0)


def _last_word(context: FeatureContext) -> np.ndarray | float:
    """Whether the item has the last word of the query, mostly the head noun."""
    return context.has_word[context.typed_count - 1] if context.typed_count else 0.0


def _item_share(context: FeatureContext) -> np.ndarray:
    """Share of the item's words that are in the query."""
    lengths = (context.tokens != PADDING).sum(axis=1)
    return context.has_word.sum(axis=0) / np.maximum(lengths, 1)


def _lexical_to_best(context: FeatureContext) -> np.ndarray:
    """Lexical score as a share of the best candidate's."""
    return _largest_as_one(context.lexical_scores, context)


def _semantic_to_best(context: FeatureContext) -> np.ndarray:
    """Difference to the cosine of the candidate whose text is nearest to the query."""
    scores = context.semantic_scores
    return scores - scores[context.listed].max(initial=-1.0)


def _mean_session_price(context: FeatureContext) -> float:
    prices = context.catalog.price[context.encoded.summary.rows]
    prices = prices[prices > 0]
    return float(np.log(prices).mean()) if len(prices) else 0.0


def _price_to_session(context: FeatureContext) -> np.ndarray | float:
    mean = _mean_session_price(context)
    known = context.price > 0
    return np.where(known, np.log(np.where(known, context.price, 1.0)) - mean, 0.0) if mean else 0.0


def _overdue(context: FeatureContext) -> np.ndarray:
    """Log ratio of days since the last purchase to the usual interval; 0 if never bought."""
    known_days = float(context.encoded.summary.bought_days.max(initial=1.0))
    usual = known_days / np.maximum(context.bought_count, 1.0)
    ratio = np.log((1.0 + context.bought_days) / (1.0 + usual))
    return np.where(context.bought_count > 0, ratio, 0.0)


def _followed_score(context: FeatureContext) -> np.ndarray | float:
    """How often each candidate follows the session's newest items, with decaying weights."""
    newest = context.encoded.summary.rows[:_FOLLOWED_COUNT]
    if context.sources.cooccurrence is None or not len(newest):
        return 0.0
    weights = (_FOLLOWED_DECAY ** np.arange(len(newest))).astype(np.float32)
    followers, shares = context.sources.cooccurrence.followers(newest, weights)
    # Summed for the candidates only.
    found, positions = context.among(followers)
    total = np.bincount(positions, weights=shares[found], minlength=len(context.rows))
    return np.sqrt(total.astype(np.float32))


def _newest_category_same(context: FeatureContext) -> np.ndarray | float:
    """Whether each candidate is of the category of the session's newest item."""
    seen = context.encoded.summary.rows
    return context.leaf == context.catalog.leaf[seen[0]] if len(seen) else 0.0


def _seen_recency(context: FeatureContext) -> np.ndarray:
    """Reciprocal recency in the session: 1 for the newest item, then 1/2 …; 0 if not seen."""
    seen, positions = context.seen
    values = np.zeros(len(context.rows))
    # From the oldest on, so that the newest occurrence of an item wins.
    values[positions[::-1]] = 1.0 / (1.0 + seen[::-1])
    return values


def _longest_dwell(context: FeatureContext) -> np.ndarray:
    """Longest dwell on each candidate in this session, 0 to 1."""
    seen, positions = context.seen
    values = np.zeros(len(context.rows), np.float32)
    np.maximum.at(values, positions, context.encoded.summary.dwell_shares[seen])
    return values


def _seen_count(context: FeatureContext) -> np.ndarray:
    """How often each candidate occurs in this session."""
    _, positions = context.seen
    return np.bincount(positions, minlength=len(context.rows))


def _dwell_similarity(context: FeatureContext) -> np.ndarray:
    """Mean similarity to the newest items, weighted by dwell."""
    dwell_shares = context.encoded.summary.dwell_shares[: context.to_session.shape[1]]
    if not len(dwell_shares):
        return np.zeros(len(context.rows))
    # Not `@`: for a matrix of five columns OpenBLAS 0.3.31 has an AVX-512 kernel that sums three
    # uninitialised floats, without using the result. Where these are a signalling NaN, NumPy warns of
    # an invalid value although all inputs are finite.
    return np.einsum("nk,k->n", context.to_session, dwell_shares) / max(
        float(dwell_shares.sum()), 1e-6
    )


def _largest_as_one(scores: np.ndarray, context: FeatureContext) -> np.ndarray:
    """Scores relative to the largest of the list, to be comparable across sessions."""
    return scores / max(float(scores[context.listed].max(initial=0.0)), 1e-6)


def _log_share(shares: np.ndarray) -> np.ndarray:
    """Log-scaled shares, in units of ``_LEAST_SHARE``; 0 stays 0."""
    return np.log1p(shares / _LEAST_SHARE)


def _blended(context: FeatureContext) -> np.ndarray:
    """Mean of the towers' and the session-kNN shares, a good score even untrained."""
    return _log_share((context.learnt_shares + context.neighbour_votes) / 2)


def _rank_feature(source: type[Source]) -> Feature:
    column = SOURCES.index(source.name)
    return Feature(
        f"{source.name}_rank", lambda context: context.source_ranks[column], is_of_list=True
    )


def _score_feature(source: type[Source]) -> Feature:
    return Feature(
        f"{source.scored_as}_score", lambda s: s.source_score(source.name), is_of_list=True
    )


def _share_feature(source: type[Source]) -> Feature:
    return Feature(
        f"{source.scored_as}_share",
        lambda s: _largest_as_one(s.source_score(source.name), s),
        is_of_list=True,
    )


_SCORED = [source for source in SOURCE_TYPES if source.scored_as]


FEATURES: tuple[Feature, ...] = (
    Feature("learnt_score", lambda s: s.learnt_scores),
    Feature("learnt_to_best", lambda s: s.learnt_to_best, is_of_list=True),
    *map(_rank_feature, SOURCE_TYPES),
    Feature("semantic_score", lambda s: s.semantic_scores, "has_query"),
    Feature("semantic_to_best", _semantic_to_best, "has_query", is_of_list=True),
    Feature("lexical_score", lambda s: s.lexical_scores, "has_words", is_of_list=True),
    Feature("lexical_to_best", _lexical_to_best, "has_words", is_of_list=True),
    Feature("code_match", lambda s: s.has_code, "has_words", is_of_list=True),
    *map(_score_feature, _SCORED),
    *map(_share_feature, _SCORED),
    Feature("learnt_log_share", lambda s: _log_share(s.learnt_shares), is_of_list=True),
    Feature(
        "neighbour_log_vote",
        lambda s: _log_share(s.neighbour_votes),
        "has_session",
        is_of_list=True,
    ),
    Feature("blended", _blended, is_of_list=True),
    Feature("followed_score", _followed_score, "has_session"),
    Feature("source_count", lambda s: s.is_found_by.sum(axis=0), is_of_list=True),
    Feature("query_word_share", _word_share, "has_words"),
    Feature("query_rarity_share", _rarity_share, "has_words"),
    Feature("heaviest_missing", _heaviest_missing, "has_words"),
    Feature("query_pair_share", lambda s: s.pair_share, "has_words"),
    Feature("last_word", _last_word, "has_words"),
    Feature("item_word_share", _item_share, "has_words"),
    Feature(SEARCH_SCORE, lambda s: s.search_score, "has_query", is_of_list=True),
    Feature("title_share", lambda s: s.fields.title_share, "has_query"),
    Feature("leaf_share", lambda s: s.fields.leaf_share, "has_query"),
    Feature("brand_share", lambda s: s.fields.brand_share, "has_query"),
    Feature("field_share", lambda s: s.fields.field_share, "has_query"),
    Feature("title_coverage", lambda s: s.fields.title_coverage, "has_query"),
    Feature("leaf_coverage", lambda s: s.fields.leaf_coverage, "has_query"),
    Feature("head_in_title", lambda s: s.fields.head_in_title, "has_query"),
    Feature("head_in_leaf", lambda s: s.fields.head_in_leaf, "has_query"),
    Feature("head_is_title_head", lambda s: s.fields.head_is_title_head, "has_query"),
    Feature("head_position", lambda s: s.fields.head_position, "has_query"),
    Feature("query_word_count", lambda s: s.typed_count),
    Feature(IS_SEARCH, lambda s: s.encoded.is_search),
    Feature("bought_count", lambda s: np.log1p(s.bought_count), "has_bought"),
    Feature(
        "bought_share",
        lambda s: s.bought_count / max(1, s.encoded.rank_request.session.visit_count),
        "has_bought",
    ),
    Feature("bought_days", lambda s: np.log1p(s.bought_days)),
    Feature("overdue", _overdue, "has_bought"),
    Feature("history_item_count", lambda s: np.log1p(len(s.encoded.summary.bought_rows))),
    Feature("history_category_share", lambda s: s.history_share(s.catalog.leaf), "has_bought"),
    Feature("history_brand_share", lambda s: s.history_share(s.catalog.brand), "has_bought"),
    Feature("popularity", lambda s: np.log1p(s.long_popularity)),
    Feature("recent_popularity", lambda s: np.log1p(s.recent_popularity)),
    Feature(
        "trend",
        lambda s: np.log((1 + s.recent_popularity) / (1 + s.long_popularity)),
    ),
    Feature(
        "surge",
        lambda s: np.log((1 + s.present_popularity) / (1 + s.recent_popularity)),
    ),
    Feature("rebuy_share", lambda s: s.sources.repurchase.at(s.rows, s.catalog)),
    Feature("completeness", lambda s: s.catalog.completeness[s.rows]),
    Feature("price", lambda s: np.log1p(s.price)),
    Feature("price_to_session", _price_to_session, "has_session"),
    Feature("session_event_count", lambda s: np.log1p(len(s.encoded.summary.rows))),
    Feature("session_category_share", lambda s: s.session_share(s.catalog.leaf), "has_session"),
    Feature("session_top_share", lambda s: s.session_share(s.catalog.top), "has_session"),
    Feature("session_brand_share", lambda s: s.session_share(s.catalog.brand), "has_session"),
    Feature("newest_category_same", _newest_category_same, "has_session"),
    Feature("newest_similarity", lambda s: s.to_session[:, 0], "has_session"),
    Feature("nearest_similarity", lambda s: s.to_session.max(axis=1), "has_session"),
    Feature("mean_similarity", lambda s: s.to_session.mean(axis=1), "has_session"),
    Feature("looked_at_similarity", _dwell_similarity, "has_session"),
    Feature("longest_look", _longest_dwell, "has_session"),
    Feature("seen_count", _seen_count, "has_session"),
    Feature("seen_place", _seen_recency, "has_session"),
)

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


_NUMBERED = [*enumerate(FEATURES)]
_OF_LIST = [(number, feature) for number, feature in _NUMBERED if feature.is_of_list]


def feature_matrix(context: FeatureContext, in_other_list: np.ndarray | None = None) -> np.ndarray:
    """All features of all candidates, ``[candidates, features] float32``.

    Args:
        in_other_list: The features of the context that this one was relisted from.
    """
    if in_other_list is None:
        features, matrix = _NUMBERED, np.zeros((len(FEATURES), len(context.rows)), np.float32)
    else:
        features, matrix = _OF_LIST, in_other_list.T.copy()
    for number, feature in features:
        if not feature.needs or getattr(context, feature.needs):
            matrix[number] = feature.compute(context)
    return np.ascontiguousarray(matrix.T)
