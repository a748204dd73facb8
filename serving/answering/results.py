"""The rows of a page as results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from serving.api.answers import Result, ScorePart
from serving.api.item_cards import cards_of
from serving.api.requests import SortOrder
from serving.api.result_columns import ResultColumns, Variants
from serving.paging.page import Page
from towers.catalog.items import Catalog
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import SOURCES

KEPT_ORDER = "kept_order"
"""Name of the score adjustment that keeps a result where the first page's order has it."""

_LEARNT = SOURCES.index("learnt")
_NO_PARTS: Mapping[str, np.ndarray] = MappingProxyType({})


def results_of(
    catalog: Catalog,
    shortlist: Shortlist,
    page: Page,
    order: SortOrder,
    probabilities: np.ndarray | None,
    *,
    variants: Sequence[Variants] = (),
) -> ResultColumns:
    """The rows of a page as results.

    Args:
        probabilities: Purchase probability of each result, ``[n] float64``; None: not known.
        variants: Further members of the group of each result; empty: there are no groups.
    """
    positions = page.positions
    is_listed = None if page.is_listed else positions >= 0
    is_by_relevance = order is SortOrder.RELEVANCE
    model_scores, adjustments, merchandising = page.scores, _NO_PARTS, _NO_PARTS
    if is_by_relevance:
        model_scores = _at(shortlist.model_scores, positions, is_listed, page.scores)
        adjustments = _parts_of(shortlist.adjustments, positions, is_listed)
        merchandising = _parts_of(shortlist.merchandising, positions, is_listed)
    return ResultColumns(
        cards_of(catalog, page.rows),
        page.scores,
        model_scores,
        probabilities,
        SOURCES,
        _ranks_of(shortlist, positions, is_listed, is_by_relevance),
        adjustments,
        merchandising,
        variants,
    )


def _at(
    column: np.ndarray,
    positions: np.ndarray,
    is_listed: np.ndarray | None,
    beyond: np.ndarray | float = 0.0,
) -> np.ndarray:
    """The values at ``positions``, and ``beyond`` of results that are not on the shortlist.

    Args:
        is_listed: ``[n] bool`` results on the shortlist; None: all of them, as on most pages.
    """
    if is_listed is None:
        return column[positions]
    if not len(column):
        return np.full(len(positions), beyond, column.dtype)
    return np.where(is_listed, column.take(positions, mode="clip"), beyond)


def with_kept_scores(
    results: Sequence[Result], shortlist: Shortlist, page: Page
) -> Sequence[Result]:
    """The results of a kept order with the scores that put them in it.

    All else is told as of now, so an adjustment, ``KEPT_ORDER``, is the difference to the score as of
    now; none where they are equal.

    Args:
        shortlist: As ranked now.
    """
    kept = []
    for result, position in zip(results, page.positions.tolist(), strict=True):
        difference = result.score - float(shortlist.scores[position]) if position >= 0 else 0.0
        if difference:
            part = ScorePart(KEPT_ORDER, difference)
            result = replace(result, adjustments=(*result.adjustments, part))
        kept.append(result)
    return tuple(kept)


def _parts_of(
    columns: Mapping[str, np.ndarray], positions: np.ndarray, is_listed: np.ndarray | None
) -> Mapping[str, np.ndarray]:
    """Score parts of the results by name, 0 beyond the shortlist."""
    return {name: _at(column, positions, is_listed) for name, column in columns.items()}


def _ranks_of(
    shortlist: Shortlist,
    positions: np.ndarray,
    is_listed: np.ndarray | None,
    is_by_relevance: bool,
) -> np.ndarray:
    """The rank of each result in each source from 0, −1 where that did not find it, as ``ranks``.

    Beyond the shortlist, results sorted by relevance are nearest neighbours; others have no source.
    """
    if is_listed is None:
        return shortlist.ranks[positions]
    found = np.full((len(positions), len(SOURCES)), -1, np.int32)
    found[is_listed] = shortlist.ranks[positions[is_listed]]
    if is_by_relevance:
        found[~is_listed, _LEARNT] = len(shortlist.rows)
    return found
