"""A request with its candidates, as the records that features are computed from."""

from __future__ import annotations

import numpy as np

from towers.compiled import BOOL, F32, F64, I32, I64, compiled, inlined, merged, read, records
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.ranking.field_matches import match_fields
from towers.ranking.history_matches import match_history
from towers.ranking.list_scores import score_list
from towers.ranking.word_matches import match_words
from towers.retrieval.candidates import Candidates, Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sources.repurchase import rate_of


class FeatureContext:
    """A request with its candidates.

    Args:
        candidates: In any order.
        listed_count: Only the first so many candidates make up the list that list-relative features
            are computed against, for all candidates. None: all.
        described_count: Only the first so many candidates are asked for; of the others is read what
            list-relative features need. None: all.

    Attributes:
        items: ``[described] CANDIDATE``.
        request: ``[1] REQUEST``.
    """

    def __init__(
        self,
        encoded: EncodedRequest,
        candidates: Candidates,
        sources: Sources,
        listed_count: int | None = None,
        described_count: int | None = None,
    ) -> None:
        listed, catalog = candidates.rows, sources.catalog
        every, self.request = np.zeros(len(listed), CANDIDATE), np.zeros(1, REQUEST)
        self.items, rows = every[:described_count], listed[:described_count]
        items = self.items
        request, time = self.request, encoded.rank_request.time
        # Compiled loops do not check: a row that a column lacks must end here.
        summary, repurchase, popular = encoded.summary, sources.repurchase, sources.popular
        limit = min(len(catalog.leaf), len(catalog.title_heads), len(sources.index.embeddings))
        long, long_decay = popular.popularity.decayed(time)
        recent, recent_decay = popular.trend.decayed(time)
        present, present_decay = popular.surge.decayed(time)
        are_known = _read_items(
            *(listed, summary.rows, summary.bought_rows, limit),
            *(items, catalog.leaf, catalog.top, catalog.brand, catalog.price),
            *(catalog.completeness, long, recent, present),
            *(long_decay, recent_decay, present_decay),
            *(repurchase.of_items, repurchase.of_categories, repurchase.of_shop),
        )
        if not are_known:
            raise IndexError(f"rows: expected 0 to {limit - 1:,}, received others")
        word_count = match_words(
            encoded.query, catalog.text.bucket_count, catalog.tokens, rows, items, request
        )
        # Of the request itself: a pending search of the session wants no more than its words.
        has_query = encoded.is_search and word_count > 0
        request["is_search"], request["has_query"] = encoded.is_search, has_query
        term_count = match_fields(encoded.query, catalog, rows, items) if has_query else 0
        score_list(
            *(encoded, candidates, sources, every, request),
            listed_count=len(listed) if listed_count is None else listed_count,
            term_count=term_count,
            has_query=has_query,
        )
        match_history(encoded, sources, rows, items, request)

    @property
    def search_score(self) -> np.ndarray:
        """Score of a search by a fixed rule, ``[n] float32``: fused sources and matched fields.

        What a search is ranked by where nothing is learnt, and what the reranker starts from.
        """
        return np.ascontiguousarray(self.items["search_score"])


@merged
def _are_below(rows: np.ndarray, seen: np.ndarray, bought: np.ndarray, limit: int) -> bool:
    is_below = True
    for used in (rows, seen, bought):
        for row in used:
            is_below &= 0 <= row < limit
    return is_below


@inlined
def _count_at(counts: np.ndarray, row: int, decay: float) -> float:
    return counts[row] * decay if row < len(counts) else 0.0


_ROWS = (read(I64), read(I64), read(I64), I64)
_ITEMS = (records(CANDIDATE), read(I32), read(I32), read(I32), read(F32), read(F32))
_DEMAND = (read(F64), read(F64), read(F64), F64, F64, F64)
_REPURCHASE = (read(F32), read(F32), F64)


@compiled(BOOL, *_ROWS, *_ITEMS, *_DEMAND, *_REPURCHASE)
def _read_items(
    rows: np.ndarray,
    seen: np.ndarray,
    bought: np.ndarray,
    limit: int,
    items: np.ndarray,
    leaf: np.ndarray,
    top: np.ndarray,
    brand: np.ndarray,
    price: np.ndarray,
    completeness: np.ndarray,
    long: np.ndarray,
    recent: np.ndarray,
    present: np.ndarray,
    long_decay: float,
    recent_decay: float,
    present_decay: float,
    rates: np.ndarray,
    category_rates: np.ndarray,
    shop_rate: float,
) -> bool:
    """Reads the columns of the first of ``rows``; false where any row is not below ``limit``."""
    if not _are_below(rows, seen, bought, limit):
        return False
    for position in range(len(items)):
        item, row = items[position], rows[position]
        item.leaf, item.top, item.brand = leaf[row], top[row], brand[row]
        item.price = price[row] if price[row] == price[row] else np.float32(0)
        item.completeness = completeness[row]
        item.long_popularity = _count_at(long, row, long_decay)
        item.recent_popularity = _count_at(recent, row, recent_decay)
        item.present_popularity = _count_at(present, row, present_decay)
        item.repurchase_rate = rate_of(rates, category_rates, shop_rate, row, leaf[row])
    return True
