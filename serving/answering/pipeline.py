"""One answer: from a question, with the shop's rules, to a page of results and what to tell of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from data.sources.own_log import Impression
from serving.answering.explanations import explained
from serving.answering.facets import facets_of
from serving.answering.match_set import MatchSet
from serving.answering.merchandising import (
    lifted,
    merchandised_page,
    merchandised_request,
    with_rules,
)
from serving.answering.paging import Page, sorted_page
from serving.answering.probabilities import purchase_probabilities
from serving.answering.results import results_of
from serving.answering.rules import Rules
from serving.api.answers import Answer, EmptyReason, Facet, Relaxation
from serving.api.requests import Filter, RecommendRequest, SearchRequest, SortOrder
from towers.bundle.bundle import Bundle
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.search_box.relaxation import relaxations


@dataclass(frozen=True)
class Answered:
    """An answer, and the shortlist and the page that it was made from."""

    answer: Answer
    shortlist: Shortlist
    page: Page

    @property
    def is_the_models_own(self) -> bool:
        """Whether all of the page is from the shortlist, and no rule has shaped it: to learn from."""
        places = self.page.places
        return bool(len(places)) and bool((places >= 0).all()) and not self.answer.rules


def answered(
    bundle: Bundle,
    rules: Rules,
    rank_request: RankRequest,
    request: SearchRequest | RecommendRequest,
    token: str,
) -> Answered:
    """Answers a question from a bundle.

    In an order other than relevance, rules that place items rest; what they hide stays hidden.
    """
    ranker, catalog = bundle.ranker, bundle.catalog
    is_by_relevance = request.sort_by is SortOrder.RELEVANCE
    query = ranker.sources.parse(rank_request.text)
    met = rules.matching(request, query, rank_request.time)
    if not is_by_relevance:
        met = tuple(rule for rule in met if not rule.is_placing)
    shaped, merchandising = merchandised_request(rank_request, met, bundle)
    shortlist, unmoved, moved_by = lifted(ranker.rank(shaped), merchandising, catalog)
    end = request.offset + request.page_size
    fits: np.ndarray | None = None
    facets: tuple[Facet, ...] = ()
    if request.facets or not is_by_relevance:
        # A pinned item is in the match set, though it is left out of what is ranked.
        asked = replace(shortlist.encoded.rank_request, excluded=rank_request.excluded)
        matches = MatchSet(ranker.sources, replace(shortlist.encoded, rank_request=asked))
        fits = matches.under(request.filter)
        facets = facets_of(matches, request.facets, request.filter)
    if fits is None or is_by_relevance:
        page = merchandised_page(
            bundle, shortlist, merchandising, request.offset, request.page_size
        )
    else:
        page = sorted_page(matches, shortlist, fits, request.sort_by, (request.offset, end))
    probabilities = purchase_probabilities(bundle, unmoved, page)
    results = results_of(catalog, shortlist, page, request.sort_by, probabilities)
    if request.explain:
        results = explained(bundle, unmoved, page, results)
    results = with_rules(results, page, merchandising, moved_by, catalog)
    answer = Answer(
        tuple(results),
        token,
        bundle.manifest.bundle_id,
        end if end < page.total_count else None,
        shortlist.missing,
        facets=facets,
        match_count=None if fits is None else int(np.count_nonzero(fits)),
        relaxations=_relaxations(bundle, shortlist.encoded) if results else (),
        empty_reason=EmptyReason.UNSPECIFIED
        if results
        else _empty_reason(bundle, rank_request, request),
        redirect_uri=merchandising.redirect_uri,
        rules=merchandising.names,
        rules_version=rules.version,
        session_event_count=len(rank_request.session.events),
    )
    return Answered(answer, shortlist, page)


def impression_of(
    done: Answered,
    bundle: Bundle,
    request: SearchRequest | RecommendRequest,
    *,
    surface: str,
    with_features: bool,
) -> Impression:
    """What the log keeps of an answer; features are those of the page, in its order."""
    shortlist, page, order = done.shortlist, done.page, request.sort_by
    return Impression(
        attribution_token=done.answer.attribution_token,
        visitor_id=request.visitor_id,
        time=shortlist.encoded.rank_request.time,
        surface=surface,
        query=shortlist.encoded.rank_request.text,
        bundle_id=bundle.manifest.bundle_id,
        item_ids=tuple(bundle.catalog.item_ids[row] for row in page.rows.tolist()),
        offset=request.offset,
        context_item_ids=getattr(request, "item_ids", ()),
        filter={} if request.filter == Filter() else asdict(request.filter),
        sort_by="" if order is SortOrder.RELEVANCE else order.name.lower(),
        features=shortlist.features[page.places] if with_features else None,
    )


def _empty_reason(
    bundle: Bundle, rank_request: RankRequest, request: SearchRequest | RecommendRequest
) -> EmptyReason:
    passes = bundle.ranker.sources.allowed_count(rank_request) or request.filter == Filter()
    return EmptyReason.NO_ITEM_LEFT if passes else EmptyReason.NO_ITEM_PASSES_FILTER


def _relaxations(bundle: Bundle, encoded: EncodedRequest) -> tuple[Relaxation, ...]:
    sources, rank_request = bundle.ranker.sources, encoded.rank_request
    if not encoded.is_search or sources.lexical is None:
        return ()
    only_allowed = partial(sources.only_allowed, rank_request)
    return relaxations(sources.lexical, encoded.query, only_allowed, rank_request.synonyms)
