"""A log replayed to the features of visitors and offers at given moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.offers.offer import Redemption
from data.offers.offer_tables import OfferTables as OfferRows
from data.offers.offer_tables import iter_offers, iter_redemptions, members
from data.records import Event
from towers.catalog.items import Catalog
from towers.offers.offer_book import OfferBook
from towers.offers.offer_features import OfferTables, offer_features
from towers.offers.placed_offer import PlacedOffer
from towers.offers.visitor_state import VisitorState
from towers.retrieval.sources.popular import Popular
from towers.sessions.session import Session

Report = Callable[..., None]
"""Takes steps done, and all steps."""


@dataclass(frozen=True)
class OfferLog:
    """What is replayed.

    Args:
        catalog: The items.
        embeddings: ``[items, dim] float32`` unit rows.
        events: In time order.
        book: The offers and their audiences, without redemptions.
        redemptions: In time order.
        until: Seconds since 1970; nothing later is in events or redemptions.
    """

    catalog: Catalog
    embeddings: np.ndarray
    events: Sequence[Event]
    book: OfferBook
    redemptions: Sequence[Redemption]
    until: float

    @classmethod
    def of(
        cls,
        rows: OfferRows,
        events: Sequence[Event],
        catalog: Catalog,
        embeddings: np.ndarray,
        *,
        until: float,
    ) -> OfferLog:
        """From tables; events and redemptions from ``until`` on are left out."""
        redemptions = [one for one in iter_redemptions(rows.redemptions) if one.time < until]
        book = OfferBook(catalog, iter_offers(rows.offers), members(rows.audiences))
        kept = [event for event in events if event.time < until]
        return cls(catalog, embeddings, kept, book, redemptions, until)

    @property
    def begin(self) -> float:
        """Time of the first event; ``until`` without any."""
        return self.events[0].time if self.events else self.until


@dataclass(frozen=True, eq=False)
class OfferMoment:
    """A visitor at a time, with offers to describe."""

    visitor_id: str
    time: float
    offers: Sequence[PlacedOffer] = field(repr=False)


def replay_offers(
    log: OfferLog, moments: Sequence[OfferMoment], progress: Report
) -> Iterator[tuple[int, np.ndarray]]:
    """The number of each moment, and its features ``[offers, columns] float32``, by time.

    Features are of what came before the moment: sessions, counts and redemptions are folded over
    the log as a server does.
    """
    book = OfferBook(log.catalog, [one.offer for one in log.book.all()], log.book.audiences)
    popular = Popular()
    tables = OfferTables(book, popular.popularity, log.embeddings)
    wanted = {moment.visitor_id for moment in moments}
    sessions: dict[str, Session] = {}
    row_of = log.catalog.row_of
    events, redemptions = iter(log.events), iter(log.redemptions)
    event, redemption = next(events, None), next(redemptions, None)
    order = np.argsort([moment.time for moment in moments], kind="stable")
    for done, number in enumerate(order.tolist(), start=1):
        moment = moments[number]
        while event is not None and event.time < moment.time:
            row = row_of.get(event.item_id, -1)
            if row >= 0:
                popular.take_in_event(row, event)
            visitor_id = event.visitor_id
            if visitor_id in wanted:
                before = sessions.get(visitor_id) or Session.empty(visitor_id)
                sessions[visitor_id] = before.after(event)
            event = next(events, None)
        while redemption is not None and redemption.time < moment.time:
            book.redeem(redemption)
            redemption = next(redemptions, None)
        session = sessions.get(moment.visitor_id) or Session.empty(moment.visitor_id)
        state = VisitorState.of(session, moment.time, log.catalog, log.embeddings)
        yield number, offer_features(state, moment.offers, tables)
        progress(done, len(moments))
