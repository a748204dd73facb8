"""What answers say of items whatever was asked: made once per item and version, then kept."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from towers.catalog.items import Catalog

_KEPT_LIMIT = 50_000
"""Cards kept of one catalogue: few items make up most pages."""


class ItemCard:
    """The fields of ``Result`` that come from the catalogue; not to be changed.

    Attributes:
        encoded: The same as bytes of the API's message, which its codec keeps here; empty before.
    """

    __slots__ = (
        *("brand", "category", "encoded", "in_stock", "item_id", "predicted_attributes"),
        *("price", "title"),
    )

    def __init__(
        self,
        item_id: str,
        title: str,
        category: tuple[str, ...],
        brand: str,
        price: float | None,
        in_stock: bool,
        predicted_attributes: tuple[str, ...] = (),
    ) -> None:
        self.item_id = item_id
        self.title = title
        self.category = category
        self.brand = brand
        self.price = price
        self.in_stock = in_stock
        self.predicted_attributes = predicted_attributes
        self.encoded = b""


_Kept = dict[int, tuple[int, ItemCard]]
_kept: WeakKeyDictionary[Catalog, _Kept] = WeakKeyDictionary()


def cards_of(catalog: Catalog, rows: np.ndarray) -> list[ItemCard]:
    """The cards of ``rows [n] int64`` as the items are now."""
    kept = _kept.get(catalog)
    if kept is None:
        kept = _kept.setdefault(catalog, {})
    numbers = rows.tolist()
    # The versions before the fields: what changes meanwhile is not kept as current.
    versions = catalog.versions[rows].tolist()
    return [
        known[1]
        if known is not None and known[0] == version
        else _keep(kept, catalog, row, version)
        for row, version, known in zip(numbers, versions, map(kept.get, numbers), strict=True)
    ]


def _keep(kept: _Kept, catalog: Catalog, row: int, version: int) -> ItemCard:
    if len(kept) >= _KEPT_LIMIT:
        kept.clear()
    card = _card(catalog, row)
    kept[row] = version, card
    return card


def _card(catalog: Catalog, row: int) -> ItemCard:
    price = float(catalog.price[row])
    return ItemCard(
        catalog.item_ids[row],
        catalog.titles[row],
        catalog.category(row),
        catalog.brand_name(row),
        # Prices are float32: round away digits beyond its precision.
        None if price != price else round(price, 4),
        bool(catalog.in_stock[row]),
        catalog.attributes.predicted.get(row, ()),
    )
