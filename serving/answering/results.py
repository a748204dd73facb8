"""The items of a page as results."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from serving.answering.paging import Page
from serving.api.answers import Result, SourceHit
from serving.api.requests import SortOrder
from towers.catalog.items import Catalog
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import SOURCES


def results_of(
    catalog: Catalog,
    shortlist: Shortlist,
    page: Page,
    order: SortOrder,
    probabilities: Sequence[float | None],
) -> list[Result]:
    """The items of a page as results.

    Args:
        probabilities: Of a purchase, one a result; not told of what another order brought, since
            what the models did not rank has no score to tell by.
    """
    rows, places = page.rows, page.places
    is_by_relevance = order is SortOrder.RELEVANCE
    columns = zip(
        rows.tolist(),
        page.scores.tolist(),
        places.tolist(),
        # Held in float32: what is beyond its digits is no part of the price.
        [None if price != price else round(price, 4) for price in catalog.price[rows].tolist()],
        catalog.leaf[rows].tolist(),
        catalog.brand[rows].tolist(),
        catalog.in_stock[rows].tolist(),
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
            sources=_hits_of(shortlist, place, order),
            purchase_probability=probability if is_by_relevance or place >= 0 else None,
        )
        for row, score, place, price, leaf, brand, in_stock, probability in columns
    ]


def _hits_of(shortlist: Shortlist, place: int, order: SortOrder) -> tuple[SourceHit, ...]:
    """The sources that found what stands at ``place`` of the shortlist; −1: beyond it."""
    if place < 0:
        # Beyond the shortlist the nearest follow, unless another order brought the item.
        is_near = order is SortOrder.RELEVANCE
        return (_hit("learnt", len(shortlist.rows)),) if is_near else ()
    ranks = enumerate(shortlist.ranks[place].tolist())
    return tuple([_hit(SOURCES[number], rank) for number, rank in ranks if rank >= 0])


@lru_cache(maxsize=10_000)
def _hit(source: str, rank: int) -> SourceHit:
    """Told by rank from 1; few differ, and looking one up is quicker than making it."""
    return SourceHit(source, rank + 1)
