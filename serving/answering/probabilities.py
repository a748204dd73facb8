"""The purchase probability of each result of a page."""

from __future__ import annotations

from serving.answering.paging import Page
from towers.bundle.bundle import Bundle
from towers.ranking.calibration import calibration_inputs
from towers.ranking.shortlist import Shortlist


def purchase_probabilities(bundle: Bundle, shortlist: Shortlist, page: Page) -> list[float | None]:
    """That each result of a page is bought in the visit under way; None where nobody can tell.

    By the scores of the models, whatever rules or another order have made of the page.
    """
    calibration, rank_request = bundle.facts.calibration, shortlist.encoded.rank_request
    if calibration is None or "reranker" in shortlist.missing:
        return [None] * len(page.rows)
    in_shortlist = page.places >= 0
    scores = page.scores.copy()
    scores[in_shortlist] = shortlist.scores[page.places[in_shortlist]]
    inputs = calibration_inputs(
        scores, shortlist.scores, rank_request.session, is_search=bool(rank_request.text)
    )
    probabilities: list[float | None] = calibration.probabilities(inputs).tolist()
    return probabilities
