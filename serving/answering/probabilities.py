"""The purchase probability of each result of a page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from towers.bundle.bundle import Bundle
from towers.optional_stages import finite
from towers.ranking.calibration import calibration_inputs
from towers.ranking.shortlist import Shortlist


def purchase_probabilities(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray
) -> list[float | None]:
    """That each item is bought in the visit under way; None where nobody can tell.

    By the model's score in the context of the request without its filter, its order and the shop's
    rules, which say nothing of how likely it is that somebody buys an item. So one item has one
    probability, whatever page it is met on. A plain request is that context itself; any other
    is ranked once more.

    Args:
        shortlist: As the request was ranked.
        rows: ``[m] int64`` the items.
    """
    calibration = bundle.facts.calibration
    if calibration is None or "reranker" in shortlist.missing:
        return [None] * len(rows)
    encoded = shortlist.encoded
    rank_request = encoded.rank_request
    if rank_request.mask is not None or rank_request.synonyms:
        plain = replace(rank_request, mask=None, synonyms=())
        shortlist = bundle.ranker.ranked(replace(encoded, rank_request=plain))
    inputs = calibration_inputs(
        bundle.ranker.scores_beside(shortlist, rows),
        shortlist.model_scores,
        rank_request.session,
        is_search=encoded.is_search,
    )
    probabilities: list[float | None] = finite(calibration.probabilities(inputs)).tolist()
    return probabilities
