"""One page of an answer: its rows, its results, and what moved each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from serving.answering.match_set import MatchSet
from serving.api.requests import EventEffect, FeatureEffect, Result, SortOrder, SourceHit
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.ranking.calibration import calibration_inputs
from towers.ranking.features import FEATURE_NAMES
from towers.ranking.ranker import Shortlist
from towers.retrieval.candidates import SOURCES

_EXPLAINED_EVENT_COUNT = 8
_EXPLAINED_FEATURE_COUNT = 5


@dataclass(frozen=True)
class Page:
    """Rows of one page with their scores, and their places in the shortlist (−1: beyond it).

    ``total_count`` is the number of results on all pages.
    """

    rows: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    total_count: int


def page_of(bundle: Bundle, shortlist: Shortlist, offset: int, size: int) -> Page:
    """The page of ``size`` results from rank ``offset`` (from 0) on, beyond the shortlist too."""
    end = offset + size
    places = np.arange(offset, min(end, len(shortlist.rows)))
    rows, scores = shortlist.rows[places], shortlist.scores[places]
    if end > len(shortlist.rows):
        beyond = max(0, offset - len(shortlist.rows))
        more, more_scores = bundle.ranker.further(shortlist, end - len(shortlist.rows))
        rows = np.concatenate([rows, more[beyond:]])
        scores = np.concatenate([scores, more_scores[beyond:]])
        places = np.concatenate([places, np.full(len(more[beyond:]), -1)])
    total_count = bundle.ranker.sources.allowed_count(shortlist.encoded.rank_request)
    return Page(rows, scores, places.astype(np.int64), total_count)


def sorted_page(
    matches: MatchSet,
    shortlist: Shortlist,
    fits: np.ndarray,
    order: SortOrder,
    span: tuple[int, int],
) -> Page:
    """The page of ranks ``span`` (begin and end, from 0) in an order other than relevance.

    Args:
        fits: ``[count] bool`` of the match set.
    """
    begin, end = span
    rows = matches.sorted_rows(fits, order, end)[begin:]
    place_of = {row: place for place, row in enumerate(shortlist.rows.tolist())}
    places = np.array([place_of.get(row, -1) for row in rows.tolist()], np.int64)
    scores = np.zeros(len(rows), np.float32)
    return Page(rows, scores, places, int(np.count_nonzero(fits)))


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


def explained(
    bundle: Bundle, shortlist: Shortlist, page: Page, results: list[Result]
) -> list[Result]:
    """The results with what moved each; those beyond the shortlist have nothing to tell."""
    count = int(page.places.max(initial=-1)) + 1
    if not count:
        return results
    events = shortlist.encoded.rank_request.session.events
    positions = range(max(0, len(events) - _EXPLAINED_EVENT_COUNT), len(events))
    by_event = bundle.ranker.event_effects(shortlist, count, positions)
    by_feature = bundle.ranker.feature_effects(shortlist, count, bundle.feature_means)
    explained = []
    for result, place in zip(results, page.places.tolist(), strict=True):
        if place < 0:
            explained.append(result)
            continue
        told = [
            EventEffect(
                events[position].type.label,
                events[position].item_id,
                events[position].query,
                float(effect),
            )
            for position, effect in zip(positions, by_event[place], strict=True)
        ]
        strongest = np.argsort(-np.abs(by_feature[place]))[:_EXPLAINED_FEATURE_COUNT]
        weighed = [
            FeatureEffect(
                FEATURE_NAMES[column],
                float(shortlist.features[place, column]),
                float(by_feature[place, column]),
            )
            for column in strongest
        ]
        told.sort(key=lambda effect: -abs(effect.effect))
        explained.append(replace(result, event_effects=tuple(told), feature_effects=tuple(weighed)))
    return explained
