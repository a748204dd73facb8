"""Which of the rules that a request met have changed its answer, and each of its results."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from serving.answering.match_set import MatchSet
from serving.answering.merchandising import Merchandising, Pin
from serving.answering.paging import Page
from serving.answering.results import parts_at
from serving.answering.rules import Rule
from serving.api.answers import Result, ScorePart, SourceHit
from serving.api.requests import Filter
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import EncodedRequest

_NO_PINS: Mapping[int, Pin] = {}


PINNED = "pinned"
"""The source of a result that a rule put in its place."""


def rules_that_placed(
    shortlist: Shortlist, merchandising: Merchandising, lifts: Mapping[str, np.ndarray], end: int
) -> set[str]:
    """Names of pins, boosts, burials and hidings that changed the first ``end`` results.

    The rules are applied one after another, in the order of the file; one counts if the results up
    to ``end`` are others with it, or in another order, than with those before it alone.

    Args:
        shortlist: As ranked, before any rule.
        lifts: What boosts and burials add to its scores, ``[n]`` by rule name.
    """
    hidden = {
        name: mask[np.minimum(shortlist.rows, len(mask) - 1)] & (shortlist.rows < len(mask))
        for name, mask in merchandising.hidden_by.items()
        if len(mask)
    }
    pins: dict[str, dict[int, Pin]] = {}
    for place, pin in merchandising.pins.items():
        pins.setdefault(pin.name, {})[place] = pin
    scores, kept = shortlist.scores.copy(), np.ones(len(shortlist.rows), bool)
    placed: dict[int, Pin] = {}
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
        placed.update(pins.get(name, _NO_PINS))
        after = _first(shortlist.rows, scores, kept, placed, end)
        if after != before:
            changed.add(name)
        before = after
    return changed


def _first(
    rows: np.ndarray, scores: np.ndarray, kept: np.ndarray, pins: Mapping[int, Pin], end: int
) -> list[int]:
    """The first ``end`` rows by score, without those that are not kept, with pins in place."""
    order = np.lexsort((rows, -scores))
    pinned = {pin.row for pin in pins.values()}
    first: list[int] = rows[order[kept[order]]][: end + len(pinned)].tolist()
    first = [row for row in first if row not in pinned]
    for place in sorted(pins):
        first.insert(place, pins[place].row)
    return first[:end]


def hidings_beyond(
    ranker: Ranker, encoded: EncodedRequest, merchandising: Merchandising, page: Page, size: int
) -> set[str]:
    """Names of hidings that took an item out of the part of a page that lies beyond the shortlist.

    There the nearest follow: an item was taken out if it is as near as the last one shown, or if
    the page came to the end of all items.

    Args:
        encoded: The request before any rule.
        size: Results that were asked for.
    """
    beyond = page.rows[page.places < 0]
    is_full = len(page.rows) == size
    names: set[str] = set()
    if is_full and not len(beyond):
        return names
    sources, query = ranker.sources, encoded.query_embedding
    bar = float(sources.index.scores(query, beyond).min()) if is_full else -np.inf
    for name, mask in merchandising.hidden_by.items():
        rows = sources.only_allowed(encoded.rank_request, np.flatnonzero(mask))
        if len(rows) and float(sources.index.scores(query, rows).max()) >= bar:
            names.add(name)
    return names


def hidings_that_matched(
    matches: MatchSet, merchandising: Merchandising, conditions: Filter
) -> set[str]:
    """Names of hidings that took an item out of the match set: out of its facets and counts."""
    encoded = matches.encoded
    unhidden = replace(encoded, rank_request=replace(encoded.rank_request, hidden=None))
    fits = replace(matches, encoded=unhidden).under(conditions)
    return {
        name
        for name, mask in merchandising.hidden_by.items()
        if (fits[: len(mask)] & mask[: len(fits)]).any()
    }


def synonyms_that_found(
    ranker: Ranker, plain: Shortlist, shortlist: Shortlist, rules: tuple[Rule, ...]
) -> set[str]:
    """Names of synonyms that changed what was found: the candidates, or any feature of them.

    Applied one after another, as in ``rules_that_placed``.

    Args:
        plain: Ranked without any of them.
        shortlist: Ranked with all of them.
    """
    encoded = plain.encoded
    changed: set[str] = set()
    names = [*dict.fromkeys(rule.name for rule in rules if rule.synonym is not None)]
    before = plain
    for number, name in enumerate(names, 1):
        after = shortlist
        if number < len(names):
            used = {*names[:number]}
            synonyms = tuple(r.synonym for r in rules if r.synonym is not None and r.name in used)
            request = replace(encoded.rank_request, synonyms=synonyms)
            after = ranker.ranked(replace(encoded, rank_request=request))
        if not _is_same(before, after):
            changed.add(name)
        before = after
    return changed


def with_rules(
    results: Sequence[Result],
    page: Page,
    merchandising: Merchandising,
    ranked: Shortlist,
    names: Collection[str],
) -> list[Result]:
    """The results with the rules that put each of them where it is.

    A pinned item keeps what the model and the adjustments gave it; the rule adds the rest of its
    score. Where the ranking had not found it, all of the score is the rule's.

    Args:
        ranked: The list with the pinned items, where they were found.
        names: Of the rules that changed the answer.
    """
    if not merchandising.rules:
        return [*results]
    pins = {pin.row: (place, pin.name) for place, pin in merchandising.pins.items()}
    told = []
    for result, row in zip(results, page.rows.tolist(), strict=True):
        if row not in pins:
            moved_by = tuple(part.name for part in result.merchandising if part.name in names)
            told.append(replace(result, rules=moved_by) if moved_by else result)
            continue
        pinned_place, name = pins[row]
        (at,) = ranked.places_of(np.array([row], np.int64)).tolist()
        model_score, adjustments = 0.0, tuple[ScorePart, ...]()
        if at >= 0:
            model_score = float(ranked.model_scores[at])
            adjustments = parts_at(ranked.adjustments, at)
        rest = result.score - model_score - sum(part.amount for part in adjustments)
        told.append(
            replace(
                result,
                sources=(SourceHit(PINNED, pinned_place + 1),),
                rules=(name,) if name in names else (),
                model_score=model_score,
                adjustments=adjustments,
                merchandising=(ScorePart(name, rest),),
            )
        )
    return told


def _is_same(one: Shortlist, other: Shortlist) -> bool:
    return (
        np.array_equal(one.rows, other.rows)
        and np.array_equal(one.ranks, other.ranks)
        and np.array_equal(one.features, other.features)
    )
