"""The answer pipeline: from a rank request and query rules to an answer and its impression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from data.records import Impression
from serving.answering.answer_page import (
    RankedResults,
    answer_page,
    group_count,
    grouped,
    shortlist_and_further,
    variants_of,
)
from serving.answering.explained_results import explained
from serving.answering.facets import facets_of
from serving.answering.merchandising import (
    lifts_of,
    merchandising_of,
    shown_shortlist,
)
from serving.answering.probabilities import purchase_probabilities, with_actions
from serving.answering.rank_request_builders import with_conditions
from serving.answering.results import results_of, with_kept_scores
from serving.answering.rule_effects import (
    hidings_that_matched,
    rules_that_changed_page,
    synonyms_that_found,
    with_rules,
)
from serving.answering.rules import Rule, Rules
from serving.api.answers import Answer, EmptyReason, Facet, Relaxation, Result, Understood
from serving.api.requests import NO_FILTER, RecommendRequest, SearchRequest, SortOrder
from serving.paging.kept_orders import KeptOrders
from serving.paging.kept_pages import EXTENSION_COUNT
from serving.paging.match_set import MatchSet
from serving.paging.page import Page
from serving.paging.relevance import holding_rows, related_last, words_left
from serving.policy.settings import Policy
from serving.policy.steps import Decided, PageRequest, decided, surface_of
from towers.bundle.bundle import Bundle
from towers.ranking.adjustments import EXACT_CODE
from towers.ranking.ranker import Check, no_check
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import SOURCES
from towers.retrieval.rank_request import EncodedRequest, RankRequest
from towers.search_box.relaxation import relaxations
from towers.sessions.segments import Segment

_NEEDED_FOR_FEATURES = {*SOURCES, "features", "query_tower", "rule_effects"}
"""Stages whose failure makes the features of an answer unusable for training: all that features are
computed from, and what tells whether a rule changed the answer."""

_Relaxed = tuple[tuple[Relaxation, ...] | None, np.ndarray | None]
_UNKNOWN: _Relaxed = (None, None)
_NOT_ENUMERATED: tuple[np.ndarray | None, np.ndarray | None] = (None, None)


class Answered(NamedTuple):
    """An answer, the shortlist and the page that it was built from, the page's order, all results that it
    was cut from, the policy in force, and the propensity of each result, if the policy explores."""

    answer: Answer
    shortlist: Shortlist
    page: Page
    order: SortOrder
    found: RankedResults
    policy: Policy
    propensities: tuple[float, ...] = ()

    @property
    def is_unchanged_ranking(self) -> bool:
        """Whether the page lies within the shortlist and neither rules nor policy changed it."""
        return (
            len(self.page.rows) > 0
            and self.page.is_listed
            and not self.answer.rules
            and not self.answer.policy_steps
            and not self.answer.interleaved_bundle_id
            and not _NEEDED_FOR_FEATURES & {*self.answer.missing}
        )


def answered(
    bundle: Bundle,
    rules: Rules,
    rank_request: RankRequest,
    request: SearchRequest | RecommendRequest,
    token: str,
    orders: KeptOrders,
    before_stage: Check = no_check,
) -> Answered:
    """Answers a request from a bundle.

    Synonyms, pins, boosts and burials apply only when sorting by relevance; hidings always apply. An
    optional stage that fails is skipped and named in ``missing``; filters and hidings are never skipped.

    Args:
        token: The attribution token.
        orders: Where the order is kept for later pages.
        before_stage: Called before retrieval and before the reranker; what it raises ends the work.
    """
    ranker, catalog = bundle.ranker, bundle.catalog
    missing: list[str] = []
    run = partial(ranker.sources.stages.run, missing=missing)
    understood: tuple[Understood, ...] = ()
    if isinstance(request, SearchRequest):
        apply = partial(with_conditions, ranker, request, rank_request)
        conditioned = run("query_conditions", apply, None)
        if conditioned is None:
            rank_request = replace(rank_request, is_literal=True)
        else:
            request, rank_request, understood = conditioned
    is_by_relevance = request.sort_by is SortOrder.RELEVANCE
    matching_rules: tuple[Rule, ...] = ()
    if len(rules):
        # Rules are written for texts as typed.
        query = ranker.parse(rank_request.text, missing, is_literal=True)
        matching_rules = rules.matching(request, query, rank_request.time)
        if not is_by_relevance:
            matching_rules = tuple(rule for rule in matching_rules if not rule.is_of_relevance)
    merchandising = merchandising_of(matching_rules, rank_request, bundle)
    unexpanded, ranked = _ranked(bundle, rank_request, matching_rules, before_stage)

    # Pinned items belong to the match set, though they are excluded from ranking.
    matches = MatchSet(ranker.sources, _with_hidden(ranked.encoded, merchandising.hidden))
    relaxed: tuple[Relaxation, ...] | None = ()
    holding: np.ndarray | None = None
    if matches.encoded.is_search:
        # Where nothing may be shown, no relaxation helps, and finding that out takes long.
        if len(ranked.rows):
            relax = partial(_relaxed, bundle, matches.encoded)
            relaxed, holding = run("relaxation", relax, _UNKNOWN)
        if holding is None:
            hold = partial(holding_rows, ranker.sources, matches.encoded, relaxed)
            holding = run("relevance", hold, None)
    is_one_word_left = words_left(matches.encoded.query, relaxed) == 1

    def with_lifts(shortlist: Shortlist) -> Shortlist:
        if holding is not None:
            apart = partial(related_last, shortlist, holding, is_one_word_left=is_one_word_left)
            shortlist = run("relevance", apart, shortlist)
        if not merchandising.rules:
            return shortlist
        lifts = run("merchandising", lambda: lifts_of(shortlist, merchandising, bundle), None)
        return shortlist.merchandised(lifts or {})

    lifted = with_lifts(ranked)
    shown, ranked_with_pins = shown_shortlist(ranker, lifted, merchandising, with_lifts)
    shown, further = shortlist_and_further(shown, matches, holding, merchandising.pinned_rows)
    segment = run("segment", lambda: bundle.segment_of(matches.encoded), Segment.UNSPECIFIED)
    policy = rules.policies.of(surface_of(request), segment)
    group_by = request.group_by or policy.group_by

    facets: tuple[Facet, ...] = ()
    counted: tuple[int | None, bool] = (None, False)
    fits, sorted_rows = _NOT_ENUMERATED
    if request.facets or not is_by_relevance:
        length = max(request.offset + request.page_size, EXTENSION_COUNT)
        matched = partial(matches.enumerated, request.filter, request.sort_by, length)
        fits, sorted_rows = run("match_set", matched, _NOT_ENUMERATED)
    if fits is not None:
        counted = int(np.count_nonzero(fits)), False
        facets = run("facets", lambda: facets_of(matches, request.facets, request.filter), ())
    elif "match_set" not in missing:
        is_relaxed = bool(relaxed or matches.encoded.rank_request.synonyms)
        counted = run("match_set", lambda: matches.count(holding, is_relaxed=is_relaxed), counted)
    found = RankedResults(
        shown, further, ranked_with_pins, merchandising, matches, fits, sorted_rows, holding
    )
    if group_by:
        ungrouped = found
        found = run(
            "group_by", lambda: grouped(ungrouped, bundle, group_by, request.sort_by), ungrouped
        )
        merchandising = found.merchandising
    by_policy = Decided(found.shortlist)
    if is_by_relevance and not policy.is_off:
        pinned = {at: pin.row for at, pin in merchandising.pins.items()}
        asked = PageRequest.of(request, token, pinned)
        decide = partial(decided, found.shortlist, policy, asked, ranker.sources)
        by_policy = run("policy", decide, by_policy)
        found = found._replace(shortlist=by_policy.shortlist)
    shown = found.shortlist
    paged = answer_page(found, request, token, orders)
    page, order = paged.page, paged.sort_by

    changed: set[str] = set()
    if matching_rules:

        def rule_effects() -> set[str]:
            names = synonyms_that_found(ranker, unexpanded, ranked, matching_rules)
            if fits is not None:
                used = request.facets if facets else ()
                names |= hidings_that_matched(matches, merchandising, request.filter, used)
            if order is SortOrder.RELEVANCE:
                lists = (lifted, ranked_with_pins)
                names |= rules_that_changed_page(ranker, lists, merchandising, page, request)
            return names

        changed = run("rule_effects", rule_effects, changed)
    known_scores: np.ndarray | None = None
    if ranked_with_pins is lifted and unexpanded is ranked and page.is_listed:
        # What was done to the list since it was ranked leaves the model's scores as they are.
        known_scores = shown.model_scores[page.positions]
    probabilities = run(
        "purchase_probability",
        lambda: purchase_probabilities(bundle, unexpanded, page.rows, known_scores),
        None,
    )
    results: Sequence[Result] = results_of(
        catalog, shown, page, order, probabilities, variants=variants_of(found, page, order)
    )
    if paged.is_kept and order is SortOrder.RELEVANCE:
        results = with_kept_scores(results, shown, page)
    if request.explain:
        plain = results
        results = run(
            "explanations", lambda: explained(bundle, ranked_with_pins, page.rows, plain), plain
        )
    if request.predict_actions:
        without = results
        results = run(
            "actions", lambda: with_actions(bundle, unexpanded, page.rows, without), without
        )
    if matching_rules:
        unnamed = results
        results = run(
            "rule_effects",
            lambda: with_rules(unnamed, page, merchandising, ranked_with_pins, changed),
            unnamed,
        )
    is_code = EXACT_CODE in shown.adjustments
    redirect = merchandising.redirect
    names = changed | ({redirect.name} if redirect is not None else set())
    answer = Answer(
        results,
        token,
        bundle.manifest.bundle_id,
        paged.next_offset,
        tuple(dict.fromkeys((*ranked.missing, *ranked_with_pins.missing, *missing, *page.missing))),
        facets=facets,
        match_count=counted[0],
        relaxations=relaxed if relaxed and results and not is_code else (),
        empty_reason=EmptyReason.UNSPECIFIED
        if results
        else _empty_reason(bundle, rank_request, request),
        redirect_uri="" if redirect is None else redirect.uri,
        rules=tuple(dict.fromkeys(rule.name for rule in matching_rules if rule.name in names)),
        rules_version=rules.version,
        session_event_count=len(rank_request.session.events),
        order_key=paged.order_key,
        is_order_expired=bool(request.order_key) and not paged.is_kept,
        is_match_count_lower_bound=counted[1],
        relevant_count=paged.relevant_count,
        understood=understood,
        segment=segment,
        policy_steps=by_policy.steps,
        group_by="" if found.grouping is None else group_by,
        group_count=group_count(found, fits),
    )
    propensities = by_policy.propensities(page.rows)
    return Answered(answer, shown, page, order, found, policy, propensities)


def impression_of(
    done: Answered,
    bundle: Bundle,
    request: SearchRequest | RecommendRequest,
    *,
    with_features: bool,
    teams: str = "",
) -> Impression:
    """The impression of an answer for the log, with the order that was used.

    Features are those of the page's items, in their order; ``teams`` as in ``Impression``.
    """
    shortlist, page, order = done.shortlist, done.page, done.order
    return Impression(
        attribution_token=done.answer.attribution_token,
        visitor_id=request.visitor_id,
        time=shortlist.encoded.rank_request.time,
        surface=surface_of(request),
        query=shortlist.encoded.rank_request.text,
        bundle_id=bundle.manifest.bundle_id,
        item_ids=tuple(map(bundle.catalog.item_ids.__getitem__, page.rows.tolist())),
        offset=request.offset,
        context_item_ids=getattr(request, "item_ids", ()),
        filter={} if request.filter == NO_FILTER else asdict(request.filter),
        sort_by="" if order is SortOrder.RELEVANCE else order.name.lower(),
        literal=getattr(request, "is_literal", False),
        features=shortlist.features_at(page.positions) if with_features else None,
        propensities=done.propensities,
        interleaved_bundle_id=done.answer.interleaved_bundle_id,
        teams=teams,
    )


def _ranked(
    bundle: Bundle,
    rank_request: RankRequest,
    rules: tuple[Rule, ...],
    before_stage: Check,
) -> tuple[Shortlist, Shortlist]:
    """The request ranked without synonyms and with them; the same list where none matches."""
    ranker, is_calibrated = bundle.ranker, bundle.facts.calibration is not None
    plain = ranker.rank(rank_request, also_without_filter=is_calibrated, before_stage=before_stage)
    synonyms = tuple(rule.synonym for rule in rules if rule.synonym is not None)
    if not synonyms:
        return plain, plain
    encoded = plain.encoded
    with_synonyms = replace(encoded.rank_request, synonyms=synonyms)
    return plain, ranker.ranked(replace(encoded, rank_request=with_synonyms))


def _with_hidden(encoded: EncodedRequest, hidden: np.ndarray | None) -> EncodedRequest:
    if hidden is None:
        return encoded
    return replace(encoded, rank_request=replace(encoded.rank_request, hidden=hidden))


def _empty_reason(
    bundle: Bundle, rank_request: RankRequest, request: SearchRequest | RecommendRequest
) -> EmptyReason:
    passes = bundle.ranker.sources.allowed_count(rank_request) or request.filter == NO_FILTER
    return EmptyReason.NO_ITEM_LEFT if passes else EmptyReason.NO_ITEM_PASSES_FILTER


def _relaxed(bundle: Bundle, encoded: EncodedRequest) -> _Relaxed:
    """How a search is relaxed; where it need not be, the allowed items that hold all of its words."""
    sources, synonyms = bundle.ranker.sources, encoded.rank_request.synonyms
    if sources.lexical is None:
        return (), None
    if not synonyms and not any(one.translations or one.corrections for one in encoded.query.terms):
        holding = holding_rows(sources, encoded, ())
        if holding is not None and len(holding):
            return (), holding
    only_allowed = partial(sources.only_allowed, encoded.rank_request)
    return relaxations(sources.lexical, encoded.query, only_allowed, synonyms), None
