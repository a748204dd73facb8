"""One answer: from a question, with the shop's rules, to a page of results and what to tell of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from data.sources.own_log import Impression
from serving.facets import facets_of
from serving.matches import Matches
from serving.pages import Page, explained, purchase_probabilities, results_of, sorted_page
from serving.requests import (
    Answer,
    EmptyReason,
    Facet,
    Filter,
    RecommendRequest,
    Relaxation,
    SearchRequest,
    SortOrder,
)
from serving.rules import Rules
from serving.shaping import lifted, shaped_page, shaped_question, with_rules
from towers.bundle import Bundle
from towers.question import Question
from towers.ranker import Ranked
from towers.relaxation import relaxations


@dataclass(frozen=True)
class Answered:
    """An answer, and the shortlist and the page that it was made from."""

    answer: Answer
    ranked: Ranked
    page: Page

    @property
    def is_the_models_own(self) -> bool:
        """Whether all of the page is from the shortlist, and no rule has shaped it: to learn from."""
        places = self.page.places
        return bool(len(places)) and bool((places >= 0).all()) and not self.answer.rules


def answered(
    bundle: Bundle,
    rules: Rules,
    question: Question,
    request: SearchRequest | RecommendRequest,
    token: str,
) -> Answered:
    """Answers a question from a bundle.

    In an order other than relevance, rules that place items rest; what they hide stays hidden.
    """
    ranker, catalog = bundle.ranker, bundle.catalog
    is_by_relevance = request.sort_by is SortOrder.RELEVANCE
    met = rules.matching(request, question.time)
    if not is_by_relevance:
        met = tuple(rule for rule in met if not rule.is_placing)
    shaped, shaping = shaped_question(question, met, bundle)
    ranked, unmoved, moved_by = lifted(ranker.rank(shaped), shaping, catalog)
    end = request.offset + request.page_size
    fits: np.ndarray | None = None
    facets: tuple[Facet, ...] = ()
    if request.facets or not is_by_relevance:
        # A pinned item is in the match set, though it is left out of what is ranked.
        reading = replace(ranked.reading, question=replace(shaped, excluded=question.excluded))
        matches = Matches(ranker.sources, reading, shaping.hidden)
        fits = matches.under(request.filter)
        facets = facets_of(matches, request.facets, request.filter)
    if fits is None or is_by_relevance:
        page = shaped_page(bundle, ranked, shaping, request.offset, request.page_size)
    else:
        page = sorted_page(matches, ranked, fits, request.sort_by, (request.offset, end))
    probabilities = purchase_probabilities(bundle, unmoved, page)
    results = results_of(catalog, ranked, page, request.sort_by, probabilities)
    if request.explain:
        results = explained(bundle, unmoved, page, results)
    results = with_rules(results, page, shaping, moved_by, catalog)
    answer = Answer(
        tuple(results),
        token,
        bundle.manifest.bundle_id,
        end if end < page.total_count else None,
        ranked.missing,
        facets=facets,
        match_count=None if fits is None else int(np.count_nonzero(fits)),
        relaxations=_relaxations(bundle, shaped) if results else (),
        empty_reason=EmptyReason.UNSPECIFIED
        if results
        else _empty_reason(bundle, question, request),
        redirect_uri=shaping.redirect_uri,
        rules=shaping.names,
        rules_version=rules.version,
        session_event_count=len(question.session.events),
    )
    return Answered(answer, ranked, page)


def impression_of(
    done: Answered,
    bundle: Bundle,
    request: SearchRequest | RecommendRequest,
    *,
    surface: str,
    with_features: bool,
) -> Impression:
    """What the log keeps of an answer; features are those of the page, in its order."""
    ranked, page, order = done.ranked, done.page, request.sort_by
    return Impression(
        attribution_token=done.answer.attribution_token,
        visitor_id=request.visitor_id,
        time=ranked.reading.question.time,
        surface=surface,
        query=ranked.reading.question.text,
        bundle_id=bundle.manifest.bundle_id,
        item_ids=tuple(bundle.catalog.item_ids[row] for row in page.rows.tolist()),
        offset=request.offset,
        context_item_ids=getattr(request, "item_ids", ()),
        filter={} if request.filter == Filter() else asdict(request.filter),
        sort_by="" if order is SortOrder.RELEVANCE else order.name.lower(),
        features=ranked.features[page.places] if with_features else None,
    )


def _empty_reason(
    bundle: Bundle, question: Question, request: SearchRequest | RecommendRequest
) -> EmptyReason:
    passes = bundle.ranker.sources.allowed_count(question) or request.filter == Filter()
    return EmptyReason.NO_ITEM_LEFT if passes else EmptyReason.NO_ITEM_PASSES_FILTER


def _relaxations(bundle: Bundle, question: Question) -> tuple[Relaxation, ...]:
    sources = bundle.ranker.sources
    if not question.text or sources.lexical is None:
        return ()
    only_allowed = partial(sources.only_allowed, question)
    return relaxations(sources.lexical, question.text, only_allowed, question.synonyms)
