"""What query rules do to an answer: to the question, to the order, and to the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from serving.answering.paging import Page, page_of
from serving.answering.rules import Rule, Targets
from serving.api.answers import Result, SourceHit
from serving.api.requests import Filter
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.ranking.shortlist import Shortlist
from towers.retrieval.rank_request import RankRequest

PINNED = "pinned"
"""The source of a result that a rule put in its place."""


@dataclass(frozen=True)
class Merchandising:
    """The rules that one request has met.

    Args:
        rules: In the order of the file.
        pins: Row and name of the rule by place, from 0.
    """

    rules: tuple[Rule, ...] = ()
    pins: Mapping[int, tuple[int, str]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rules, each once."""
        return tuple(dict.fromkeys(rule.name for rule in self.rules))

    @property
    def redirect_uri(self) -> str:
        """Where the first redirect leads; empty without one."""
        return next((rule.uri for rule in self.rules if rule.uri), "")


def merchandised_request(
    rank_request: RankRequest, rules: tuple[Rule, ...], bundle: Bundle
) -> tuple[RankRequest, Merchandising]:
    """The question with synonyms, without what is hidden, and without the pinned items.

    A pin holds only for an item that the request allows.
    """
    if not rules:
        return rank_request, Merchandising()
    catalog, sources = bundle.catalog, bundle.ranker.sources
    synonyms = tuple(rule.synonym for rule in rules if rule.synonym is not None)
    rank_request = replace(rank_request, synonyms=synonyms)
    hiding = [rule.targets for rule in rules if rule.kind == "hide"]
    if hiding:
        rows = np.arange(catalog.count)
        hidden = np.any([_targeted(catalog, targets, rows) for targets in hiding], axis=0)
        rank_request = replace(rank_request, hidden=hidden)
    wanted: dict[int, tuple[int, str]] = {}
    pinned: set[int] = set()
    for rule in sorted((r for r in rules if r.kind == "pin"), key=lambda rule: rule.position):
        rows = catalog.rows(rule.targets.items)
        row = next(iter(sources.only_allowed(rank_request, rows[rows >= 0]).tolist()), -1)
        if row < 0 or row in pinned:
            continue
        place = rule.position - 1
        while place in wanted:
            place += 1
        wanted[place] = (row, rule.name)
        pinned.add(row)
    if pinned:
        excluded = np.concatenate([rank_request.excluded, np.array(sorted(pinned), np.int64)])
        rank_request = replace(rank_request, excluded=excluded)
        left = sources.allowed_count(rank_request)
        # Places beyond the end close up.
        ordered = enumerate(sorted(wanted))
        wanted = {min(place, left + number): wanted[place] for number, place in ordered}
    return rank_request, Merchandising(rules, wanted)


def lifted(
    shortlist: Shortlist, merchandising: Merchandising, catalog: Catalog
) -> tuple[Shortlist, Shortlist, Sequence[tuple[str, ...]]]:
    """The shortlist in the order that boosts and burials give it.

    A strength of 1 is worth one standard deviation of the shortlist's scores.

    Returns:
        The shortlist with scores that have moved, the same in that order with those of the models,
        and by place the names of the rules that moved it.
    """
    moving = [rule for rule in merchandising.rules if rule.strength]
    if not moving or not len(shortlist.rows):
        return shortlist, shortlist, [()] * len(shortlist.rows)
    spread = float(shortlist.scores.std()) or 1.0
    hits = np.array([_targeted(catalog, rule.targets, shortlist.rows) for rule in moving])
    strengths = np.array([rule.strength for rule in moving], np.float32)
    scores = (shortlist.scores + spread * (strengths @ hits)).astype(np.float32)
    order = np.lexsort((shortlist.rows, -scores))
    plain = replace(
        shortlist,
        rows=shortlist.rows[order],
        scores=shortlist.scores[order],
        features=shortlist.features[order],
        ranks=shortlist.ranks[order],
    )
    names = [
        tuple(rule.name for rule, hit in zip(moving, hits[:, place], strict=True) if hit)
        for place in order.tolist()
    ]
    return replace(plain, scores=scores[order]), plain, names


def merchandised_page(
    bundle: Bundle, shortlist: Shortlist, merchandising: Merchandising, offset: int, size: int
) -> Page:
    """The page of ``size`` results from rank ``offset`` (from 0) on, pinned items in their places."""
    pins = merchandising.pins or {}
    inside = {place - offset: pins[place] for place in pins if offset <= place < offset + size}
    before = sum(place < offset for place in pins)
    page = page_of(bundle, shortlist, offset - before, size - len(inside))
    for place in sorted(inside):
        # Its score is that of what it stands before: an answer's scores fall from top to bottom.
        at = min(place, len(page.rows))
        near = page.scores[at : at + 1] if at < len(page.scores) else page.scores[-1:]
        score = near[0] if len(near) else np.float32(0)
        page = Page(
            np.insert(page.rows, at, inside[place][0]),
            np.insert(page.scores, at, score),
            np.insert(page.places, at, -1),
            page.total_count,
        )
    return replace(page, total_count=page.total_count + len(pins))


def with_rules(
    results: Sequence[Result],
    page: Page,
    merchandising: Merchandising,
    moved_by: Sequence[tuple[str, ...]],
    catalog: Catalog,
) -> list[Result]:
    """The results with the rules that put each of them where it is."""
    if not merchandising.rules:
        return [*results]
    pins = {
        catalog.item_ids[row]: (place, name)
        for place, (row, name) in (merchandising.pins or {}).items()
    }
    told = []
    for result, place in zip(results, page.places.tolist(), strict=True):
        if result.item_id in pins:
            pinned_place, name = pins[result.item_id]
            source = SourceHit(PINNED, pinned_place + 1)
            told.append(replace(result, sources=(source,), rules=(name,)))
        elif place >= 0 and moved_by[place]:
            told.append(replace(result, rules=moved_by[place]))
        else:
            told.append(result)
    return told


def _targeted(catalog: Catalog, targets: Targets, rows: np.ndarray) -> np.ndarray:
    """Which rows a rule is about, ``[rows] bool``."""
    found = np.isin(rows, catalog.rows(targets.items))
    if targets.brands:
        codes = [catalog.brand_codes.get(brand) for brand in targets.brands]
        found |= np.isin(catalog.brand[rows], [code for code in codes if code >= 0])
    for path in targets.categories:
        below = catalog.mask(Filter(category=path))
        if below is not None:
            inside = rows < len(below)
            found |= inside & below[np.where(inside, rows, 0)]
    return found
