"""Items whose id, SKU, model or part number is in the query are ranked first."""

from __future__ import annotations

import numpy as np

from towers.catalog.items import Catalog
from towers.compiled import BOOL, F32, I32, I64, compiled, read, written
from towers.indexes.lexical_index import CODE_SCORE
from towers.retrieval.candidates import SOURCES, Candidates, Sources
from towers.retrieval.hashed_sums import position_of
from towers.retrieval.rank_request import EncodedRequest
from towers.text.parsed_query import ParsedQuery
from towers.text.product_codes import own_number

_CODE_SCORE = np.float32(CODE_SCORE)
_LEAD_SPREADS = 100.0
"""Standard deviations of an answer's scores between tiers: more than all boosts of rules together."""


def typed_row(query: ParsedQuery, catalog: Catalog) -> int:
    """Row of the item whose id the text is, −1 if there is none.

    Ids are told apart by case; but a shopper types that of a label in small letters. So a text with a
    digit that is no word of any item may be an id in all capitals or all small letters: ``4k`` is not
    the item ``4K`` of a shop of screens.
    """
    row_of, text = catalog.row_of, query.text
    row = row_of.get(text, -1)
    if row < 0 and any(map(str.isdigit, text)) and not any(query.rarities):
        row = row_of.get(text.upper(), row_of.get(text.lower(), -1))
    return row


def with_typed_item(sources: Sources, encoded: EncodedRequest, found: Candidates) -> Candidates:
    """The candidates, plus the item whose id the query is, if it is allowed.

    The lexical index finds codes with digits only; an id may be short, or a word.
    """
    rank_request = encoded.rank_request
    row = typed_row(encoded.query, sources.catalog) if rank_request.text else -1
    if (
        row < 0
        or row in found.rows
        or not len(sources.only_allowed(rank_request, np.array([row], np.int64)))
    ):
        return found
    position = int(np.searchsorted(found.rows, row))
    ranks = np.full(len(SOURCES), -1, np.int32)
    ranks[SOURCES.index("lexical")] = 0
    return Candidates(
        np.insert(found.rows, position, row),
        np.insert(found.ranks, position, ranks, axis=0),
        found.scores,
        found.missing,
    )


def may_have_code(query: ParsedQuery, catalog: Catalog) -> bool:
    """Whether an item may match a code in the query; only then there are lifts."""
    return bool(query.product_codes) or typed_row(query, catalog) >= 0


def exact_code_lift(
    encoded: EncodedRequest, candidates: Candidates, catalog: Catalog, scores: np.ndarray
) -> np.ndarray:
    """Lifts of items matched by a code, above all others and in tiers, ``[n] float32``.

    From below: items with any code in the query; items whose own id it is; the item whose id is the
    query as typed. Within a tier the order of ``scores`` is kept.
    """
    lifts = np.zeros(len(scores), np.float32)
    tiers = _tiers(encoded.query, candidates, catalog)
    if not np.count_nonzero(tiers):
        return lifts
    lead = np.float32(_LEAD_SPREADS * (float(scores.std()) or 1.0))
    for tier in np.unique(tiers[tiers > 0]).tolist():
        inside = tiers == tier
        below = (scores + lifts)[tiers < tier]
        if len(below):
            lifts[inside] = max(0.0, float(below.max() - scores[inside].min())) + lead
    return lifts


def _tiers(query: ParsedQuery, candidates: Candidates, catalog: Catalog) -> np.ndarray:
    """Tier by match quality, 0 without a code in the query, ``[n] int32``."""
    rows, lexical = candidates.rows, candidates.scores["lexical"]
    tiers = np.empty(len(rows), np.int32)
    typed = typed_row(query, catalog)
    if _find_codes(rows, lexical.rows, lexical.values, typed, tiers):
        for position in np.flatnonzero(tiers == 1).tolist():
            if own_number(catalog.item_ids[int(candidates.rows[position])]) in query.product_codes:
                tiers[position] = 2
    return tiers


@compiled(BOOL, read(I64), read(I64), read(F32), I64, written(I32))
def _find_codes(
    rows: np.ndarray, found: np.ndarray, scores: np.ndarray, typed: int, tiers: np.ndarray
) -> bool:
    """Writes 1 where a score says that a code matches, 3 for the row ``typed``, else 0; if any does.

    Args:
        found, scores: Ascending rows and their lexical scores.
    """
    has_any = False
    for position in range(len(rows)):
        place = position_of(found, rows[position])
        is_code = place < len(found) and found[place] == rows[position]
        tiers[position] = 1 if is_code and scores[place] >= _CODE_SCORE else 0
        if rows[position] == typed:
            tiers[position] = 3
        has_any |= tiers[position] > 0
    return has_any
