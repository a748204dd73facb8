"""Answers requests for offers, and takes in their live changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from data.offers.offer import Offer, OfferKind
from data.sources.live_offers import OFFER_LOG_NAME
from serving.answering.active_bundle import ActiveBundle
from serving.api.offers.offer_requests import OfferAnswer, OfferReport, OfferRequest, OfferResult
from serving.api.requests import CART_COUNT_LIMIT
from serving.offers.offer_validation import OFFER_COUNT_LIMIT, check_audiences, check_cart
from serving.state.offer_log import OfferLog
from serving.state.session_store import SessionStore
from towers.catalog.items import Catalog
from towers.offers.eligibility import eligible_offers
from towers.offers.offer_features import OfferTables
from towers.offers.offer_ranking import RankedOffer, rank_offers
from towers.offers.visitor_state import VisitorState

_SHOWN_ITEM_COUNT = 5
_SERVICE_COUNT = 5
_COMPARED_ITEM_LIMIT = 2_000


class OfferDesk:
    """The offers of one service; every method is thread-safe.

    Redemptions are not counted here: they are purchase events, which the bundle in use counts.

    Args:
        folder: Of the state.
        active: Returns the bundle in use.
        sessions: The visitors' sessions.
        clock: Seconds since 1970, UTC.

    Raises:
        InputError: The log of live changes cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        active: Callable[[], ActiveBundle],
        sessions: SessionStore,
        clock: Callable[[], float],
    ) -> None:
        self._active = active
        self._sessions = sessions
        self._clock = clock
        self._changing = threading.Lock()
        self._log = OfferLog(folder / OFFER_LOG_NAME)
        try:
            self._restore(active())
        except BaseException:
            self._log.close()
            raise

    def recommend(self, request: OfferRequest) -> OfferAnswer:
        """The offers that hold for a visitor now and that the visitor may want, best first.

        Raises:
            RequestError: The cart has an item that the catalogue does not know.
        """
        bundle, now = self._active().bundle, self._clock()
        check_cart(request, bundle.catalog)
        sources = bundle.ranker.sources
        embeddings = sources.index.embeddings
        session = self._sessions.get(request.visitor_id)
        state = VisitorState.of(session, now, bundle.catalog, embeddings, request.item_ids)
        eligible = eligible_offers(bundle.offers, request.visitor_id, now, request.kinds)
        ranked, unwanted = rank_offers(
            state,
            eligible.offers,
            OfferTables(bundle.offers, sources.popular.popularity, embeddings),
            bundle.offer_model,
            order=request.order_by,
            limit=request.limit,
        )
        left_out = {**eligible.left_out, **({"unwanted": unwanted} if unwanted else {})}
        results = tuple(_result(one, state, bundle.catalog, embeddings) for one in ranked)
        return OfferAnswer(results, bundle.manifest.bundle_id, left_out)

    def services(self, visitor_id: str, product_ids: Sequence[str]) -> tuple[OfferResult, ...]:
        """The services that hold for a visitor now and go with any of the items, best first."""
        if not product_ids:
            return ()
        catalog = self._active().bundle.catalog
        rows = catalog.rows(product_ids)
        known = tuple(one for one in product_ids if one in catalog.row_of)
        asked = OfferRequest(
            visitor_id, (OfferKind.SERVICE,), known[:CART_COUNT_LIMIT], OFFER_COUNT_LIMIT
        )
        of_products = []
        for one in self.recommend(asked).offers:
            placed = self._active().bundle.offers.get(one.offer_id)
            if placed is not None and np.isin(placed.rows, rows).any():
                of_products.append(one)
        return tuple(of_products[:_SERVICE_COUNT])

    def update(self, offers: Sequence[Offer], deleted_ids: Sequence[str] = ()) -> OfferReport:
        """Adds or replaces offers and deletes others, all or none; the next answer uses them.

        Raises:
            RequestError: An audience that the bundle does not know.
            OverloadError: The disk is full or failing; nothing has changed.
        """
        offers = list(dict.fromkeys(offers))
        with self._changing:
            book = self._active().bundle.offers
            check_audiences(offers, book)
            self._log.put(offers, deleted_ids, self._clock())
            added, deleted = book.change(offers, deleted_ids)
        return OfferReport(added, len(offers) - added, deleted)

    @contextmanager
    def handing_over(self, incoming: ActiveBundle) -> Iterator[None]:
        """Applies all live changes to another bundle, and lets none happen until the block ends."""
        with self._changing:
            self._restore(incoming)
            yield

    def close(self) -> None:
        """Closes the log."""
        self._log.close()

    def _restore(self, active: ActiveBundle) -> None:
        changes = self._log.since(active.bundle.facts.items_time)
        offers = [one.offer for one in changes if one.offer is not None]
        deleted_ids = [one.offer_id for one in changes if one.offer is None]
        active.bundle.offers.change(offers, deleted_ids)


def _result(
    ranked: RankedOffer, state: VisitorState, catalog: Catalog, embeddings: np.ndarray
) -> OfferResult:
    offer = ranked.placed.offer
    rows = _shown_rows(ranked.placed.rows, state, catalog, embeddings)
    return OfferResult(
        offer.offer_id,
        offer.kind,
        offer.text,
        offer.percent_off,
        offer.amount_off,
        offer.end_time,
        tuple(catalog.item_ids[row] for row in rows.tolist()),
        ranked.probability,
        ranked.uplift,
        ranked.affinity,
        ranked.reason,
    )


def _shown_rows(
    rows: np.ndarray, state: VisitorState, catalog: Catalog, embeddings: np.ndarray
) -> np.ndarray:
    """Rows of an offer in stock: of the session or bought before, then nearest to the taste."""
    rows = rows[catalog.in_stock[rows] & catalog.listed[rows]]
    is_own = np.isin(rows, np.concatenate([state.rows, state.bought_rows]))
    own = rows[is_own][:_SHOWN_ITEM_COUNT]
    others = rows[~is_own & ~np.isin(rows, state.disliked_rows)][:_COMPARED_ITEM_LIMIT]
    nearest = np.argsort(-(embeddings[others] @ state.taste), kind="stable")
    return np.concatenate([own, others[nearest]])[:_SHOWN_ITEM_COUNT]
