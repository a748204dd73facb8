"""What the shop's rules do to an answer: to its request, to the order, and to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from serving.answering.paging import Page, page_of
from serving.answering.rules import Rule, Targets
from serving.api.requests import Filter
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.read_only import read_only_columns
from towers.retrieval.rank_request import RankRequest


class Pin(NamedTuple):
    """An item that a rule puts in a place, and the rule's name."""

    row: int
    name: str


@dataclass(frozen=True)
class Merchandising:
    """The rules that one request has met, held against the catalogue.

    Args:
        rules: In the order of the file.
        pins: By place, from 0; none where the request does not allow the item.
        hidden_by: ``[count] bool`` by rule name, true where it hides an item.
    """

    rules: tuple[Rule, ...] = ()
    pins: Mapping[int, Pin] = field(default_factory=lambda: MappingProxyType({}))
    hidden_by: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def hidden(self) -> np.ndarray | None:
        """``[count] bool``, true where no answer shows the item; None: nothing is hidden."""
        masks = [*self.hidden_by.values()]
        return np.any(masks, axis=0) if masks else None

    @property
    def redirect(self) -> Rule | None:
        """The redirect in force: the first."""
        return next((rule for rule in self.rules if rule.uri), None)

    @property
    def pinned_rows(self) -> np.ndarray:
        """``[n] int64`` rows of the pinned items."""
        return np.array(sorted(pin.row for pin in self.pins.values()), np.int64)


_NO_RULES = Merchandising()


def merchandising_of(
    rules: tuple[Rule, ...], rank_request: RankRequest, bundle: Bundle
) -> Merchandising:
    """What the rules mean for a request; a pin holds only for an item that the request allows."""
    if not rules:
        return _NO_RULES
    catalog, sources = bundle.catalog, bundle.ranker.sources
    count = catalog.count if rank_request.mask is None else len(rank_request.mask)
    hidden_by: dict[str, np.ndarray] = {}
    for rule in rules:
        if rule.kind == "hide":
            mask = targeted(catalog, rule.targets, np.arange(count))
            hidden_by[rule.name] = mask | hidden_by.get(rule.name, False)
    without = shown_request(rank_request, Merchandising(hidden_by=hidden_by))
    placed: dict[int, Pin] = {}
    pinned: set[int] = set()
    for rule in sorted((r for r in rules if r.kind == "pin"), key=lambda rule: rule.position):
        rows = catalog.rows(rule.targets.items)
        row = next(iter(sources.only_allowed(without, rows[rows >= 0]).tolist()), -1)
        if row < 0 or row in pinned:
            continue
        place = rule.position - 1
        while place in placed:
            place += 1
        placed[place] = Pin(row, rule.name)
        pinned.add(row)
    if placed:
        left = sources.allowed_count(without) - len(placed)
        # Places beyond the end close up.
        ordered = enumerate(sorted(placed))
        placed = {min(place, left + number): placed[place] for number, place in ordered}
    return Merchandising(rules, MappingProxyType(placed), read_only_columns(hidden_by))


def shown_request(rank_request: RankRequest, merchandising: Merchandising) -> RankRequest:
    """The request that allows neither what is hidden nor what is pinned."""
    hidden, pinned = merchandising.hidden, merchandising.pinned_rows
    if hidden is not None:
        rank_request = replace(rank_request, hidden=hidden)
    if len(pinned):
        rank_request = replace(rank_request, excluded=np.union1d(rank_request.excluded, pinned))
    return rank_request


def lifts_of(
    shortlist: Shortlist, merchandising: Merchandising, catalog: Catalog
) -> dict[str, np.ndarray]:
    """How far each boost or burial moves the items of a shortlist, ``[n] float32`` by rule name.

    A strength of 1 is worth one standard deviation of the model's scores. Only rules that touch an
    item of the list.
    """
    lifts: dict[str, np.ndarray] = {}
    moving = [rule for rule in merchandising.rules if rule.strength]
    if not moving or not len(shortlist.rows):
        return lifts
    spread = float(shortlist.model_scores.std()) or 1.0
    for rule in moving:
        hits = targeted(catalog, rule.targets, shortlist.rows)
        if hits.any():
            lift = np.where(hits, spread * rule.strength, 0.0).astype(np.float32)
            lifts[rule.name] = lift + lifts.get(rule.name, np.float32(0))
    return lifts


def shown_shortlist(
    ranker: Ranker, shortlist: Shortlist, merchandising: Merchandising
) -> tuple[Shortlist, Shortlist]:
    """A merchandised shortlist without hidden and pinned items, and the one that it was cut from.

    Hidden items are cut out after ranking, so that a rule changes nobody's score. Only where they
    leave less than half of the list it is made anew without them, or pages would go on with what
    is merely near long before the items that the words found are through.
    """
    if not merchandising.hidden_by and not merchandising.pins:
        return shortlist, shortlist
    encoded, rows = shortlist.encoded, shortlist.rows
    allowed = shown_request(encoded.rank_request, merchandising)
    reduced = replace(encoded, rank_request=allowed)
    hidden = _flags(merchandising.hidden, rows)
    if 2 * np.count_nonzero(hidden) > len(rows):
        unpinned = replace(allowed, excluded=encoded.rank_request.excluded)
        shortlist = ranker.ranked(replace(encoded, rank_request=unpinned))
        lifts = lifts_of(shortlist, merchandising, ranker.sources.catalog)
        shortlist = shortlist.merchandised(lifts)
        hidden = np.zeros(len(shortlist.rows), bool)
    kept = ~hidden & ~np.isin(shortlist.rows, merchandising.pinned_rows)
    return shortlist.only(kept, reduced), shortlist


def merchandised_page(
    ranker: Ranker, shortlist: Shortlist, pins: Mapping[int, Pin], span: tuple[int, int]
) -> Page:
    """The page of ranks ``span`` (begin and end, from 0), pinned items in their places."""
    if not pins:
        return page_of(ranker, shortlist, span)
    offset, end = span
    inside = {place - offset: pins[place] for place in pins if offset <= place < end}
    before = sum(place < offset for place in pins)
    page = page_of(ranker, shortlist, (offset - before, end - before - len(inside)))
    for place in sorted(inside):
        # Its score is that of what it stands before: an answer's scores fall from top to bottom.
        at = min(place, len(page.rows))
        near = page.scores[at : at + 1] if at < len(page.scores) else page.scores[-1:]
        score = near[0] if len(near) else np.float32(0)
        page = Page(
            np.insert(page.rows, at, inside[place].row),
            np.insert(page.scores, at, score),
            np.insert(page.places, at, -1),
            page.total_count,
            page.missing,
        )
    return replace(page, total_count=page.total_count + len(pins))


def targeted(catalog: Catalog, targets: Targets, rows: np.ndarray) -> np.ndarray:
    """Which rows a rule is about, ``[rows] bool``."""
    found = np.isin(rows, catalog.rows(targets.items))
    if targets.brands:
        codes = [catalog.brand_codes.get(brand) for brand in targets.brands]
        found |= np.isin(catalog.brand[rows], [code for code in codes if code >= 0])
    for path in targets.categories:
        found |= _flags(catalog.mask(Filter(category=path)), rows)
    return found


def _flags(mask: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """A mask at some rows; false where it says nothing of them."""
    if mask is None:
        return np.zeros(len(rows), bool)
    inside = rows < len(mask)
    return inside & mask[np.where(inside, rows, 0)] if len(mask) else inside
