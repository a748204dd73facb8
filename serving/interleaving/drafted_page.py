"""The first page of an answer, drafted from the answers of two bundles.

Filters, hidings, stock and pins are those of the active bundle: what it may not show, or does not know,
the other bundle cannot contribute. What a rule pinned keeps its place and belongs to neither. In a search
no item that is only related comes before a relevant one, and the shop's caps hold as far as both lists
have items for them. A result is as the bundle tells it that contributed it.

Of groups, the active bundle says which items make one, and which of them may stand for it: groups are
drafted, and one that is on the active bundle's page is shown there by the same member.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from serving.answering.answer_page import variants_of
from serving.answering.pipeline import Answered
from serving.api.answers import Answer, Result, ScorePart
from serving.api.result_columns import Variants
from serving.interleaving.team_draft import NEITHER, OTHER, TeamDraft
from serving.paging.grouping import Grouping
from serving.paging.kept_orders import KeptOrder, KeptOrders
from serving.paging.relevance import RELATED_ONLY
from serving.policy.caps import Caps
from towers.catalog.items import Catalog

INTERLEAVED = "interleaved"
"""Name of the score adjustment: the difference to the score of the place that the item takes."""


def drafted_page(
    own: Answered, other: Answer, orders: KeptOrders, rng: random.Random
) -> tuple[Answered, str]:
    """The first page by relevance with results of both bundles, and the team of each result.

    The order that is kept for later pages goes on with what the active bundle has left.

    Args:
        own: The active bundle's answer; not empty.
        other: The other bundle's answer to the same request.
        orders: Where the active bundle's order is kept.
    """
    found, page = own.found, own.page
    catalog = found.matches.sources.catalog
    rows, pins = page.rows.tolist(), found.merchandising.pins
    pinned = {pin.row for pin in pins.values()}
    of_other = _contributed(own, other, pinned)
    draft = TeamDraft(rng, fits=_fitting(own, [*rows, *of_other], catalog))
    relevant_count = own.answer.relevant_count
    if relevant_count is None or relevant_count >= len(rows):
        of_own = [row for row in rows if row not in pinned]
        draft.choose(of_own, of_other, len(of_own))
    else:
        # The draft puts what is relevant by the active bundle, all of it, into another order, and then
        # what else there is.
        relevant = {*rows[:relevant_count]}
        for is_relevant in (True, False):
            of_own, of_both = (
                [row for row in part if (row in relevant) is is_relevant and row not in pinned]
                for part in (rows, of_other)
            )
            draft.choose(of_own, of_both, len(of_own))
    drafted = zip(draft.chosen, draft.teams, strict=True)
    mixed = [(row, NEITHER) if row in pinned else next(drafted) for row in rows]
    new_rows = np.array([row for row, _ in mixed], np.int64)
    teams = "".join(team for _, team in mixed)

    own_results = {result.item_id: result for result in own.answer.results}
    other_results = {result.item_id: result for result in other.results}
    positions = own.shortlist.positions_of(new_rows)
    new_page = replace(page, rows=new_rows, positions=positions)
    variants = variants_of(found, new_page, own.order) or (Variants(),) * len(mixed)
    results = []
    for place, (row, team) in enumerate(mixed):
        item_id = catalog.item_ids[row]
        told = own_results if team != OTHER or item_id not in other_results else other_results
        result = _at_score(told[item_id], float(page.scores[place]))
        count, ids = variants[place]
        results.append(replace(result, variant_count=count, variant_ids=ids))
    # How the other bundle groups, or that it cannot, is nothing that the page misses.
    missed = (*own.answer.missing, *(name for name in other.missing if name != "group_by"))
    answer = replace(
        own.answer,
        results=tuple(results),
        missing=tuple(dict.fromkeys(missed)),
        rules=tuple(dict.fromkeys((*own.answer.rules, *other.rules))),
        interleaved_bundle_id=other.bundle_id,
    )
    if relevant_count is not None and relevant_count >= len(rows):
        added = new_rows[~np.isin(new_rows, rows)]
        answer = replace(answer, relevant_count=relevant_count + _unknown_count(own, added))
    key, now = own.answer.order_key, found.matches.encoded.rank_request.time
    kept = orders.get(key, now) if key else None
    if kept is not None:
        orders.put(key, _continued(kept, own, new_rows), now)
    return own._replace(answer=answer, page=new_page, propensities=()), teams


def _contributed(own: Answered, other: Answer, pinned: set[int]) -> list[int]:
    """Rows of the other bundle's results, in the active bundle's catalogue, that may be shown.

    Where the active bundle fills the page with relevant results, those that either bundle holds for only
    related are left out.
    """
    sources, relevant_count = own.found.matches.sources, own.answer.relevant_count
    is_filled = relevant_count is not None and relevant_count >= len(own.page.rows)
    results = other.results[: other.relevant_count] if is_filled else other.results
    rows = sources.catalog.rows([result.item_id for result in results])
    rows = rows[rows >= 0]
    rows = rows[sources.allowed(own.found.matches.encoded.rank_request).has(rows)]
    pushed, grouping = own.shortlist.adjustments.get(RELATED_ONLY), own.found.grouping
    if pushed is not None and is_filled:
        rows = rows[~_same(grouping, rows, own.shortlist.rows[pushed != 0])]
    if grouping is not None:
        rows = grouping.represented(rows, own.page.rows)
    return [row for row in rows.tolist() if row not in pinned]


def _unknown_count(own: Answered, added: np.ndarray) -> int:
    """How many rows the active bundle does not count among the relevant results.

    Neither as items that hold the query's words, nor on its shortlist.
    """
    found, known = own.found, own.shortlist.rows
    if found.holding is not None:
        known = np.concatenate([known, found.holding])
    return int(np.count_nonzero(~_same(found.grouping, added, known)))


def _same(grouping: Grouping | None, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some rows are the same results as others, ``[n] bool``."""
    return np.isin(rows, others) if grouping is None else grouping.same(rows, others)


def _fitting(
    own: Answered, rows: Sequence[int], catalog: Catalog
) -> Callable[[int, Sequence[int]], bool]:
    """Whether an item keeps a page within the shop's caps."""
    policy, pins = own.policy, own.found.merchandising.pins
    if not policy.has_caps:
        return lambda row, chosen: True
    place_of = {row: place for place, row in enumerate(dict.fromkeys(rows))}
    on_page = {rank: pin.row for rank, pin in pins.items() if rank < len(own.page.rows)}
    caps = Caps.of(policy, np.array([*place_of], np.int64), on_page, catalog)
    size = len(own.page.rows)

    def fits(row: int, chosen: Sequence[int]) -> bool:
        page = [place_of[one] for one in chosen]
        return bool(caps.fitting([place_of[row]], page, 0, size))

    return fits


def _at_score(result: Result, score: float) -> Result:
    if result.score == score:
        return result
    part = ScorePart(INTERLEAVED, score - result.score)
    return replace(result, score=score, adjustments=(*result.adjustments, part))


def _continued(kept: KeptOrder, own: Answered, first: np.ndarray) -> KeptOrder:
    """An order that begins with other rows; what they displaced follows, and places keep their scores."""
    found = own.found
    later_pins = {
        rank: pin.row for rank, pin in found.merchandising.pins.items() if rank >= len(first)
    }
    taken = np.concatenate([first, np.array([*later_pins.values()], np.int64)])
    tail = kept.rows[~_same(found.grouping, kept.rows, taken)]
    for rank in sorted(later_pins):
        tail = np.insert(tail, min(rank - len(first), len(tail)), later_pins[rank])
    added = first[~_same(found.grouping, first, kept.rows)]
    relevant_end = kept.relevant_end
    if relevant_end is not None and relevant_end >= len(first):
        relevant_end += len(added)
    last = kept.scores[-1:]
    return replace(
        kept,
        rows=np.concatenate([first, tail]),
        scores=np.concatenate([kept.scores, np.repeat(last, len(added))]),
        relevant_end=relevant_end,
    )
