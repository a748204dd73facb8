"""What a placement shows: the ranker's request, and what its results say of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from data.records import Event, EventType
from serving.api.answers import Answer, EmptyReason, OfferResult
from serving.api.requests import NO_FILTER, RecommendRequest
from serving.paging.relevance import NO_ROWS
from serving.placements.sentences import Sentence
from towers.bundle.bundle import Bundle
from towers.catalog.items import Catalog
from towers.retrieval.rank_request import RankRequest
from towers.sessions.session import Session


class Note(NamedTuple):
    """What a result says of why its placement shows it.

    Args:
        sentence: For the shopper.
        offer_id: The offer that the item is on; empty for none.
        earlier_price: The price that the item is reduced from; None where it is not.
    """

    sentence: Sentence
    offer_id: str = ""
    earlier_price: float | None = None


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What a placement shows to one visitor.

    Args:
        rank_request: The ranker's request.
        note_of: What the item of a row says; None for nothing.
        empty_reason: Why there is nothing to show; unspecified where the placement has not looked
            for anything in particular.
        product_ids: Items that services may go with.
        is_in_log: Whether the log alone tells what was shown, so that features may be learnt from.
        missing: Stages of the placement that failed.
    """

    rank_request: RankRequest
    note_of: Callable[[int], Note | None] | None = None
    empty_reason: EmptyReason = EmptyReason.UNSPECIFIED
    product_ids: tuple[str, ...] = ()
    is_in_log: bool = True
    missing: tuple[str, ...] = ()

    def told(
        self,
        answer: Answer,
        request: RecommendRequest,
        bundle: Bundle,
        services_of: Callable[[str, Sequence[str]], tuple[OfferResult, ...]],
    ) -> Answer:
        """An answer with the notes of its results, with services on its first page, and with the
        placement's own reason to be empty.

        Args:
            services_of: The services for a visitor and items.
        """
        missing, catalog = [*self.missing], bundle.catalog
        if self.product_ids and not request.offset:
            nothing: tuple[OfferResult, ...] = ()
            services = bundle.ranker.sources.stages.run(
                "services",
                lambda: services_of(request.visitor_id, self.product_ids),
                nothing,
                missing,
            )
            answer = replace(answer, services=services)
        if missing:
            answer = replace(answer, missing=(*answer.missing, *missing))
        if not answer.results:
            mask = self.rank_request.mask
            passes = mask is None or bool(mask.any())
            if self.empty_reason and passes and not request.offset:
                return replace(answer, empty_reason=self.empty_reason)
            return answer
        if self.note_of is None:
            return answer
        results = []
        for result in answer.results:
            note = self.note_of(catalog.row_of[result.item_id])
            if note is not None:
                result = replace(result, offer_id=note.offer_id, earlier_price=note.earlier_price)
                if request.explain:
                    result = replace(result, reason=note.sentence.about(result.title))
            results.append(result)
        return replace(answer, results=tuple(results))


Planner = Callable[[RecommendRequest, Session, float, Bundle], PagePlan]
"""A placement: from a checked request, the visitor's session, a time (seconds since 1970) and the
bundle in use to what it shows."""


def page_request(
    request: RecommendRequest, session: Session, time: float, catalog: Catalog
) -> RankRequest:
    """The rank request of a page that shows all that passes the filter, but for the basket and the
    items of the request."""
    now = session.at(time)
    named = sorted(now.basket.union(request.item_ids))
    known = catalog.rows(named) if named else NO_ROWS
    mask = catalog.mask(request.filter)
    # A filter on stock alone does not narrow what the shopper is looking for.
    is_narrowed = mask is not None and replace(request.filter, in_stock_only=False) != NO_FILTER
    return RankRequest(
        now,
        time,
        mask=mask,
        excluded=known[known >= 0],
        has_page_hint=is_narrowed or bool(request.item_ids),
    )


def with_items(session: Session, type_: EventType, item_ids: Sequence[str], time: float) -> Session:
    """The session as if something had just happened to the items, each once."""
    now = session.at(time)
    # Not before the newest event: the page's items are what the shopper looks at now.
    moment = max(time, now.events[-1].time) if now.events else time
    for item_id in dict.fromkeys(item_ids):
        now = now.after(Event("", type_, session.visitor_id, moment, item_id=item_id))
    return now
