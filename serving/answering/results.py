"""The items of a page as results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from serving.answering.paging import Page
from serving.api.answers import Result, ScorePart, SourceHit
from serving.api.requests import SortOrder
from towers.catalog.items import Catalog
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import SOURCES

_NO_PARTS: tuple[ScorePart, ...] = ()


def results_of(
    catalog: Catalog,
    shortlist: Shortlist,
    page: Page,
    order: SortOrder,
    probabilities: Sequence[float | None],
) -> list[Result]:
    """The items of a page as results.

    Args:
        probabilities: Of a purchase, one a result.
    """
    rows, places = page.rows, page.places
    is_by_relevance = order is SortOrder.RELEVANCE
    model_scores = page.scores.copy()
    if is_by_relevance:
        model_scores[places >= 0] = shortlist.model_scores[places[places >= 0]]
    columns = zip(
        rows.tolist(),
        page.scores.tolist(),
        model_scores.tolist(),
        # Held in float32: what is beyond its digits is no part of the price.
        [None if price != price else round(price, 4) for price in catalog.price[rows].tolist()],
        catalog.leaf[rows].tolist(),
        catalog.brand[rows].tolist(),
        catalog.in_stock[rows].tolist(),
        _hits_of(shortlist, places, is_by_relevance),
        _parts_of(shortlist.adjustments, places, is_by_relevance),
        _parts_of(shortlist.merchandising, places, is_by_relevance),
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


def _parts_of(
    columns: Mapping[str, np.ndarray], places: np.ndarray, is_by_relevance: bool
) -> list[tuple[ScorePart, ...]]:
    """What named columns add to each result; nothing beyond the shortlist or in another order."""
    if not columns or not is_by_relevance:
        return [_NO_PARTS] * len(places)
    return [_NO_PARTS if at < 0 else parts_at(columns, at) for at in places.tolist()]


def parts_at(columns: Mapping[str, np.ndarray], place: int) -> tuple[ScorePart, ...]:
    """What named columns add to the item at one place of a shortlist; nothing of what is 0."""
    named = [(name, float(column[place])) for name, column in columns.items()]
    return tuple(ScorePart(name, amount) for name, amount in named if amount)


@lru_cache(maxsize=10_000)
def _hit(source: str, rank: int) -> SourceHit:
    """Told by rank from 1; few differ, and looking one up is quicker than making it."""
    return SourceHit(source, rank + 1)


def _hits_of(
    shortlist: Shortlist, places: np.ndarray, is_by_relevance: bool
) -> list[tuple[SourceHit, ...]]:
    """The sources that found each result.

    Beyond the shortlist the nearest follow, unless another order brought the item.
    """
    beyond = (_hit("learnt", len(shortlist.rows)),) if is_by_relevance else ()
    listed = shortlist.ranks[places].tolist() if len(shortlist.rows) else [[]] * len(places)
    return [
        tuple([_hit(SOURCES[number], rank) for number, rank in enumerate(ranks) if rank >= 0])
        if place >= 0
        else beyond
        for place, ranks in zip(places.tolist(), listed, strict=True)
    ]
