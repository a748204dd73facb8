"""The placement after-sales: what follows a purchase, a bad review or a return.

Sources: what people buy days later (by item, else by category), the same again when it is due, and after
a bad review or a return what could take the item's place and was liked no less. Objective: the odds of a
purchase by the ranker, times how much more often the item is bought after what the visitor bought;
replacements first. Excluded: what did not suit, and substitutes of what was bought, unless people buy it
again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from data.errors import RequestError
from data.records import EventType
from serving.api.answers import EmptyReason
from serving.api.requests import RecommendRequest
from serving.placements.page_plan import Note, PagePlan, page_request, with_items
from serving.placements.sentences import Saying, Sentence
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.catalog.substitutes import substitutes
from towers.retrieval.sources.repurchase import REPURCHASE_SHARE
from towers.retrieval.sparse_scores import SparseScores
from towers.sessions.session import Session

LIFT = "after_sales"

_PRODUCT_LIMIT = 30
"""Newest purchases that the page is about, and newest bad reviews and returns."""

_KEPT_LIMIT = 100
"""Newest purchases whose substitutes are not shown."""

_CATEGORY_LIMIT = 5
_ITEMS_PER_CATEGORY = 20

_LARGEST_LIFT = 1.0
"""Logarithm of a lift: few purchases tell of larger ones, and those not reliably."""

_REPLACEMENT_LIFT = 4.0
"""Log odds of a replacement over what is bought later: who sent a phone back needs a phone."""

_COMPLAINT_DAYS = 90.0
"""Age of the oldest complaint that a replacement is offered for unasked: by then the visitor has one from
elsewhere, or does without. A page about the item itself offers it at any age."""

_DUE_SHARE = 0.5
"""Share of the median days between two purchases after which the next is due."""

_HABIT = 2.0
"""Log odds of what is due, for each unit of the logarithm of its purchases: habit beside taste."""


_ORDER = {
    Saying.REPLACES: 0,
    Saying.DUE_AGAIN: 1,
    Saying.BOUGHT_BEFORE_IT: 2,
    Saying.BOUGHT_KIND_BEFORE_IT: 3,
}
"""Which reason of several an item is shown with."""


@dataclass(frozen=True, slots=True)
class Products:
    """What a page is about.

    Args:
        bought: ``[n] int64`` rows of what was bought and kept, newest first.
        days: ``[n] float64`` since its last purchase, or its review.
        counts: ``[n] float64`` how often it was bought, 1 or more.
        disliked: ``[m] int64`` rows of what was reviewed badly or returned, newest first.
    """

    bought: np.ndarray
    days: np.ndarray
    counts: np.ndarray
    disliked: np.ndarray

    @classmethod
    def of(
        cls, item_ids: Iterable[str], session: Session, time: float, catalog: Catalog
    ) -> Products:
        """Of a visitor, or of the items that are given."""
        given = set(item_ids)
        disliked = [one for one in reversed(session.disliked) if not given or one in given]
        # A review tells of a purchase that may be older than the log.
        times = {
            event.item_id: event.time
            for event in session.events
            if event.type is EventType.REVIEW and event.item_id not in session.disliked
        }
        times |= {one: bought.last_time for one, bought in session.bought.items()}
        bought = [
            one
            for one in sorted(times, key=lambda one: -times[one])
            if one not in session.disliked and (not given or one in given)
        ]
        bought_rows, disliked_rows = catalog.rows(bought), catalog.rows(disliked)
        days = np.array([(time - times[one]) / 86_400.0 for one in bought])
        counts = [
            session.bought[one].purchase_count if one in session.bought else 1 for one in bought
        ]
        is_known = bought_rows >= 0
        return cls(
            bought_rows[is_known],
            days[is_known],
            np.array(counts, np.float64)[is_known],
            disliked_rows[disliked_rows >= 0][:_PRODUCT_LIMIT],
        )


def after_sales_page(
    request: RecommendRequest, session: Session, time: float, bundle: Bundle
) -> PagePlan:
    """What follows the items of the request, or else all that is known of the visitor's.

    Items of the request count as just bought, unless the visitor bought or rejected them before.

    Raises:
        RequestError: No item is known that anything could follow.
    """
    catalog = bundle.catalog
    now = session.at(time)
    known = {*now.bought, *now.disliked}
    new = [one for one in request.item_ids if one not in known and one in catalog.row_of]
    now = with_items(now, EventType.PURCHASE, new, time)
    products = Products.of(request.item_ids, now, time, catalog)
    if not len(products.bought) and not len(products.disliked):
        expected = (
            "1 or more items of the catalogue, or a visitor with a purchase, a review or a return"
        )
        raise RequestError("item_ids", expected, len(request.item_ids))
    return _Page(products, now, time, bundle).plan(request)


class _Page:
    """The candidates of one page, gathered in the order in which their reasons count."""

    def __init__(self, products: Products, session: Session, time: float, bundle: Bundle) -> None:
        self._products, self._session, self._time = products, session, time
        self._bundle, self._catalog = bundle, bundle.catalog
        self._rows = [np.zeros(0, np.int64)]
        self._lifts = [np.zeros(0)]
        self._sentences = [Sentence(Saying.BOUGHT_BEFORE_IT)]

    def plan(self, request: RecommendRequest) -> PagePlan:
        """Replacements, then what is due, then what people buy later."""
        barred = never_shown(self._products, self._bundle)
        self._add_due()
        replacements = self._add_replacements({*request.item_ids})
        for row in self._products.bought[:_PRODUCT_LIMIT].tolist():
            self._add_next(row)
        rows, lifts, notes = self._joined()
        # Items may be added meanwhile; this page is of those that there were.
        rows, lifts = rows[rows < len(barred)], lifts[rows < len(barred)]
        # A replacement may be of the kind of what was bought and kept.
        barred[replacements[replacements < len(barred)]] = False
        barred[self._products.disliked] = True
        outside = np.ones(len(barred), bool)
        outside[rows] = barred[rows]
        rank_request = page_request(request, self._session, self._time, self._catalog)
        values = (lifts / self._bundle.score_weight).astype(np.float32)
        ids = self._catalog.item_ids
        products = (*self._products.disliked, *self._products.bought[:_PRODUCT_LIMIT])
        return PagePlan(
            replace(rank_request, outside=outside, lifts={LIFT: SparseScores(rows, values)}),
            notes.get,
            EmptyReason.NOTHING_GOES_ON,
            tuple(ids[row] for row in products),
        )

    def _add(self, rows: np.ndarray, lifts: np.ndarray, sentence: Sentence) -> None:
        self._rows.append(rows)
        self._lifts.append(lifts)
        self._sentences.append(sentence)

    def _joined(self) -> tuple[np.ndarray, np.ndarray, dict[int, Note]]:
        """Distinct rows, ascending, with the largest lift and the note of each: that of the kind of
        reason that came first, and of several of a kind that of the largest lift."""
        rows, lifts = np.concatenate(self._rows), np.concatenate(self._lifts)
        lengths = [len(part) for part in self._rows]
        sentences = np.repeat(np.arange(len(lengths)), lengths)
        kinds = np.repeat([_ORDER[one.saying] for one in self._sentences], lengths)
        order = np.lexsort((-lifts, kinds, rows))
        distinct, first = np.unique(rows[order], return_index=True)
        largest = np.maximum.reduceat(lifts[order], first) if len(rows) else lifts
        told = sentences[order][first].tolist()
        notes = {
            row: Note(self._sentences[number])
            for row, number in zip(distinct.tolist(), told, strict=True)
        }
        return distinct, largest, notes

    def _add_replacements(self, asked: set[str]) -> np.ndarray:
        """Of the narrowest category of what did not suit, or of its kind, and liked no less than that, or
        no less than half of its like. None where the visitor has bought another one since, or complained
        long ago and the page is not about the item.

        Args:
            asked: Ids of the items that the page is about; empty: about the visitor.
        """
        approval = self._bundle.after_sales.approval_at
        found = [np.zeros(0, np.int64)]
        for row in self._products.disliked.tolist():
            of_kind = substitutes(self._catalog, np.array([row]))
            item_id = self._catalog.item_ids[row]
            days = (self._time - self._session.disliked[item_id]) / 86_400.0
            if days > _COMPLAINT_DAYS and item_id not in asked:
                continue
            if (of_kind[self._products.bought] & (self._products.days < days)).any():
                continue
            others = np.flatnonzero(of_kind)
            liking = approval(others)
            gains = liking - min(approval(np.array([row]))[0], np.median(liking))
            is_liked = (gains >= 0) & (others != row) & self._catalog.in_stock[others]
            lifts = _REPLACEMENT_LIFT + gains[is_liked]
            self._add(others[is_liked], lifts, Sentence(Saying.REPLACES, self._title(row)))
            found.append(np.setdiff1d(others[is_liked], self._products.bought))
        return np.concatenate(found)

    def _add_due(self) -> None:
        products = self._products
        lifts = _HABIT * np.log(products.counts)
        for place in np.flatnonzero(_are_due(products, self._bundle)).tolist():
            sentence = Sentence(Saying.DUE_AGAIN, f"{max(1, round(products.days[place]))}")
            only = slice(place, place + 1)
            self._add(products.bought[only], lifts[only], sentence)

    def _add_next(self, row: int) -> None:
        """What people buy after an item; where that is not known, after its category."""
        known = self._bundle.after_sales
        rows, lifts = known.by_item.after(row)
        if len(rows):
            sentence = Sentence(Saying.BOUGHT_BEFORE_IT, self._title(row))
            self._add(rows, np.minimum(lifts, _LARGEST_LIFT), sentence)
            return
        path = self._catalog.category(row)
        leaves, lifts = known.by_category.after(int(self._catalog.leaf[row]))
        for leaf, lift in zip(leaves[:_CATEGORY_LIMIT].tolist(), lifts.tolist(), strict=False):
            rows = self._most_wanted(leaf)
            sentence = Sentence(Saying.BOUGHT_KIND_BEFORE_IT, path[-1])
            self._add(rows, np.full(len(rows), min(lift, _LARGEST_LIFT)), sentence)

    def _most_wanted(self, leaf: int) -> np.ndarray:
        rows = np.flatnonzero(self._catalog.leaf[: self._catalog.count] == leaf)
        wanted = self._bundle.ranker.sources.popularity.at(rows, self._time)
        return rows[np.argsort(-wanted, kind="stable")][:_ITEMS_PER_CATEGORY]

    def _title(self, row: int) -> str:
        return self._catalog.titles[row] or self._catalog.item_ids[row]


def never_shown(products: Products, bundle: Bundle) -> np.ndarray:
    """``[count] bool``: what did not suit, what was bought and is not due again, and the substitutes of
    what was bought, unless it is bought again and again."""
    newest = products.bought[:_KEPT_LIMIT]
    kept = newest[~_are_consumables(newest, bundle)]
    barred = substitutes(bundle.catalog, kept)
    barred[products.bought[~_are_due(products, bundle)]] = True
    barred[products.disliked] = True
    return barred


def _are_due(products: Products, bundle: Bundle) -> np.ndarray:
    """``[n] bool`` of what was bought: people buy it again, and by now it is time."""
    between = bundle.after_sales.days_until_again(products.bought, bundle.catalog)
    due: np.ndarray = products.days >= _DUE_SHARE * between
    return due & _are_consumables(products.bought, bundle)


def _are_consumables(rows: np.ndarray, bundle: Bundle) -> np.ndarray:
    repurchase = bundle.ranker.sources.repurchase
    consumable: np.ndarray = repurchase.at(rows, bundle.catalog) >= REPURCHASE_SHARE
    return consumable
