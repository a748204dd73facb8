"""Items that a query asks for by their own id, SKU, model or part number: they lead the answer."""

from __future__ import annotations

import numpy as np

from towers.catalog.items import Catalog
from towers.indexes.lexical_index import CODE_SCORE
from towers.retrieval.candidates import SOURCES, Candidates, Sources
from towers.retrieval.rank_request import EncodedRequest
from towers.text.parsed_query import ParsedQuery
from towers.text.product_codes import own_number

_LEAD_SPREADS = 100.0
"""Standard deviations of an answer's scores between tiers: more than boosts of rules add up to."""


def with_typed_item(sources: Sources, encoded: EncodedRequest, found: Candidates) -> Candidates:
    """The candidates, and the item whose id is what was typed, if an answer may show it.

    The lexical index knows numbers only; an id may be short, or a word.
    """
    rank_request = encoded.rank_request
    row = sources.catalog.row_of.get(rank_request.text, -1) if rank_request.text else -1
    if (
        row < 0
        or row in found.rows
        or not len(sources.only_allowed(rank_request, np.array([row], np.int64)))
    ):
        return found
    place = int(np.searchsorted(found.rows, row))
    ranks = np.full(len(SOURCES), -1, np.int32)
    ranks[SOURCES.index("lexical")] = 0
    return Candidates(
        np.insert(found.rows, place, row),
        np.insert(found.ranks, place, ranks, axis=0),
        found.scores,
        found.missing,
    )


def exact_code_lift(
    encoded: EncodedRequest, candidates: Candidates, catalog: Catalog, scores: np.ndarray
) -> np.ndarray:
    """How far items asked for by a code are lifted: over all others, tier over tier, ``[n] float32``.

    Those with any code in the query, above them those whose own id it is, at the top the one whose
    id was typed letter by letter. Within a tier the order of ``scores`` stays.
    """
    lifts = np.zeros(len(scores), np.float32)
    tiers = _tiers(encoded.query, candidates, catalog)
    if not tiers.any():
        return lifts
    lead = np.float32(_LEAD_SPREADS * (float(scores.std()) or 1.0))
    for tier in np.unique(tiers[tiers > 0]).tolist():
        inside = tiers == tier
        below = (scores + lifts)[tiers < tier]
        if len(below):
            lifts[inside] = max(0.0, float(below.max() - scores[inside].min())) + lead
    return lifts


def _tiers(query: ParsedQuery, candidates: Candidates, catalog: Catalog) -> np.ndarray:
    """0 without a code in the query, then the higher the nearer to it, ``[n] int8``."""
    tiers = np.zeros(len(candidates.rows), np.int8)
    lexical = candidates.scores["lexical"]
    if lexical.values.max(initial=0.0) >= CODE_SCORE:
        tiers[lexical.at(candidates.rows) >= CODE_SCORE] = 1
    typed = catalog.row_of.get(query.text, -1)
    if typed >= 0:
        tiers[candidates.rows == typed] = 3
    if tiers.any():
        for place in np.flatnonzero(tiers == 1).tolist():
            if own_number(catalog.item_ids[int(candidates.rows[place])]) in query.product_codes:
                tiers[place] = 2
    return tiers
