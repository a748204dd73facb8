"""The rows of a page as results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from serving.api.answers import Result, ScorePart, SourceHit
from serving.api.requests import SortOrder
from serving.paging.page import Page
from towers.catalog.items import Catalog
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import SOURCES

KEPT_ORDER = "kept_order"
"""Name of the score adjustment that keeps a result where the first page's order has it."""

_NO_PARTS: tuple[ScorePart, ...] = ()


def results_of(
    catalog: Catalog,
    shortlist: Shortlist,
    page: Page,
    order: SortOrder,
    probabilities: Sequence[float | None],
) -> list[Result]:
    """The rows of a page as results.

    Args:
        probabilities: Purchase probability of each result.
    """
    rows, positions = page.rows, page.positions
    is_by_relevance = order is SortOrder.RELEVANCE
    model_scores = page.scores.copy()
    if is_by_relevance:
        model_scores[positions >= 0] = shortlist.model_scores[positions[positions >= 0]]
    columns = zip(
        rows.tolist(),
        page.scores.tolist(),
        model_scores.tolist(),
        # Prices are float32: round away digits beyond its precision.
        [None if price != price else round(price, 4) for price in catalog.price[rows].tolist()],
        catalog.leaf[rows].tolist(),
        catalog.brand[rows].tolist(),
        catalog.in_stock[rows].tolist(),
        _hits_of(shortlist, positions, is_by_relevance),
        _parts_of(shortlist.adjustments, positions, is_by_relevance),
        _parts_of(shortlist.merchandising, positions, is_by_relevance),
        probabilities,
        strict=True,
    )
    brands = catalog.brand_codes.names
    return [
        Result(
            item_id=catalog.item_ids[row],
            title=catalog.titles[row],
            category=catalog.category_path(leaf),
            brand=brands[brand],
            price=price,
            in_stock=in_stock,
            score=score,
            sources=sources,
            purchase_probability=probability,
            model_score=model_score,
            adjustments=adjustments,
            merchandising=merchandising,
        )
        for (
            row,
            score,
            model_score,
            price,
            leaf,
            brand,
            in_stock,
            sources,
            adjustments,
            merchandising,
            probability,
        ) in columns
    ]


def with_kept_scores(results: Sequence[Result], shortlist: Shortlist, page: Page) -> list[Result]:
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
    return kept


def _parts_of(
    columns: Mapping[str, np.ndarray], positions: np.ndarray, is_by_relevance: bool
) -> list[tuple[ScorePart, ...]]:
    """Score parts of each result; none beyond the shortlist or when not sorted by relevance."""
    if not columns or not is_by_relevance:
        return [_NO_PARTS] * len(positions)
    return [
        _NO_PARTS if position < 0 else parts_at(columns, position)
        for position in positions.tolist()
    ]


def parts_at(columns: Mapping[str, np.ndarray], position: int) -> tuple[ScorePart, ...]:
    """Non-zero score parts of the item at one position of a shortlist."""
    named = [(name, float(column[position])) for name, column in columns.items()]
    return tuple(ScorePart(name, amount) for name, amount in named if amount)


@lru_cache(maxsize=10_000)
def _hit(source: str, rank: int) -> SourceHit:
    """A source hit with its rank from 1; cached, since few distinct ones occur."""
    return SourceHit(source, rank + 1)


def _hits_of(
    shortlist: Shortlist, positions: np.ndarray, is_by_relevance: bool
) -> list[tuple[SourceHit, ...]]:
    """The sources that retrieved each result.

    Beyond the shortlist, results sorted by relevance are nearest neighbours; others have no source.
    """
    beyond = (_hit("learnt", len(shortlist.rows)),) if is_by_relevance else ()
    listed = shortlist.ranks[positions].tolist() if len(shortlist.rows) else [[]] * len(positions)
    return [
        tuple([_hit(SOURCES[number], rank) for number, rank in enumerate(ranks) if rank >= 0])
        if position >= 0
        else beyond
        for position, ranks in zip(positions.tolist(), listed, strict=True)
    ]
