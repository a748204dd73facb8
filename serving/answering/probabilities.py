"""The purchase probability of each result of a page."""

from __future__ import annotations

import numpy as np

from towers.bundle.bundle import Bundle
from towers.optional_stages import finite
from towers.ranking.calibration import calibration_inputs
from towers.ranking.shortlist import Shortlist


def purchase_probabilities(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray
) -> np.ndarray | None:
    """The probability that each item is bought in the current session, ``[m] float64``.

    None where it is not known.

    Calibrated from the model's score in the context of the request without its filter, its sort
    order and the shop's rules, which do not change how likely a purchase is. So an item has the
    same probability on every page. Of a request with a filter the list without it is scored too.

    Args:
        shortlist: The request ranked without synonyms.
        rows: ``[m] int64`` rows of the items.
    """
    calibration = bundle.facts.calibration
    if calibration is None or "reranker" in shortlist.missing:
        return None
    encoded = shortlist.encoded
    rank_request = encoded.rank_request
    if rank_request.mask is None:
        scores, list_scores = bundle.ranker.scores_beside(shortlist, rows), shortlist.model_scores
    else:
        scores, list_scores = bundle.ranker.scores_without_filter(shortlist, rows)
    inputs = calibration_inputs(
        scores,
        list_scores,
        rank_request.session,
        is_search=encoded.is_search,
    )
    return finite(calibration.probabilities(inputs))
