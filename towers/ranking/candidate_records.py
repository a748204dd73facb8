"""What features read: one record per candidate, and one of the request, filled by compiled loops."""

from __future__ import annotations

import numpy as np

from towers.retrieval.candidates import SOURCES

_PER_SOURCE = (len(SOURCES),)

CANDIDATE = np.dtype(
    [
        # The item itself: price 0 where unknown; demand as decayed counts.
        ("leaf", np.int32),
        ("top", np.int32),
        ("brand", np.int32),
        ("price", np.float32),
        ("completeness", np.float32),
        ("repurchase_rate", np.float32),
        ("long_popularity", np.float64),
        ("recent_popularity", np.float64),
        ("present_popularity", np.float64),
        # Cosines with the query embedding, and with the query's text vector.
        ("learnt_score", np.float32),
        ("semantic_score", np.float32),
        # Of the sources: 1 at the top of a list, falling to 0; 0 where it did not find the item.
        ("source_ranks", np.float32, _PER_SOURCE),
        ("source_scores", np.float32, _PER_SOURCE),
        ("source_count", np.int32),
        ("lexical_score", np.float32),
        ("has_code", np.bool_),
        ("learnt_share", np.float32),
        ("neighbour_vote", np.float32),
        # The query's stems anywhere in the item.
        ("word_count", np.int32),
        ("item_word_count", np.int32),
        ("rarity_sum", np.float32),
        ("heaviest_missing", np.float32),
        ("has_last_word", np.bool_),
        ("pair_share", np.float32),
        # The query's terms by field, as ``field_matches`` gives them.
        ("title_share", np.float32),
        ("leaf_share", np.float32),
        ("brand_share", np.float32),
        ("field_share", np.float32),
        ("title_coverage", np.float32),
        ("leaf_coverage", np.float32),
        ("head_in_title", np.bool_),
        ("head_in_leaf", np.bool_),
        ("head_is_title_head", np.bool_),
        ("head_position", np.float32),
        ("search_score", np.float32),
        # The session: similarity to its newest items, shares of its interest.
        ("newest_similarity", np.float32),
        ("nearest_similarity", np.float32),
        ("mean_similarity", np.float32),
        ("dwell_similarity", np.float32),
        ("category_share", np.float32),
        ("top_share", np.float32),
        ("session_brand_share", np.float32),
        ("is_newest_category", np.bool_),
        ("follow_share", np.float32),
        ("longest_dwell", np.float32),
        ("seen_count", np.int32),
        ("seen_recency", np.float32),
        # Purchases: shares of their number.
        ("bought_count", np.float32),
        ("bought_days", np.float32),
        ("bought_category_share", np.float32),
        ("bought_brand_share", np.float32),
    ],
    align=True,
)
"""One candidate; what the request has nothing for is 0."""

REQUEST = np.dtype(
    [
        ("has_session", np.bool_),
        ("has_bought", np.bool_),
        ("has_words", np.bool_),
        ("has_query", np.bool_),
        ("is_search", np.bool_),
        # The words: as typed, and with replacements.
        ("typed_count", np.int32),
        ("word_count", np.int32),
        ("rarity_sum", np.float32),
        # Of the list: its best scores.
        ("best_learnt", np.float32),
        ("best_semantic", np.float32),
        ("best_lexical", np.float32),
        ("best_source_scores", np.float32, _PER_SOURCE),
        # The session and the past: ``mean_log_price`` 0 where no price is known.
        ("session_item_count", np.int32),
        ("mean_log_price", np.float32),
        ("bought_item_count", np.int32),
        ("longest_bought_days", np.float32),
        ("visit_count", np.int32),
    ],
    align=True,
)
"""The request, and the list that its candidates make up."""
