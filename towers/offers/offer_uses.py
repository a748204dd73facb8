"""The uses of offers: a fold over redemptions.

Kept apart from the offers themselves, so that a changed offer keeps its uses, and a redemption
counts whichever comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data.offers.offer import Offer, Redemption


class OfferUses:
    """How often offers were redeemed, by whom, and what it cost. One writer; readers need no lock."""

    def __init__(self) -> None:
        self._counted: set[str] = set()
        self._by_visitor: dict[str, dict[str, int]] = {}
        self._last_times: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._price_sums: dict[str, float] = {}

    def take_in(self, redemption: Redemption, list_price: float | None = None) -> bool:
        """Counts a redemption once; false if its id was counted before.

        Args:
            list_price: Of one piece without the offer, where it is known.
        """
        if redemption.redemption_id in self._counted:
            return False
        self._counted.add(redemption.redemption_id)
        offer_id, visitor_id = redemption.offer_id, redemption.visitor_id
        price = list_price if list_price is not None else redemption.price or 0.0
        self._counts[offer_id] = self._counts.get(offer_id, 0) + 1
        self._price_sums[offer_id] = self._price_sums.get(offer_id, 0.0) + price
        of_visitor = dict(self._by_visitor.get(visitor_id, {}))
        of_visitor[offer_id] = of_visitor.get(offer_id, 0) + 1
        # Replaced as a whole, since another thread may iterate over the earlier one.
        self._by_visitor[visitor_id] = of_visitor
        last = self._last_times.get(visitor_id, redemption.time)
        self._last_times[visitor_id] = max(last, redemption.time)
        return True

    def count(self, offer_id: str) -> int:
        """Redemptions of an offer."""
        return self._counts.get(offer_id, 0)

    def counts(self, offer_ids: Sequence[str]) -> list[int]:
        """Redemptions of some offers."""
        known = self._counts
        return [known.get(offer_id, 0) for offer_id in offer_ids]

    def of_visitor(self, visitor_id: str) -> dict[str, int]:
        """A visitor's redemptions by offer."""
        return self._by_visitor.get(visitor_id, {})

    def last_time(self, visitor_id: str) -> float | None:
        """When a visitor last redeemed anything, seconds since 1970; None: never."""
        return self._last_times.get(visitor_id)

    def cost(self, offer: Offer) -> float:
        """What the redemptions of an offer have cost the shop, at its value as of now.

        A percentage is of the list price, or where that is not known of the price paid.
        """
        if offer.amount_off is not None:
            return offer.amount_off * self.count(offer.offer_id)
        return (offer.percent_off or 0.0) / 100.0 * self._price_sums.get(offer.offer_id, 0.0)

    @property
    def visitors(self) -> Iterable[str]:
        """Everybody who redeemed anything."""
        return self._by_visitor.keys()
