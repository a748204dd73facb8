"""Which of the matching rules changed an answer, and which changed each of its results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from serving.answering.facets import counted_items, facets_over
from serving.answering.merchandising import Merchandising, Pin, flags
from serving.answering.reasons import reason_of_pin
from serving.answering.rules import Rule
from serving.api.answers import Result, ScorePart, SourceHit
from serving.api.requests import FacetRequest, Filter, RecommendRequest, SearchRequest
from serving.api.result_columns import parts_at
from serving.paging.match_set import MatchSet
from serving.paging.page import Page
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.allowed_items import AllowedItems
from towers.retrieval.rank_request import EncodedRequest
from towers.retrieval.sources.lexical import Lexical

_NO_PINS: Mapping[int, Pin] = {}


PINNED = "pinned"
"""The source name of a pinned result."""


def rules_that_changed_results(
    shortlist: Shortlist, merchandising: Merchandising, end: int
) -> set[str]:
    """Names of pins, boosts, burials and hidings that changed the first ``end`` results.

    The rules are applied one after another, by kind, then in file order; a rule counts if it
    changes the first ``end`` results or their order, compared with the rules before it alone.

    Args:
        shortlist: With boosts and burials, and with the items that hidings and pins take out.
    """
    lifts = shortlist.merchandising
    hidden = {name: flags(mask, shortlist.rows) for name, mask in merchandising.hidden_by.items()}
    pins: dict[str, dict[int, Pin]] = {}
    for position, pin in merchandising.pins.items():
        pins.setdefault(pin.name, {})[position] = pin
    scores, kept = shortlist.model_scores.copy(), np.ones(len(shortlist.rows), bool)
    for adjustment in shortlist.adjustments.values():
        scores += adjustment
    applied_pins: dict[int, Pin] = {}
    changed: set[str] = set()
    before = _first(shortlist.rows, scores, kept, _NO_PINS, end)
    for name in dict.fromkeys(rule.name for rule in merchandising.rules):
        hits = hidden.get(name)
        if name not in lifts and name not in pins and (hits is None or not hits.any()):
            continue
        if name in lifts:
            scores += lifts[name]
        if hits is not None:
            kept &= ~hits
        applied_pins.update(pins.get(name, _NO_PINS))
        after = _first(shortlist.rows, scores, kept, applied_pins, end)
        if after != before:
            changed.add(name)
        before = after
    return changed


def _first(
    rows: np.ndarray, scores: np.ndarray, kept: np.ndarray, pins: Mapping[int, Pin], end: int
) -> list[int]:
    """The first ``end`` kept rows by score, with pins at their positions."""
    order = np.lexsort((rows, -scores))
    pinned = {pin.row for pin in pins.values()}
    first: list[int] = rows[order[kept[order]]][: end + len(pinned)].tolist()
    first = [row for row in first if row not in pinned]
    for position in sorted(pins):
        first.insert(position, pins[position].row)
    return first[:end]


def hidings_of_listed(shortlist: Shortlist, merchandising: Merchandising) -> set[str]:
    """Names of hidings that removed an item from a shortlist, applied one after another."""
    names: set[str] = set()
    kept = np.ones(len(shortlist.rows), bool)
    for name, mask in merchandising.hidden_by.items():
        hits = flags(mask, shortlist.rows)
        if (hits & kept).any():
            names.add(name)
        kept &= ~hits
    return names


def hidings_beyond(
    ranker: Ranker, encoded: EncodedRequest, merchandising: Merchandising, page: Page, size: int
) -> set[str]:
    """Names of hidings that removed an item from the part of a page beyond the shortlist.

    That part holds nearest neighbours: a hidden item was removed from it if its similarity is at
    least that of the last item shown, or if the page is not full.

    Args:
        encoded: The request before any rule.
        size: The requested number of results.
    """
    beyond = page.rows[page.positions < 0]
    is_full = len(page.rows) == size
    names: set[str] = set()
    if is_full and not len(beyond):
        return names
    sources, query = ranker.sources, encoded.query_embedding
    lowest_score = float(sources.index.scores(query, beyond).min()) if is_full else -np.inf
    for name, mask in merchandising.hidden_by.items():
        rows = sources.only_allowed(encoded.rank_request, np.flatnonzero(mask))
        if len(rows) and float(sources.index.scores(query, rows).max()) >= lowest_score:
            names.add(name)
    return names


def rules_that_changed_page(
    ranker: Ranker,
    lists: tuple[Shortlist, Shortlist],
    merchandising: Merchandising,
    page: Page,
    request: SearchRequest | RecommendRequest,
) -> set[str]:
    """Names of the rules that changed this or an earlier page sorted by relevance.

    Args:
        lists: The shortlist with boosts and burials as first ranked, and the one that the page is
            from: another one if most of the first was hidden.
    """
    first, served = lists
    end = request.offset + request.page_size
    names = rules_that_changed_results(served, merchandising, end)
    if served is not first:
        names |= hidings_of_listed(first, merchandising)
    return names | hidings_beyond(ranker, first.encoded, merchandising, page, request.page_size)


def hidings_that_matched(
    matches: MatchSet,
    merchandising: Merchandising,
    conditions: Filter,
    facets: Sequence[FacetRequest],
) -> set[str]:
    """Names of hidings that removed an item from the match set, or changed a facet's counts.

    Applied one after another. Facets are compared too, since each drops the filter's condition on
    itself: it counts items outside of the match set.
    """
    names: set[str] = set()
    if not merchandising.hidden_by:
        return names
    catalog, encoded = matches.sources.catalog, matches.encoded
    unhidden = replace(encoded, rank_request=replace(encoded.rank_request, hidden=None))
    matches = replace(matches, encoded=unhidden)
    left = matches.under(conditions)
    counted = counted_items(matches, facets, conditions)
    before = facets_over(counted, catalog, facets, conditions)
    for name, mask in merchandising.hidden_by.items():
        if _hits(mask, left):
            names.add(name)
        left = _without_hidden(left, mask)
        if any(_hits(mask, items) for items in counted.values()):
            counted = {key: _without_hidden(items, mask) for key, items in counted.items()}
            after = facets_over(counted, catalog, facets, conditions)
            if after != before:
                names.add(name)
            before = after
    return names


def _hits(mask: np.ndarray, items: np.ndarray) -> bool:
    return bool((items[: len(mask)] & mask[: len(items)]).any())


def _without_hidden(items: np.ndarray, mask: np.ndarray) -> np.ndarray:
    left = items.copy()
    left[: len(mask)] &= ~mask[: len(items)]
    return left


def synonyms_that_found(
    ranker: Ranker, plain: Shortlist, shortlist: Shortlist, rules: tuple[Rule, ...]
) -> set[str]:
    """Names of synonym rules that changed the candidates or any of their features.

    Applied one after another, as in ``rules_that_changed_results``. Only the lexical source reads
    synonyms: of several rules, those count that change its scores of the shortlist's items.

    Args:
        plain: Ranked without synonyms.
        shortlist: Ranked with all synonyms.
    """
    names = [*dict.fromkeys(rule.name for rule in rules if rule.synonym is not None)]
    source = ranker.sources.get(Lexical.name)
    if shortlist is plain or source is None or _is_same(plain, shortlist):
        return set()
    if len(names) == 1:
        return {*names}
    encoded, config = plain.encoded, ranker.sources.config
    allowed = AllowedItems.of(ranker.sources.catalog, encoded.rank_request)
    rows = np.union1d(plain.rows, shortlist.rows)
    changed: set[str] = set()
    before = plain.source_scores[Lexical.name].at(rows)
    for number, name in enumerate(names, 1):
        after = shortlist.source_scores[Lexical.name].at(rows)
        if number < len(names):
            used = {*names[:number]}
            synonyms = tuple(r.synonym for r in rules if r.synonym is not None and r.name in used)
            request = replace(encoded.rank_request, synonyms=synonyms)
            found = source.find(replace(encoded, rank_request=request), allowed, config)
            after = found.scores.at(rows)
        if not np.array_equal(before, after):
            changed.add(name)
        before = after
    return changed


def with_rules(
    results: Sequence[Result],
    page: Page,
    merchandising: Merchandising,
    ranked: Shortlist,
    names: Collection[str],
) -> Sequence[Result]:
    """The results with the names of the rules that determined their positions.

    A pinned item keeps its model score and adjustments; the pin contributes the rest of its score,
    which is nothing if the item keeps its own. If it was not ranked, the pin contributes all of it.

    Args:
        ranked: The shortlist with pinned items, as far as they were retrieved.
        names: The rules that changed the answer.
    """
    if not merchandising.rules:
        return results
    pins = {pin.row: (position, pin.name) for position, pin in merchandising.pins.items()}
    query = ranked.encoded.rank_request.text
    updated = []
    for result, row in zip(results, page.rows.tolist(), strict=True):
        if row not in pins:
            moved_by = tuple(part.name for part in result.merchandising if part.name in names)
            updated.append(replace(result, rules=moved_by) if moved_by else result)
            continue
        pinned_position, name = pins[row]
        (ranked_position,) = ranked.positions_of(np.array([row], np.int64)).tolist()
        model_score, adjustments = 0.0, tuple[ScorePart, ...]()
        is_own_score = False
        if ranked_position >= 0:
            model_score = float(ranked.model_scores[ranked_position])
            adjustments = parts_at(ranked.adjustments, ranked_position)
            is_own_score = result.score == float(ranked.scores[ranked_position])
        if is_own_score:
            parts = parts_at(ranked.merchandising, ranked_position)
        else:
            rest = result.score - model_score - sum(part.amount for part in adjustments)
            parts = (ScorePart(name, rest),) if rest else ()
        updated.append(
            replace(
                result,
                sources=(SourceHit(PINNED, pinned_position + 1),),
                rules=(name,) if name in names else (),
                model_score=model_score,
                adjustments=adjustments,
                merchandising=parts,
                reason=result.reason and reason_of_pin(result, query=query),
            )
        )
    return tuple(updated)


def _is_same(one: Shortlist, other: Shortlist) -> bool:
    return (
        np.array_equal(one.rows, other.rows)
        and np.array_equal(one.ranks, other.ranks)
        and np.array_equal(one.features, other.features)
    )
