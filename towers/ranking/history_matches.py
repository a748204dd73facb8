"""What each candidate has in common with the visitor's session and earlier purchases."""

from __future__ import annotations

import math

import numpy as np

from towers.compiled import F32, I32, I64, NONE, compiled, inlined, merged, read, records
from towers.indexes.inner_products import product
from towers.ranking.candidate_records import CANDIDATE, REQUEST
from towers.retrieval.candidates import Sources
from towers.retrieval.hashed_sums import empty_table, slot_of, sum_at, sums_by_key
from towers.retrieval.rank_request import EncodedRequest

_COMPARED_COUNT = 10
"""Newest session items that candidates are compared with."""
_FOLLOWED_COUNT = 5
_FOLLOWED_DECAY = 0.7
_NEVER_DAYS = np.float32(400.0)
_NO_COMPANIONS = np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32)


def match_history(
    encoded: EncodedRequest,
    sources: Sources,
    rows: np.ndarray,
    items: np.ndarray,
    request: np.ndarray,
) -> None:
    """Fills the records' fields of the session and of the purchases.

    Args:
        rows: ``[n] int64`` the candidates.
        items: ``[n] CANDIDATE``, with the catalogue's fields filled in.
        request: ``[1] REQUEST``.
    """
    summary, catalog, followers = encoded.summary, sources.catalog, sources.cooccurrence
    companions = (
        _NO_COMPANIONS if followers is None else (followers.companions, followers.follow_shares)
    )
    _match(
        *(items, request, rows, catalog.leaf, catalog.top, catalog.brand, catalog.price),
        *(sources.index.embeddings, *companions),
        *(summary.rows, summary.interest, summary.dwell_shares),
        *(summary.bought_rows, summary.bought_counts, summary.bought_days),
        encoded.rank_request.session.visit_count,
    )


@inlined
def _codes_at(column: np.ndarray, rows: np.ndarray) -> np.ndarray:
    codes = np.empty(len(rows), np.int64)
    for position in range(len(rows)):
        codes[position] = column[rows[position]]
    return codes


@inlined
def _total(weights: np.ndarray) -> float:
    total = 0.0
    for weight in weights:
        total += weight
    return total if total > 0 else 1.0


@merged
def _mean_log_price(price: np.ndarray, seen: np.ndarray) -> float:
    """Mean log of the known prices, 0 where none is known."""
    total, count = 0.0, 0
    for row in seen:
        if price[row] > 0:
            total += math.log(price[row])
            count += 1
    return total / max(count, 1)


@merged
def _follow_shares(
    companions: np.ndarray, follow_shares: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How often items follow the session's newest ones, with decaying weights, by row."""
    found = np.empty(_FOLLOWED_COUNT * companions.shape[1], np.int64)
    values = np.empty(len(found), np.float64)
    count = 0
    weight = 1.0
    for place in range(min(len(seen), _FOLLOWED_COUNT)):
        if seen[place] < len(companions):
            for column in range(companions.shape[1]):
                if companions[seen[place], column] >= 0:
                    found[count] = companions[seen[place], column]
                    values[count] = weight * follow_shares[seen[place], column]
                    count += 1
        weight *= _FOLLOWED_DECAY
    return sums_by_key(found[:count], values[:count])


@merged
def _match_session(
    items: np.ndarray,
    rows: np.ndarray,
    leaf: np.ndarray,
    top: np.ndarray,
    brand: np.ndarray,
    embeddings: np.ndarray,
    companions: np.ndarray,
    follow_shares: np.ndarray,
    seen: np.ndarray,
    interest: np.ndarray,
    dwell_shares: np.ndarray,
) -> None:
    total = _total(interest)
    leaf_keys, leaf_sums = sums_by_key(_codes_at(leaf, seen), interest)
    top_keys, top_sums = sums_by_key(_codes_at(top, seen), interest)
    brand_keys, brand_sums = sums_by_key(_codes_at(brand, seen), interest)
    follow_keys, follow_sums = _follow_shares(companions, follow_shares, seen)
    compared_count = min(len(seen), _COMPARED_COUNT)
    dwell_total = 0.0
    for place in range(compared_count):
        dwell_total += dwell_shares[place]
    for position in range(len(rows)):
        item, row = items[position], rows[position]
        item.category_share = sum_at(leaf_keys, leaf_sums, np.int64(item.leaf)) / total
        item.top_share = sum_at(top_keys, top_sums, np.int64(item.top)) / total
        item.session_brand_share = sum_at(brand_keys, brand_sums, np.int64(item.brand)) / total
        item.is_newest_category = item.leaf == leaf[seen[0]]
        item.follow_share = sum_at(follow_keys, follow_sums, row)
        nearest, similarity_sum, dwell_sum = np.float32(-2), 0.0, 0.0
        for place in range(compared_count):
            similarity = product(embeddings[row], embeddings[seen[place]])
            if place == 0:
                item.newest_similarity = similarity
            nearest = max(nearest, similarity)
            similarity_sum += similarity
            dwell_sum += similarity * dwell_shares[place]
        item.nearest_similarity = nearest
        item.mean_similarity = similarity_sum / compared_count
        item.dwell_similarity = dwell_sum / max(dwell_total, 1e-6)
        # From the oldest on, so that the newest occurrence of an item wins.
        for place in range(len(seen) - 1, -1, -1):
            if seen[place] == row:
                item.seen_count += 1
                item.seen_recency = 1.0 / (1.0 + place)
                item.longest_dwell = max(item.longest_dwell, dwell_shares[place])


@merged
def _match_purchases(
    items: np.ndarray,
    rows: np.ndarray,
    leaf: np.ndarray,
    brand: np.ndarray,
    bought: np.ndarray,
    counts: np.ndarray,
    days: np.ndarray,
) -> None:
    total = _total(counts)
    leaf_keys, leaf_sums = sums_by_key(_codes_at(leaf, bought), counts)
    brand_keys, brand_sums = sums_by_key(_codes_at(brand, bought), counts)
    keys = empty_table(len(bought))
    places = np.zeros(len(keys), np.int64)
    for place in range(len(bought)):
        slot = slot_of(keys, bought[place])
        keys[slot], places[slot] = bought[place], place
    for position in range(len(rows)):
        item, row = items[position], rows[position]
        item.bought_category_share = sum_at(leaf_keys, leaf_sums, np.int64(item.leaf)) / total
        item.bought_brand_share = sum_at(brand_keys, brand_sums, np.int64(item.brand)) / total
        slot = slot_of(keys, row)
        if keys[slot] == row:
            item.bought_count = counts[places[slot]]
            item.bought_days = days[places[slot]]


_COLUMNS = (records(CANDIDATE), records(REQUEST), read(I64), read(I32), read(I32), read(I32))
_TABLES = (read(F32), read(F32, 2), read(I32, 2), read(F32, 2))
_SESSION = (read(I64), read(F32), read(F32))
_BOUGHT = (read(I64), read(F32), read(F32), I64)


@compiled(NONE, *_COLUMNS, *_TABLES, *_SESSION, *_BOUGHT)
def _match(
    items: np.ndarray,
    requests: np.ndarray,
    rows: np.ndarray,
    leaf: np.ndarray,
    top: np.ndarray,
    brand: np.ndarray,
    price: np.ndarray,
    embeddings: np.ndarray,
    companions: np.ndarray,
    follow_shares: np.ndarray,
    seen: np.ndarray,
    interest: np.ndarray,
    dwell_shares: np.ndarray,
    bought: np.ndarray,
    counts: np.ndarray,
    days: np.ndarray,
    visit_count: int,
) -> None:
    request = requests[0]
    request.session_item_count, request.has_session = len(seen), len(seen) > 0
    request.bought_item_count, request.has_bought = len(bought), len(bought) > 0
    request.visit_count = visit_count
    for position in range(len(rows)):
        items[position].bought_days = _NEVER_DAYS
    if len(seen):
        request.mean_log_price = _mean_log_price(price, seen)
        _match_session(
            items,
            rows,
            leaf,
            top,
            brand,
            embeddings,
            companions,
            follow_shares,
            seen,
            interest,
            dwell_shares,
        )
    if len(bought):
        request.longest_bought_days = np.float32(1)
        for number in days:
            request.longest_bought_days = max(request.longest_bought_days, number)
        _match_purchases(items, rows, leaf, brand, bought, counts, days)
