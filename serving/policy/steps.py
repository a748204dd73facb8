"""The steps of a policy in their order, and what each did.

An answer by relevance is made in this order, and each step tells what it did:

1. scoring: the ranker's candidates, scored (``model_score`` and the ranker's own ``adjustments``);
2. eligibility: filters, stock, and what is in the basket or on the page already; in a search what is only
   related goes behind what is relevant (adjustment ``related_only``);
3. the shop's rules: hidings, boosts and burials, pins (``merchandising`` and ``rules``);
4. diversity (adjustment ``diversity``);
5. caps, all at once (adjustments ``brand_cap``, ``category_cap``, ``variant_cap``);
6. exploration (adjustment ``exploration``, and the propensity in the log).

Caps hold on the page that is answered, exploration included; the item that gives way to a drawn one goes
to a later page whatever its caps. Steps 4 to 6 never put a result that is only related before a relevant
one, never move a pinned item, and leave an order other than relevance, and the search for an item's own
code, as they are.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from serving.api.answers import PolicyStep
from serving.api.requests import Placement, RecommendRequest, SearchRequest
from serving.paging.relevance import RELATED_ONLY
from serving.policy.caps import Caps, unpinned_ranks
from serving.policy.diversity import WINDOW, diverse_order
from serving.policy.exploration import (
    END_RANK,
    FIRST_RANK,
    Exploration,
    explore,
    is_new,
    slot_of,
)
from serving.policy.settings import SEARCH, Policy
from towers.ranking.adjustments import EXACT_CODE
from towers.ranking.shortlist import Shortlist
from towers.retrieval.candidates import Sources

DIVERSITY = "diversity"
EXPLORATION = "exploration"

_FUSED_SPREAD = np.float32(6.0)
"""Logits between the first and the last of a typical reranked list."""
_NO_PINS: Mapping[int, int] = MappingProxyType({})


class Decided(NamedTuple):
    """A list after the policy.

    Args:
        shortlist: In its new order.
        steps: The steps that changed the order, in their order.
        chance_row: The item whose place was up to chance; None where nothing was.
        propensity: Of that item in its place.
        has_propensities: Whether the policy explores, so that the answer is logged with propensities.
    """

    shortlist: Shortlist
    steps: tuple[PolicyStep, ...] = ()
    chance_row: int | None = None
    propensity: float = 1.0
    has_propensities: bool = False

    def propensities(self, rows: np.ndarray) -> tuple[float, ...]:
        """The propensity of each item of a page, 1 where nothing was up to chance; else empty.

        Args:
            rows: ``[n] int64`` of the page.
        """
        if not self.has_propensities:
            return ()
        return tuple(self.propensity if row == self.chance_row else 1.0 for row in rows.tolist())


@dataclass(frozen=True)
class PageRequest:
    """What the policy reads of a request.

    Args:
        size: Results on a page.
        is_first: Whether it is the first page, of the order as of now.
        token: The attribution token, which seeds what is drawn: who has the log can draw it again.
        pins: Row of each pinned item by rank, from 0.
    """

    size: int
    is_first: bool
    token: str
    pins: Mapping[int, int] = field(default_factory=lambda: _NO_PINS)

    @classmethod
    def of(
        cls, request: SearchRequest | RecommendRequest, token: str, pins: Mapping[int, int]
    ) -> PageRequest:
        """Of a request; ``pins`` as above."""
        return cls(request.page_size, not request.offset and not request.order_key, token, pins)


_PLACEMENTS = tuple(one.name.lower() for one in Placement)
"""By number."""


def surface_of(request: SearchRequest | RecommendRequest) -> str:
    """The surface of a request: ``search``, or its placement's name."""
    return SEARCH if isinstance(request, SearchRequest) else _PLACEMENTS[request.placement]


def decided(shortlist: Shortlist, policy: Policy, page: PageRequest, sources: Sources) -> Decided:
    """The list after diversity, caps and exploration.

    Args:
        shortlist: By relevance, after the shop's rules, without hidden and pinned items.
    """
    if policy.is_off or not len(shortlist.rows) or EXACT_CODE in shortlist.adjustments:
        return Decided(shortlist)
    steps: list[PolicyStep] = []
    if policy.diversity:
        order = diverse_order(
            _logits(shortlist),
            sources.index.embeddings[shortlist.rows[:WINDOW]],
            policy.diversity,
            kinds=_is_related_only(shortlist),
        )
        shortlist = _applied(shortlist, order, {DIVERSITY: np.ones(len(order), bool)}, steps)
    caps: Caps | None = None
    if policy.has_caps:
        caps = Caps.of(policy, shortlist.rows, page.pins, sources.catalog)
        order, causes = caps.order(page.size, kinds=_is_related_only(shortlist))
        shortlist = _applied(shortlist, order, causes, steps)
        caps = Caps.of(policy, shortlist.rows, page.pins, sources.catalog)
    if not policy.exploration:
        return Decided(shortlist, tuple(steps))
    drawn = _drawn(shortlist, policy, page, caps, sources) if page.is_first else None
    if drawn is None:
        return Decided(shortlist, tuple(steps), has_propensities=True)
    if drawn.drawn is not None:
        order = np.arange(len(shortlist.rows))
        order[[drawn.place, drawn.drawn]] = drawn.drawn, drawn.place
        shortlist = _applied(shortlist, order, {EXPLORATION: np.ones(len(order), bool)}, steps)
    row = int(shortlist.rows[drawn.place])
    return Decided(shortlist, tuple(steps), row, drawn.propensity, has_propensities=True)


def _is_related_only(shortlist: Shortlist) -> np.ndarray:
    """Which results are only related to the search, ``[n] bool``; none of a browse page."""
    pushed = shortlist.adjustments.get(RELATED_ONLY)
    return np.zeros(len(shortlist.rows), bool) if pushed is None else pushed != 0


def _logits(shortlist: Shortlist) -> np.ndarray:
    """The scores as logits, ``[n] float32``, falling among the relevant and among the related results.

    Fusion scores are none: they are spread as far as those of a reranked list.
    """
    pushed = shortlist.adjustments.get(RELATED_ONLY)
    scores = shortlist.scores if pushed is None else shortlist.scores - pushed
    if "reranker" not in shortlist.missing:
        return scores
    spread = np.float32(np.ptp(scores))
    return scores * (_FUSED_SPREAD / spread) if spread else scores


def _applied(
    shortlist: Shortlist,
    order: np.ndarray,
    causes: Mapping[str, np.ndarray],
    steps: list[PolicyStep],
) -> Shortlist:
    """The list in a new order; ``steps`` receives what moved whom."""
    is_moved = np.zeros(len(order), bool)
    is_moved[order] = order != np.arange(len(order))
    if not is_moved.any():
        return shortlist
    for name, flags in causes.items():
        count = int(np.count_nonzero(flags & is_moved))
        is_moved = is_moved & ~flags
        if count:
            steps.append(PolicyStep(name, count))
    return shortlist.reordered(order, causes)


def _drawn(
    shortlist: Shortlist, policy: Policy, page: PageRequest, caps: Caps | None, sources: Sources
) -> Exploration | None:
    """What takes the slot that is up to chance; None where the page has no slot or nothing new."""
    rng = random.Random(page.token)
    ranks = unpinned_ranks(len(shortlist.rows), page.pins)
    on_page = [place for place, rank in enumerate(ranks) if rank < page.size]
    places = [place for place in on_page if FIRST_RANK <= ranks[place] < END_RANK]
    if not places:
        return None
    place = slot_of(places, rng)
    related = _is_related_only(shortlist)
    behind = np.arange(len(on_page), len(shortlist.rows))
    rows, time = shortlist.rows[behind], shortlist.encoded.rank_request.time
    fits = is_new(rows, time, policy.new_days, sources.catalog, sources.popularity)
    candidates = behind[fits & (related[behind] == related[place])].tolist()
    if caps is not None:
        others = [one for one in on_page if one != place]
        candidates = caps.fitting(candidates, others, 0, page.size)
    return explore(place, candidates, shortlist.model_scores, policy.exploration, rng)
