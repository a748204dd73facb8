"""Probabilities of what the visitor does with each result of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from serving.api.answers import ActionProbability, Result
from towers.bundle.bundle import Bundle
from towers.optional_stages import finite
from towers.ranking.calibration import calibration_inputs
from towers.ranking.shortlist import Shortlist


def purchase_probabilities(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray, known_scores: np.ndarray | None = None
) -> np.ndarray | None:
    """The probability that each item is bought in the current session, ``[m] float64``.

    None where it is not known.

    Calibrated from the model's score in the context of the request without its filter, its
    placement's choice of items, its sort order and the shop's rules, which do not change how likely a
    purchase is. So an item has the same probability on every page. Of a narrowed request the list of
    all items is scored too.

    Args:
        shortlist: The request ranked without synonyms.
        rows: ``[m] int64`` rows of the items.
        known_scores: ``[m] float32`` their model scores, where all of them are on the list.
    """
    calibration = bundle.facts.calibration
    if calibration is None or "reranker" in shortlist.missing:
        return None
    encoded = shortlist.encoded
    rank_request = encoded.rank_request
    scores, list_scores = known_scores, shortlist.model_scores
    if rank_request.is_narrowed:
        scores, list_scores, _ = bundle.ranker.without_filter(shortlist, rows)
    elif scores is None:
        scores = bundle.ranker.scores_beside(shortlist, rows)
    inputs = calibration_inputs(
        scores,
        list_scores,
        rank_request.session,
        is_search=encoded.is_search,
    )
    return finite(calibration.probabilities(inputs))


def with_actions(
    bundle: Bundle, shortlist: Shortlist, rows: np.ndarray, results: Sequence[Result]
) -> Sequence[Result]:
    """The results with the probability of each action; those beyond the shortlist without.

    As purchase probabilities, in the context of the request without its filter and its placement's
    choice of items.

    Args:
        shortlist: The request ranked without synonyms, in whose context the items are scored.
        rows: ``[results] int64``.
    """
    model = bundle.action_model
    if model is None or "reranker" in shortlist.missing:
        return results
    positions = shortlist.positions_of(rows)
    is_listed = positions >= 0
    listed = positions[is_listed]
    encoded = shortlist.encoded
    if encoded.rank_request.is_narrowed:
        scores, list_scores, features = bundle.ranker.without_filter(shortlist, rows[is_listed])
    else:
        scores, list_scores = shortlist.model_scores[listed], shortlist.model_scores
        features = shortlist.features_at(listed)
    session, is_search = encoded.rank_request.session, encoded.is_search
    inputs = calibration_inputs(scores, list_scores, session, is_search=is_search)
    found = iter(finite(model.probabilities(features, inputs)).tolist())
    return tuple(
        replace(result, actions=tuple(map(ActionProbability, model.names, next(found))))
        if is_one
        else result
        for result, is_one in zip(results, is_listed.tolist(), strict=True)
    )
