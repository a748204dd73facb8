"""Applies query rules: hidings to the request, boosts and burials to scores, pins to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from serving.answering.rules import Rule, Rules, Targets
from serving.api.requests import Filter
from serving.paging.further_results import FurtherResults
from serving.paging.page import Page, page_of
from serving.paging.relevance import NO_ROWS
from towers.bundle.bundle import Bundle
from towers.ranking.ranker import Ranker
from towers.ranking.shortlist import Shortlist
from towers.read_only import read_only_columns
from towers.retrieval.rank_request import RankRequest


class Pin(NamedTuple):
    """A pinned item, and the name of the rule that pins it."""

    row: int
    name: str


@dataclass(frozen=True)
class Merchandising:
    """The rules that match one request, resolved to rows of the catalogue.

    Args:
        rules: By kind, then in file order.
        pins: By position, from 0; without items that the request excludes.
        hidden_by: ``[count] bool`` by rule name, true where it hides an item.
    """

    rules: tuple[Rule, ...] = ()
    pins: Mapping[int, Pin] = field(default_factory=lambda: MappingProxyType({}))
    hidden_by: Mapping[str, np.ndarray] = field(default_factory=lambda: MappingProxyType({}))

    @cached_property
    def hidden(self) -> np.ndarray | None:
        """``[count] bool``, true where an item is hidden; None: none is."""
        masks = [*self.hidden_by.values()]
        return np.any(masks, axis=0) if masks else None

    @property
    def redirect(self) -> Rule | None:
        """The redirect that applies: the first."""
        for rule in self.rules:
            if rule.uri:
                return rule
        return None

    @property
    def pinned_rows(self) -> np.ndarray:
        """``[n] int64`` rows of the pinned items."""
        if not self.pins:
            return NO_ROWS
        return np.array(sorted(pin.row for pin in self.pins.values()), np.int64)


_NO_RULES = Merchandising()


def merchandising_of(
    rules: tuple[Rule, ...], rank_request: RankRequest, bundle: Bundle
) -> Merchandising:
    """The rules resolved for a request; pins of items that it excludes are ignored."""
    if not rules:
        return _NO_RULES
    catalog, sources = bundle.catalog, bundle.ranker.sources
    count = catalog.count if rank_request.mask is None else len(rank_request.mask)
    hidden_by: dict[str, np.ndarray] = {}
    for rule in rules:
        if rule.kind == "hide":
            mask = _hidden_rows(bundle, rule.targets, count)
            hidden_by[rule.name] = mask | hidden_by.get(rule.name, False)
    without = shown_request(rank_request, Merchandising(hidden_by=hidden_by))
    pin_at: dict[int, Pin] = {}
    pinned: set[int] = set()
    for rule in sorted((r for r in rules if r.kind == "pin"), key=lambda rule: rule.position):
        rows = catalog.rows(rule.targets.items)
        row = next(iter(sources.only_allowed(without, rows[rows >= 0]).tolist()), -1)
        if row < 0 or row in pinned:
            continue
        position = rule.position - 1
        while position in pin_at:
            position += 1
        pin_at[position] = Pin(row, rule.name)
        pinned.add(row)
    if pin_at:
        unpinned_count = sources.allowed_count(without) - len(pin_at)
        # Pins beyond the last result move up behind it.
        numbered_positions = enumerate(sorted(pin_at))
        pin_at = {
            min(position, unpinned_count + number): pin_at[position]
            for number, position in numbered_positions
        }
    return Merchandising(rules, MappingProxyType(pin_at), read_only_columns(hidden_by))


def hidden_from_completion(rules: Rules, now: float, bundle: Bundle) -> np.ndarray | None:
    """``[count] bool``, true where a rule hides an item whatever the request; None: none is.

    Hidings on a query, a placement or a page category do not count: a text that is still being typed
    is not that query, and it may become another one that shows the item.
    """
    rules_in_force = rules.hiding_everywhere(now)
    if not rules_in_force:
        return None
    count = bundle.catalog.count
    return np.any([_hidden_rows(bundle, rule.targets, count) for rule in rules_in_force], axis=0)


def shown_request(rank_request: RankRequest, merchandising: Merchandising) -> RankRequest:
    """The request with hidden and pinned items excluded."""
    hidden, pinned = merchandising.hidden, merchandising.pinned_rows
    if hidden is not None:
        rank_request = replace(rank_request, hidden=hidden)
    if len(pinned):
        rank_request = replace(rank_request, excluded=np.union1d(rank_request.excluded, pinned))
    return rank_request


def lifts_of(
    shortlist: Shortlist, merchandising: Merchandising, bundle: Bundle
) -> dict[str, np.ndarray]:
    """What each boost or burial adds to the scores of a shortlist, ``[n] float32`` by rule name.

    A strength of 1 adds one standard deviation of the model's scores. Only rules that target an
    item of the shortlist are included.
    """
    lifts: dict[str, np.ndarray] = {}
    moving = [rule for rule in merchandising.rules if rule.strength]
    if not moving or not len(shortlist.rows):
        return lifts
    spread = float(shortlist.model_scores.std()) or 1.0
    for rule in moving:
        hits = targeted(bundle, rule.targets, shortlist.rows)
        if hits.any():
            lift = np.where(hits, spread * rule.strength, 0.0).astype(np.float32)
            lifts[rule.name] = lift + lifts.get(rule.name, np.float32(0))
    return lifts


def shown_shortlist(
    ranker: Ranker,
    shortlist: Shortlist,
    merchandising: Merchandising,
    lifted: Callable[[Shortlist], Shortlist],
) -> tuple[Shortlist, Shortlist]:
    """A merchandised shortlist without hidden and pinned items, and the one it was filtered from.

    Hidden items are removed after ranking, so that hiding does not change other items' scores. If
    more than half of the shortlist is hidden, the request is ranked again without the hidden
    items: else pages would continue with nearest neighbours before all lexical matches are shown.

    Args:
        shortlist: With its boosts and burials.
        lifted: Applies boosts and burials to a list that was ranked again.
    """
    if not merchandising.hidden_by and not merchandising.pins:
        return shortlist, shortlist
    encoded, rows = shortlist.encoded, shortlist.rows
    allowed = shown_request(encoded.rank_request, merchandising)
    reduced = replace(encoded, rank_request=allowed)
    hidden = flags(merchandising.hidden, rows)
    if 2 * np.count_nonzero(hidden) > len(rows):
        unpinned = replace(allowed, excluded=encoded.rank_request.excluded)
        shortlist = lifted(ranker.ranked(replace(encoded, rank_request=unpinned)))
        hidden = np.zeros(len(shortlist.rows), bool)
    kept = ~hidden & ~np.isin(shortlist.rows, merchandising.pinned_rows)
    return shortlist.only(kept, reduced), shortlist


def merchandised_page(
    shortlist: Shortlist,
    further: FurtherResults,
    ranked: Shortlist,
    pins: Mapping[int, Pin],
    span: tuple[int, int],
) -> Page:
    """The page of ranks ``span`` (begin and end, from 0), with pinned items at their positions.

    Args:
        ranked: The shortlist with pinned items, as far as they were retrieved.
    """
    if not pins:
        return page_of(shortlist, further, span)
    offset, end = span
    pins_on_page = {
        position - offset: pins[position] for position in pins if offset <= position < end
    }
    earlier_pin_count = sum(position < offset for position in pins)
    page = page_of(
        shortlist,
        further,
        (offset - earlier_pin_count, end - earlier_pin_count - len(pins_on_page)),
    )
    own_scores: dict[int, float] = {}
    for number, position in enumerate(sorted(pins_on_page)):
        index = min(position, len(page.rows))
        row = pins_on_page[position].row
        own = own_score(ranked, shortlist, row, offset + position - earlier_pin_count - number)
        if own is not None:
            own_scores[index] = own
        page = Page(
            np.insert(page.rows, index, row),
            np.insert(page.scores, index, np.nan),
            np.insert(page.positions, index, -1),
            page.missing,
        )
    after = end - earlier_pin_count - len(pins_on_page)
    following = float(shortlist.scores[after]) if after < len(shortlist.rows) else -np.inf
    scores = _scores_with_pins(page.scores, own_scores, following)
    return replace(page, scores=scores)


def own_score(ranked: Shortlist, shortlist: Shortlist, row: int, position: int) -> float | None:
    """The score of a pinned item if a shortlist without pins has it at ``position`` by its score.

    None where the pin moves the item, or the item was not retrieved.
    """
    (ranked_position,) = ranked.positions_of(np.array([row], np.int64)).tolist()
    if ranked_position < 0 or position > len(shortlist.rows):
        return None
    score = float(ranked.scores[ranked_position])
    is_first = not position or score <= shortlist.scores[position - 1]
    is_last = position == len(shortlist.rows) or score >= shortlist.scores[position]
    return score if is_first and is_last else None


def _scores_with_pins(
    scores: np.ndarray, own_scores: Mapping[int, float], following: float
) -> np.ndarray:
    """The scores of a page, pinned items' filled in: NaN before, falling after.

    A pin that moves nothing keeps the item's own score; any other takes the score of the next
    result, or of the result before it where none follows, so that scores do not increase.

    Args:
        following: Score of the first result after the page; −inf if it is not on the shortlist.
    """
    filled = scores.copy()
    for index in reversed(range(len(filled))):
        if np.isnan(filled[index]):
            filled[index] = max(own_scores.get(index, following), following)
        following = filled[index]
    is_known = np.isfinite(filled)
    last = filled[is_known][-1] if is_known.any() else np.float32(0)
    return np.where(is_known, filled, last)


def targeted(bundle: Bundle, targets: Targets, rows: np.ndarray) -> np.ndarray:
    """Which rows a rule targets, ``[rows] bool``."""
    catalog = bundle.catalog
    found = np.isin(rows, catalog.rows(targets.items))
    if targets.brands:
        codes = [catalog.brand_codes.get(brand) for brand in targets.brands]
        found |= np.isin(catalog.brand[rows], [code for code in codes if code >= 0])
    for path in targets.categories:
        found |= flags(catalog.mask(Filter(category=path)), rows)
    if not targets.reads_stock:
        return found
    of_stock = flags(_of_stock(bundle, targets), rows)
    return of_stock & found if targets.names_items else of_stock


def _of_stock(bundle: Bundle, targets: Targets) -> np.ndarray:
    """``[≤ count] bool``, true where an item's stock is as the rule says; false where it is not known."""
    cover = bundle.stock_cover
    if cover is None:
        return np.zeros(0, bool)
    return cover.within(bundle.catalog, targets.days_of_stock_below, targets.days_of_stock_above)


def bundle_fault(rules: Rules, bundle: Bundle) -> str:
    """What the rules or policies need and a bundle lacks, so that they do nothing; empty for nothing."""
    policies = rules.policies
    return _stock_fault(rules, bundle) or policies.fault(
        bundle.catalog.attributes, bundle.variants is not None
    )


def _stock_fault(rules: Rules, bundle: Bundle) -> str:
    needing = rules.reading_stock
    if not needing or bundle.stock_cover is not None:
        return ""
    return (
        f"{needing[0].name}: expected a bundle with a forecast of demand ([demand] horizon_days in the "
        "settings of training), received one without; rules on days of stock target nothing"
    )


def _hidden_rows(bundle: Bundle, targets: Targets, count: int) -> np.ndarray:
    """``targeted`` of all listed rows, ``[count] bool``: from masks that the catalogue caches."""
    catalog = bundle.catalog
    found = np.zeros(count, bool)
    rows = catalog.rows(targets.items)
    found[rows[(rows >= 0) & (rows < count)]] = True
    filters = [Filter(category=path) for path in targets.categories]
    if targets.brands:
        filters.append(Filter(brands=targets.brands))
    for one in filters:
        mask = catalog.mask(one)
        if mask is not None:
            both = min(count, len(mask))
            found[:both] |= mask[:both]
    if targets.reads_stock:
        of_stock = _of_stock(bundle, targets)[:count]
        fits = found if targets.names_items else np.ones(count, bool)
        fits[len(of_stock) :] = False
        fits[: len(of_stock)] &= of_stock
        return fits
    return found


def flags(mask: np.ndarray | None, rows: np.ndarray) -> np.ndarray:
    """The mask's value at each row, ``[n] bool``; false for rows beyond its end."""
    if mask is None:
        return np.zeros(len(rows), bool)
    inside = rows < len(mask)
    return inside & mask[np.where(inside, rows, 0)] if len(mask) else inside
