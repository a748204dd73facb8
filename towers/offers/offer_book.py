"""All offers of a shop, their audiences and their uses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from data.offers.offer import Offer, Redemption
from data.offers.offer_json import offer_of, offer_values
from data.records import Event
from towers.catalog.items import Catalog
from towers.offers.offer_uses import OfferUses
from towers.offers.placed_offer import PlacedOffer
from towers.offers.placed_offers import PlacedOffers

_FILE_NAME = "offers.json"


class OfferBook:
    """The offers in force and past, by id; thread-safe.

    Args:
        catalog: The items that they apply to.
        offers: The offers.
        audiences: The visitors of each audience. An audience without visitors has none.
        redemptions: So far, in any order.
    """

    def __init__(
        self,
        catalog: Catalog,
        offers: Iterable[Offer] = (),
        audiences: Mapping[str, frozenset[str]] | None = None,
        redemptions: Iterable[Redemption] = (),
    ) -> None:
        self.catalog = catalog
        self.audiences: Mapping[str, frozenset[str]] = dict(audiences or {})
        self.uses = OfferUses()
        self._lock = threading.Lock()
        self._placed = {one.offer_id: PlacedOffer.of(one, catalog) for one in offers}
        self._known_audiences = {*self.audiences} | {
            placed.offer.audience for placed in self._placed.values()
        }
        # With the offers and the number of items that they are of.
        self._all: tuple[dict[str, PlacedOffer], int, PlacedOffers] | None = None
        self._redemptions: list[Redemption] = []
        for redemption in redemptions:
            self.redeem(redemption)
        self._built_count = len(self._redemptions)

    def get(self, offer_id: str) -> PlacedOffer | None:
        """An offer by its id."""
        return self._placed.get(offer_id)

    def all(self) -> PlacedOffers:
        """Every offer, in the order in which they were first put.

        Offers placed before the catalogue grew are placed again: a new item may belong to them.
        """
        kept, count = self._all, self.catalog.count
        if kept is not None and kept[0] is self._placed and kept[1] == count:
            return kept[2]
        with self._lock:
            kept, count = self._all, self.catalog.count
            if kept is not None and kept[0] is self._placed and kept[1] == count:
                # Another thread placed them while this one waited.
                return kept[2]
            self._placed = {
                id_: one if one.item_count == count else PlacedOffer.of(one.offer, self.catalog)
                for id_, one in self._placed.items()
            }
            self._all = self._placed, count, PlacedOffers([*self._placed.values()])
            return self._all[2]

    def knows_audience(self, name: str) -> bool:
        """Whether an offer may name this audience; the empty name is everybody."""
        return not name or name in self._known_audiences

    def may_have(self, offer: Offer, visitor_id: str) -> bool:
        """Whether a visitor is in the audience of an offer."""
        return not offer.audience or visitor_id in self.audiences.get(offer.audience, ())

    def change(self, offers: Iterable[Offer], deleted_ids: Iterable[str] = ()) -> tuple[int, int]:
        """Adds or replaces offers, then deletes some; the counts of added and of deleted ones."""
        placed = [PlacedOffer.of(one, self.catalog) for one in offers]
        with self._lock:
            changed = dict(self._placed)
            changed |= {one.offer.offer_id: one for one in placed}
            added = len(changed) - len(self._placed)
            deleted = sum(changed.pop(id_, None) is not None for id_ in deleted_ids)
            self._placed = changed
        return added, deleted

    def redeem(self, redemption: Redemption) -> bool:
        """Counts a redemption once; false if it was counted before."""
        row = self.catalog.row_of.get(redemption.item_id, -1)
        price = float(self.catalog.price[row]) if row >= 0 else float("nan")
        with self._lock:
            is_new = self.uses.take_in(redemption, price if price == price else None)
            if is_new:
                self._redemptions.append(redemption)
        return is_new

    def record(self, event: Event) -> None:
        """Counts a purchase that was made with an offer; other events have no effect."""
        redemption = Redemption.of(event)
        if redemption is not None:
            self.redeem(redemption)

    def event_state(self) -> list[tuple[str, str, str, float, str, float | None]]:
        """The redemptions since the book was built, in order, as JSON values."""
        with self._lock:
            return [astuple(one) for one in self._redemptions[self._built_count :]]

    def parsed_events(self, state: Iterable[Sequence[Any]]) -> Callable[[], None]:
        """Reads ``event_state``, and gives what counts its redemptions again and cannot fail.

        Raises:
            ValueError, TypeError: It is of another version.
        """
        redemptions = [Redemption(*values) for values in state]

        def restore() -> None:
            for redemption in redemptions:
                self.redeem(redemption)

        return restore

    def save(self, folder: Path) -> None:
        """Writes offers, audiences and redemptions into an existing folder."""
        tree = {
            "offers": [offer_values(one.offer) for one in self._placed.values()],
            "audiences": {name: sorted(ids) for name, ids in self.audiences.items()},
            "redemptions": [asdict(one) for one in self._redemptions],
        }
        text = json.dumps(tree, ensure_ascii=False, separators=(",", ":"))
        (folder / _FILE_NAME).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, catalog: Catalog) -> OfferBook:
        """The book that ``save`` wrote."""
        tree = json.loads((folder / _FILE_NAME).read_text(encoding="utf-8"))
        return cls(
            catalog,
            map(offer_of, tree["offers"]),
            {name: frozenset(ids) for name, ids in tree["audiences"].items()},
            (Redemption(**one) for one in tree["redemptions"]),
        )
